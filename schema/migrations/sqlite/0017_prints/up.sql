-- Keyed order-free fingerprints of a contribution's rows, and by which rule, for counting
-- exactly what of another contribution stands in it.
ALTER TABLE contribution ADD COLUMN prints_blob TEXT;
ALTER TABLE contribution ADD COLUMN prints_rule TEXT;
