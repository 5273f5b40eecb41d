-- Somebody says that rows of contributions to a dataset are theirs, and names a contribution of
-- their own in which they stand. The state is the outcome once it is decided.
CREATE TABLE claim (
  id BLOB PRIMARY KEY NOT NULL,
  dataset_id BLOB NOT NULL REFERENCES dataset (id),
  claimant_id BLOB NOT NULL REFERENCES party (id),
  evidence_id BLOB NOT NULL REFERENCES contribution (id),
  reason TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN
    ('counting', 'filed', 'nothing_shared', 'open', 'for_holder', 'for_claimant', 'withdrawn')),
  created_at TEXT NOT NULL,
  opened_by BLOB REFERENCES party (id),
  opened_at TEXT,
  decided_by BLOB REFERENCES party (id),
  decided_at TEXT,
  decided_because TEXT
);
CREATE INDEX claim_dataset ON claim (dataset_id, state);
CREATE INDEX claim_claimant ON claim (claimant_id);

-- A contribution that is claimed: how many of its rows stand in the evidence, which (a sealed
-- file, one bit for each row), and the account that holds what they earn while it is open.
CREATE TABLE claim_part (
  claim_id BLOB NOT NULL REFERENCES claim (id),
  contribution_id BLOB NOT NULL REFERENCES contribution (id),
  holder_id BLOB NOT NULL REFERENCES party (id),
  rows BIGINT NOT NULL,
  rows_blob TEXT,
  suspense_id BLOB REFERENCES party (id),
  PRIMARY KEY (claim_id, contribution_id)
);
CREATE INDEX claim_part_holder ON claim_part (holder_id);
CREATE UNIQUE INDEX claim_part_suspense ON claim_part (suspense_id);

-- What left the account of a decided claim, to whom it was decided for.
CREATE TABLE claim_release (
  entry_id BLOB PRIMARY KEY NOT NULL REFERENCES entry (id),
  claim_id BLOB NOT NULL REFERENCES claim (id),
  contribution_id BLOB NOT NULL REFERENCES contribution (id),
  party_id BLOB NOT NULL REFERENCES party (id),
  amount BIGINT NOT NULL CHECK (amount <> 0),
  period TEXT NOT NULL,
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL
);
CREATE INDEX claim_release_party ON claim_release (party_id, book, period);

CREATE TRIGGER claim_release_no_update BEFORE UPDATE ON claim_release
BEGIN SELECT RAISE(ABORT, 'granary: claim_release is append-only'); END;
CREATE TRIGGER claim_release_no_delete BEFORE DELETE ON claim_release
BEGIN SELECT RAISE(ABORT, 'granary: claim_release is append-only'); END;
