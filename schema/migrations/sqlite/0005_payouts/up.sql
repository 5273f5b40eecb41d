-- Where a contributor is paid. The account itself is sealed to the node's key; country and
-- hint (the last four characters) are what lists show. One without retired_at is in force.
CREATE TABLE payout_method (
  id BLOB PRIMARY KEY NOT NULL,
  party_id BLOB NOT NULL REFERENCES party (id),
  country TEXT NOT NULL,
  hint TEXT NOT NULL,
  sealed BLOB NOT NULL,
  created_at TEXT NOT NULL,
  retired_at TEXT
);
CREATE INDEX payout_method_party ON payout_method (party_id, created_at);

-- Payouts of a party that an operator holds back, with the reason.
CREATE TABLE payout_hold (
  id BLOB PRIMARY KEY NOT NULL,
  party_id BLOB NOT NULL REFERENCES party (id),
  reason TEXT NOT NULL,
  placed_by BLOB NOT NULL REFERENCES party (id),
  created_at TEXT NOT NULL,
  released_by BLOB REFERENCES party (id),
  released_at TEXT
);
CREATE INDEX payout_hold_party ON payout_hold (party_id, created_at);

-- Who was made operator, or is none any more, by whom and why.
CREATE TABLE operator_change (
  id BLOB PRIMARY KEY NOT NULL,
  party_id BLOB NOT NULL REFERENCES party (id),
  operator BOOLEAN NOT NULL,
  changed_by BLOB NOT NULL REFERENCES party (id),
  reason TEXT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX operator_change_party ON operator_change (party_id, created_at);

-- A run: proposed by one operator, approved by another. The file is sealed to the node's key.
CREATE TABLE payout_batch (
  id BLOB PRIMARY KEY NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'replaced')),
  execute_on TEXT NOT NULL,
  proposed_by BLOB NOT NULL REFERENCES party (id),
  proposed_at TEXT NOT NULL,
  approved_by BLOB REFERENCES party (id),
  approved_at TEXT,
  period TEXT,
  file BLOB,
  file_digest BLOB,
  CHECK (approved_by IS NULL OR approved_by <> proposed_by)
);

-- What a file says it pays, by block (one currency, one scheme): I20 holds it against the books.
CREATE TABLE payout_block (
  batch_id BLOB NOT NULL REFERENCES payout_batch (id),
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  transfers INTEGER NOT NULL,
  total BIGINT NOT NULL CHECK (total > 0),
  PRIMARY KEY (batch_id, name)
);

-- One payee, one currency, one run. A line that is held back says why and moves nothing.
CREATE TABLE payout (
  id BLOB PRIMARY KEY NOT NULL,
  batch_id BLOB NOT NULL REFERENCES payout_batch (id),
  party_id BLOB NOT NULL REFERENCES party (id),
  currency TEXT NOT NULL,
  balance BIGINT NOT NULL,
  gross BIGINT NOT NULL CHECK (gross >= 0),
  withheld BIGINT NOT NULL CHECK (withheld >= 0),
  net BIGINT NOT NULL CHECK (net = gross - withheld),
  jurisdiction TEXT NOT NULL,
  method_id BLOB REFERENCES payout_method (id),
  state TEXT NOT NULL CHECK (state IN ('held', 'proposed', 'in_transit', 'settled', 'returned')),
  reason TEXT NOT NULL,
  block TEXT NOT NULL,
  period TEXT,
  entry_seq BIGINT NOT NULL,
  settled_seq BIGINT NOT NULL,
  returned_seq BIGINT NOT NULL,
  returned_period TEXT,
  bank_status TEXT NOT NULL,
  bank_reason TEXT NOT NULL,
  changed_at TEXT NOT NULL,
  UNIQUE (batch_id, party_id, currency)
);
CREATE INDEX payout_party ON payout (party_id, currency, period);
CREATE INDEX payout_state ON payout (state, currency);

