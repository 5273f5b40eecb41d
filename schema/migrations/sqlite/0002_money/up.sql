CREATE TABLE period (
  name TEXT PRIMARY KEY NOT NULL,
  opened_at TEXT NOT NULL,
  closed_at TEXT
);

-- One journal per book (a currency, or points): dense numbers, hash chained.
CREATE TABLE entry (
  book TEXT NOT NULL,
  seq BIGINT NOT NULL CHECK (seq > 0),
  id BLOB NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  period TEXT NOT NULL,
  event_time TEXT NOT NULL,
  recorded_at TEXT NOT NULL,
  source TEXT NOT NULL,
  idem_key TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  meta TEXT NOT NULL,
  salt BLOB NOT NULL,
  body_hash BLOB NOT NULL,
  prev_hash BLOB NOT NULL,
  leaf_hash BLOB NOT NULL,
  PRIMARY KEY (book, seq),
  UNIQUE (source, idem_key)
);

-- balance is a cache of the sum of postings, checked by the verifier (I16).
CREATE TABLE account (
  id BIGINT PRIMARY KEY NOT NULL,
  book TEXT NOT NULL,
  name TEXT NOT NULL,
  balance BIGINT NOT NULL,
  UNIQUE (name, book)
);

CREATE TABLE posting (
  book TEXT NOT NULL,
  seq BIGINT NOT NULL,
  line INTEGER NOT NULL,
  account_id BIGINT NOT NULL REFERENCES account (id),
  amount BIGINT NOT NULL CHECK (amount <> 0),
  PRIMARY KEY (book, seq, line),
  FOREIGN KEY (book, seq) REFERENCES entry (book, seq)
);
CREATE INDEX posting_account ON posting (account_id, seq);

CREATE TABLE epoch (
  revision_id BLOB NOT NULL REFERENCES revision (id),
  number INTEGER NOT NULL,
  digest BLOB NOT NULL,
  frozen_at TEXT NOT NULL,
  PRIMARY KEY (revision_id, number)
);

CREATE TABLE epoch_share (
  revision_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  party_id BLOB NOT NULL REFERENCES party (id),
  weight TEXT NOT NULL,
  share BIGINT NOT NULL CHECK (share >= 0),
  PRIMARY KEY (revision_id, epoch, party_id),
  FOREIGN KEY (revision_id, epoch) REFERENCES epoch (revision_id, number)
);
CREATE INDEX epoch_share_party ON epoch_share (party_id);

CREATE TABLE pool (
  revision_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  currency TEXT NOT NULL,
  cumulative BIGINT NOT NULL,
  settled BIGINT NOT NULL,
  PRIMARY KEY (revision_id, epoch, currency),
  FOREIGN KEY (revision_id, epoch) REFERENCES epoch (revision_id, number)
);

CREATE TABLE carry (
  party_id BLOB NOT NULL REFERENCES party (id),
  currency TEXT NOT NULL,
  residue BIGINT NOT NULL CHECK (residue >= 0 AND residue < 1000000000000),
  PRIMARY KEY (party_id, currency)
);

