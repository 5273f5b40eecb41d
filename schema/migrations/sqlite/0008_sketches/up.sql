-- What contributions have in common across datasets, without keeping what it is.
CREATE TABLE sketch (
  contribution_id BLOB NOT NULL REFERENCES contribution (id),
  kind TEXT NOT NULL CHECK (kind IN ('rows', 'loose', 'key', 'column')),
  place INTEGER NOT NULL,
  members BIGINT NOT NULL,
  bound BIGINT,
  PRIMARY KEY (contribution_id, kind, place)
);

-- Keyed hashes, each under the contribution that brought it to a dataset first.
CREATE TABLE sketch_entry (
  hash BIGINT NOT NULL,
  dataset_id BLOB NOT NULL REFERENCES dataset (id),
  contribution_id BLOB NOT NULL REFERENCES contribution (id),
  PRIMARY KEY (hash, dataset_id)
) WITHOUT ROWID;

-- How much of a contribution stands in a dataset of another owner.
CREATE TABLE overlap (
  contribution_id BLOB NOT NULL REFERENCES contribution (id),
  dataset_id BLOB NOT NULL REFERENCES dataset (id),
  measure TEXT NOT NULL CHECK (measure IN ('rows', 'loose', 'key', 'columns')),
  share_ppm INTEGER NOT NULL CHECK (share_ppm BETWEEN 0 AND 1000000),
  margin_ppm INTEGER NOT NULL CHECK (margin_ppm BETWEEN 0 AND 1000000),
  first_receipt BIGINT NOT NULL,
  detail TEXT NOT NULL,
  gate BOOLEAN NOT NULL,
  cleared_by BLOB REFERENCES party (id),
  cleared_at TEXT,
  cleared_because TEXT,
  PRIMARY KEY (contribution_id, dataset_id, measure)
);