-- Files of the bank, each once; the bytes are sealed to the node's key.
CREATE TABLE bank_file (
  id BLOB PRIMARY KEY NOT NULL,
  digest BLOB NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('pain.002', 'camt.053')),
  message TEXT NOT NULL,
  imported_by BLOB NOT NULL REFERENCES party (id),
  sealed BLOB NOT NULL,
  created_at TEXT NOT NULL
);

-- The account statements in them; amounts as the holder reads them, overdrawn negative.
CREATE TABLE bank_statement (
  file_id BLOB NOT NULL REFERENCES bank_file (id),
  number INTEGER NOT NULL,
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  opening BIGINT NOT NULL,
  closing BIGINT NOT NULL,
  opened_on TEXT NOT NULL,
  closed_on TEXT NOT NULL,
  PRIMARY KEY (file_id, number)
);

-- What the bank said, line by line, and what came of it. Money in positive, money out negative;
-- a verdict of a status report has amount 0.
CREATE TABLE bank_line (
  file_id BLOB NOT NULL REFERENCES bank_file (id),
  line INTEGER NOT NULL,
  statement INTEGER NOT NULL,
  currency TEXT NOT NULL,
  amount BIGINT NOT NULL,
  booked_on TEXT NOT NULL,
  reference TEXT NOT NULL,
  words TEXT NOT NULL,
  outcome TEXT NOT NULL,
  payout_id BLOB REFERENCES payout (id),
  entry_seq BIGINT NOT NULL,
  PRIMARY KEY (file_id, line)
);
CREATE INDEX bank_line_payout ON bank_line (payout_id);

-- What moved a payee's balance besides earnings, for statements where something did.
CREATE TABLE statement_move (
  statement_id BLOB PRIMARY KEY NOT NULL REFERENCES statement (id),
  released BIGINT NOT NULL,
  held BIGINT NOT NULL,
  drawn BIGINT NOT NULL,
  paid BIGINT NOT NULL
);

CREATE TRIGGER operator_change_no_update BEFORE UPDATE ON operator_change
BEGIN SELECT RAISE(ABORT, 'granary: operator_change is append-only'); END;
CREATE TRIGGER operator_change_no_delete BEFORE DELETE ON operator_change
BEGIN SELECT RAISE(ABORT, 'granary: operator_change is append-only'); END;
CREATE TRIGGER payout_block_no_update BEFORE UPDATE ON payout_block
BEGIN SELECT RAISE(ABORT, 'granary: payout_block is append-only'); END;
CREATE TRIGGER payout_block_no_delete BEFORE DELETE ON payout_block
BEGIN SELECT RAISE(ABORT, 'granary: payout_block is append-only'); END;
CREATE TRIGGER bank_file_no_update BEFORE UPDATE ON bank_file
BEGIN SELECT RAISE(ABORT, 'granary: bank_file is append-only'); END;
CREATE TRIGGER bank_file_no_delete BEFORE DELETE ON bank_file
BEGIN SELECT RAISE(ABORT, 'granary: bank_file is append-only'); END;
CREATE TRIGGER bank_statement_no_update BEFORE UPDATE ON bank_statement
BEGIN SELECT RAISE(ABORT, 'granary: bank_statement is append-only'); END;
CREATE TRIGGER bank_statement_no_delete BEFORE DELETE ON bank_statement
BEGIN SELECT RAISE(ABORT, 'granary: bank_statement is append-only'); END;
CREATE TRIGGER bank_line_no_update BEFORE UPDATE ON bank_line
BEGIN SELECT RAISE(ABORT, 'granary: bank_line is append-only'); END;
CREATE TRIGGER bank_line_no_delete BEFORE DELETE ON bank_line
BEGIN SELECT RAISE(ABORT, 'granary: bank_line is append-only'); END;
CREATE TRIGGER statement_move_no_update BEFORE UPDATE ON statement_move
BEGIN SELECT RAISE(ABORT, 'granary: statement_move is append-only'); END;
CREATE TRIGGER statement_move_no_delete BEFORE DELETE ON statement_move
BEGIN SELECT RAISE(ABORT, 'granary: statement_move is append-only'); END;