CREATE TABLE orders (
  id BLOB PRIMARY KEY NOT NULL,
  buyer_id BLOB NOT NULL REFERENCES party (id),
  offer_id BLOB NOT NULL REFERENCES offer (id),
  dataset_id BLOB NOT NULL REFERENCES dataset (id),
  revision_id BLOB NOT NULL REFERENCES revision (id),
  epoch INTEGER NOT NULL,
  licence_id BLOB NOT NULL,
  currency TEXT NOT NULL,
  gross BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  net BIGINT NOT NULL,
  refunded BIGINT NOT NULL,
  refunded_fee BIGINT NOT NULL,
  refunded_tax BIGINT NOT NULL,
  refunded_commission BIGINT NOT NULL,
  refunded_net BIGINT NOT NULL,
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX orders_buyer ON orders (buyer_id, created_at);
CREATE INDEX orders_dataset ON orders (dataset_id, created_at);
CREATE INDEX orders_pool ON orders (revision_id, epoch, book, entry_seq);

CREATE TABLE refund (
  id BLOB PRIMARY KEY NOT NULL,
  order_id BLOB NOT NULL REFERENCES orders (id),
  period TEXT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  fee BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  net BIGINT NOT NULL,
  reason TEXT NOT NULL,
  requested_by BLOB NOT NULL REFERENCES party (id),
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX refund_order ON refund (order_id);
CREATE INDEX refund_entry ON refund (book, entry_seq);

CREATE TABLE licence (
  id BLOB PRIMARY KEY NOT NULL,
  order_id BLOB NOT NULL REFERENCES orders (id),
  party_id BLOB NOT NULL REFERENCES party (id),
  dataset_id BLOB NOT NULL REFERENCES dataset (id),
  revision_id BLOB NOT NULL REFERENCES revision (id),
  document TEXT NOT NULL,
  valid_from TEXT NOT NULL,
  valid_until TEXT,
  downloads_used INTEGER NOT NULL,
  revoked_at TEXT,
  revoked_reason TEXT,
  created_at TEXT NOT NULL
);
CREATE INDEX licence_party ON licence (party_id, created_at);

CREATE TABLE grants (
  id BLOB PRIMARY KEY NOT NULL,
  licence_id BLOB NOT NULL REFERENCES licence (id),
  revision_id BLOB NOT NULL REFERENCES revision (id),
  recipient_id BLOB REFERENCES recipient (id),
  kind TEXT NOT NULL,
  rows BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX grants_licence ON grants (licence_id, created_at);

-- The re-wrapped age header, made once per licence, file and recipient and kept:
-- a fresh wrap is randomised and would break Range and resume.
CREATE TABLE delivery_header (
  licence_id BLOB NOT NULL REFERENCES licence (id),
  revision_id BLOB NOT NULL REFERENCES revision (id),
  recipient_id BLOB NOT NULL REFERENCES recipient (id),
  header BLOB NOT NULL,
  etag TEXT NOT NULL,
  created_at TEXT NOT NULL,
  PRIMARY KEY (licence_id, revision_id, recipient_id)
);

CREATE TABLE settlement (
  id BLOB PRIMARY KEY NOT NULL,
  period TEXT NOT NULL,
  currency TEXT NOT NULL,
  revision_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  pool_delta BIGINT NOT NULL,
  dust BIGINT NOT NULL,
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX settlement_period ON settlement (period, currency);

CREATE TABLE settlement_line (
  settlement_id BLOB NOT NULL REFERENCES settlement (id),
  party_id BLOB NOT NULL REFERENCES party (id),
  share BIGINT NOT NULL,
  amount BIGINT NOT NULL,
  carry_before BIGINT NOT NULL,
  carry_after BIGINT NOT NULL,
  PRIMARY KEY (settlement_id, party_id)
);
CREATE INDEX settlement_line_party ON settlement_line (party_id);

CREATE TABLE statement (
  id BLOB PRIMARY KEY NOT NULL,
  party_id BLOB NOT NULL REFERENCES party (id),
  period TEXT NOT NULL,
  currency TEXT NOT NULL,
  number INTEGER NOT NULL,
  opening BIGINT NOT NULL,
  earned BIGINT NOT NULL,
  closing BIGINT NOT NULL,
  document TEXT NOT NULL,
  signature TEXT NOT NULL,
  supersedes BLOB,
  created_at TEXT NOT NULL,
  UNIQUE (party_id, period, currency, number)
);

-- Journal rows are written once: a correction is a new entry.
CREATE TRIGGER entry_no_update BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'granary: entry is append-only'); END;
CREATE TRIGGER entry_no_delete BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'granary: entry is append-only'); END;
CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting
BEGIN SELECT RAISE(ABORT, 'granary: posting is append-only'); END;
CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting
BEGIN SELECT RAISE(ABORT, 'granary: posting is append-only'); END;
CREATE TRIGGER epoch_no_update BEFORE UPDATE ON epoch
BEGIN SELECT RAISE(ABORT, 'granary: epoch is append-only'); END;
CREATE TRIGGER epoch_no_delete BEFORE DELETE ON epoch
BEGIN SELECT RAISE(ABORT, 'granary: epoch is append-only'); END;
CREATE TRIGGER epoch_share_no_update BEFORE UPDATE ON epoch_share
BEGIN SELECT RAISE(ABORT, 'granary: epoch_share is append-only'); END;
CREATE TRIGGER epoch_share_no_delete BEFORE DELETE ON epoch_share
BEGIN SELECT RAISE(ABORT, 'granary: epoch_share is append-only'); END;
CREATE TRIGGER refund_no_update BEFORE UPDATE ON refund
BEGIN SELECT RAISE(ABORT, 'granary: refund is append-only'); END;
CREATE TRIGGER refund_no_delete BEFORE DELETE ON refund
BEGIN SELECT RAISE(ABORT, 'granary: refund is append-only'); END;
CREATE TRIGGER settlement_no_update BEFORE UPDATE ON settlement
BEGIN SELECT RAISE(ABORT, 'granary: settlement is append-only'); END;
CREATE TRIGGER settlement_no_delete BEFORE DELETE ON settlement
BEGIN SELECT RAISE(ABORT, 'granary: settlement is append-only'); END;
CREATE TRIGGER settlement_line_no_update BEFORE UPDATE ON settlement_line
BEGIN SELECT RAISE(ABORT, 'granary: settlement_line is append-only'); END;
CREATE TRIGGER settlement_line_no_delete BEFORE DELETE ON settlement_line
BEGIN SELECT RAISE(ABORT, 'granary: settlement_line is append-only'); END;
CREATE TRIGGER grants_no_update BEFORE UPDATE ON grants
BEGIN SELECT RAISE(ABORT, 'granary: grants is append-only'); END;
CREATE TRIGGER grants_no_delete BEFORE DELETE ON grants
BEGIN SELECT RAISE(ABORT, 'granary: grants is append-only'); END;
CREATE TRIGGER statement_no_update BEFORE UPDATE ON statement
BEGIN SELECT RAISE(ABORT, 'granary: statement is append-only'); END;
CREATE TRIGGER statement_no_delete BEFORE DELETE ON statement
BEGIN SELECT RAISE(ABORT, 'granary: statement is append-only'); END;
