ALTER TABLE contribution DROP COLUMN prints_rule;
ALTER TABLE contribution DROP COLUMN prints_blob;
