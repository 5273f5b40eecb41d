ALTER TABLE entity_link DROP COLUMN ended_because;
DROP TABLE epoch_part;
ALTER TABLE contribution DROP COLUMN items_rule;
ALTER TABLE contribution DROP COLUMN items_blob;
