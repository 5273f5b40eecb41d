-- What the rows of a contribution consist of, and by which rule, for near duplicates.
ALTER TABLE contribution ADD COLUMN items_blob TEXT;
ALTER TABLE contribution ADD COLUMN items_rule TEXT;

-- What explains the weights of a later epoch; the parts of a revision explain its first.
CREATE TABLE epoch_part (
  revision_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  contribution_id BLOB NOT NULL REFERENCES contribution (id),
  rows_unique BIGINT NOT NULL,
  rows_shared BIGINT NOT NULL,
  rows_late BIGINT NOT NULL,
  mass TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (revision_id, epoch, contribution_id),
  FOREIGN KEY (revision_id, epoch) REFERENCES epoch (revision_id, number)
);
ALTER TABLE entity_link ADD COLUMN ended_because TEXT;
