-- Where a contributor is paid. The account itself is sealed to the node's key; country and
-- hint (the last four characters) are what lists show. One without retired_at is in force.
CREATE TABLE payout_method (
  id UUID PRIMARY KEY NOT NULL,
  party_id UUID NOT NULL REFERENCES party (id),
  country TEXT NOT NULL,
  hint TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  retired_at TIMESTAMPTZ
);
CREATE INDEX payout_method_party ON payout_method (party_id, created_at);

-- Payouts of a party that an operator holds back, with the reason.
CREATE TABLE payout_hold (
  id UUID PRIMARY KEY NOT NULL,
  party_id UUID NOT NULL REFERENCES party (id),
  reason TEXT NOT NULL,
  placed_by UUID NOT NULL REFERENCES party (id),
  created_at TIMESTAMPTZ NOT NULL,
  released_by UUID REFERENCES party (id),
  released_at TIMESTAMPTZ
);
CREATE INDEX payout_hold_party ON payout_hold (party_id, created_at);

-- Who was made operator, or is none any more, by whom and why.
CREATE TABLE operator_change (
  id UUID PRIMARY KEY NOT NULL,
  party_id UUID NOT NULL REFERENCES party (id),
  operator BOOLEAN NOT NULL,
  changed_by UUID NOT NULL REFERENCES party (id),
  reason TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX operator_change_party ON operator_change (party_id, created_at);

-- A run: proposed by one operator, approved by another. The file is sealed to the node's key.
CREATE TABLE payout_batch (
  id UUID PRIMARY KEY NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('proposed', 'approved', 'replaced')),
  execute_on TEXT NOT NULL,
  proposed_by UUID NOT NULL REFERENCES party (id),
  proposed_at TIMESTAMPTZ NOT NULL,
  approved_by UUID REFERENCES party (id),
  approved_at TIMESTAMPTZ,
  period TEXT,
  file BYTEA,
  file_digest BYTEA,
  CHECK (approved_by IS NULL OR approved_by <> proposed_by)
);

-- What a file says it pays, by block (one currency, one scheme): I20 holds it against the books.
CREATE TABLE payout_block (
  batch_id UUID NOT NULL REFERENCES payout_batch (id),
  name TEXT NOT NULL,
  currency TEXT NOT NULL,
  transfers INTEGER NOT NULL,
  total BIGINT NOT NULL CHECK (total > 0),
  PRIMARY KEY (batch_id, name)
);

-- One payee, one currency, one run. A line that is held back says why and moves nothing.
CREATE TABLE payout (
  id UUID PRIMARY KEY NOT NULL,
  batch_id UUID NOT NULL REFERENCES payout_batch (id),
  party_id UUID NOT NULL REFERENCES party (id),
  currency TEXT NOT NULL,
  balance BIGINT NOT NULL,
  gross BIGINT NOT NULL CHECK (gross >= 0),
  withheld BIGINT NOT NULL CHECK (withheld >= 0),
  net BIGINT NOT NULL CHECK (net = gross - withheld),
  jurisdiction TEXT NOT NULL,
  method_id UUID REFERENCES payout_method (id),
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
  changed_at TIMESTAMPTZ NOT NULL,
  UNIQUE (batch_id, party_id, currency)
);
CREATE INDEX payout_party ON payout (party_id, currency, period);
CREATE INDEX payout_state ON payout (state, currency);

-- Files of the bank, each once; the bytes are sealed to the node's key.
CREATE TABLE bank_file (
  id UUID PRIMARY KEY NOT NULL,
  digest BYTEA NOT NULL UNIQUE,
  kind TEXT NOT NULL CHECK (kind IN ('pain.002', 'camt.053')),
  message TEXT NOT NULL,
  imported_by UUID NOT NULL REFERENCES party (id),
  sealed BYTEA NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);

-- The account statements in them; amounts as the holder reads them, overdrawn negative.
CREATE TABLE bank_statement (
  file_id UUID NOT NULL REFERENCES bank_file (id),
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
  file_id UUID NOT NULL REFERENCES bank_file (id),
  line INTEGER NOT NULL,
  statement INTEGER NOT NULL,
  currency TEXT NOT NULL,
  amount BIGINT NOT NULL,
  booked_on TEXT NOT NULL,
  reference TEXT NOT NULL,
  words TEXT NOT NULL,
  outcome TEXT NOT NULL,
  payout_id UUID REFERENCES payout (id),
  entry_seq BIGINT NOT NULL,
  PRIMARY KEY (file_id, line)
);
CREATE INDEX bank_line_payout ON bank_line (payout_id);

-- What moved a payee's balance besides earnings, for statements where something did.
CREATE TABLE statement_move (
  statement_id UUID PRIMARY KEY NOT NULL REFERENCES statement (id),
  released BIGINT NOT NULL,
  held BIGINT NOT NULL,
  drawn BIGINT NOT NULL,
  paid BIGINT NOT NULL
);

CREATE TRIGGER operator_change_no_update BEFORE UPDATE ON operator_change FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER operator_change_no_delete BEFORE DELETE ON operator_change FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER payout_block_no_update BEFORE UPDATE ON payout_block FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER payout_block_no_delete BEFORE DELETE ON payout_block FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER bank_file_no_update BEFORE UPDATE ON bank_file FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER bank_file_no_delete BEFORE DELETE ON bank_file FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER bank_statement_no_update BEFORE UPDATE ON bank_statement FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER bank_statement_no_delete BEFORE DELETE ON bank_statement FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER bank_line_no_update BEFORE UPDATE ON bank_line FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER bank_line_no_delete BEFORE DELETE ON bank_line FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER statement_move_no_update BEFORE UPDATE ON statement_move FOR EACH ROW EXECUTE FUNCTION granary_append_only();
CREATE TRIGGER statement_move_no_delete BEFORE DELETE ON statement_move FOR EACH ROW EXECUTE FUNCTION granary_append_only();
