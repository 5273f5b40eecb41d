-- A payer's bank took a payment back, until it is decided who keeps it. One without an order
-- is about money in a wallet. Of the amount, of_order counts towards what is given back of the
-- order; the rest lies above the payment and is the node's loss.
CREATE TABLE dispute (
  id BLOB PRIMARY KEY NOT NULL,
  order_id BLOB REFERENCES orders (id),
  book TEXT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  of_order BIGINT NOT NULL CHECK (of_order >= 0 AND of_order <= amount),
  state TEXT NOT NULL CHECK (state IN ('open', 'won', 'lost')),
  reason TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  decided_at TEXT
);
CREATE INDEX dispute_order ON dispute (order_id);

-- What a dispute took of its order's legs; negative where it gave back. One row per entry.
CREATE TABLE dispute_move (
  id BLOB PRIMARY KEY NOT NULL,
  dispute_id BLOB NOT NULL REFERENCES dispute (id),
  order_id BLOB NOT NULL REFERENCES orders (id),
  period TEXT NOT NULL,
  amount BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  commission BIGINT NOT NULL,
  net BIGINT NOT NULL,
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX dispute_move_order ON dispute_move (order_id);
CREATE INDEX dispute_move_entry ON dispute_move (book, entry_seq);

-- Everything that was given back of orders, whoever asked for it.
CREATE VIEW give_back AS
  SELECT id, order_id, period, amount, fee, tax, commission, net, book, entry_seq FROM refund
  UNION ALL
  SELECT id, order_id, period, amount, fee, tax, commission, net, book, entry_seq FROM dispute_move;

-- What is held back of a contributor's credits, until the end of the period due_in.
CREATE TABLE reserve (
  id BLOB PRIMARY KEY NOT NULL,
  party_id BLOB NOT NULL REFERENCES party (id),
  currency TEXT NOT NULL,
  held_in TEXT NOT NULL,
  due_in TEXT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  remaining BIGINT NOT NULL CHECK (remaining >= 0 AND remaining <= amount)
);
CREATE INDEX reserve_party ON reserve (party_id, currency);

-- The last entry of every book when a period was closed (I14).
CREATE TABLE period_close (
  period TEXT NOT NULL REFERENCES period (name),
  book TEXT NOT NULL,
  last_seq BIGINT NOT NULL CHECK (last_seq > 0),
  PRIMARY KEY (period, book)
);

-- Balances as they were written down at that entry (I16).
CREATE TABLE balance_snapshot (
  book TEXT NOT NULL,
  seq BIGINT NOT NULL,
  account_id BIGINT NOT NULL REFERENCES account (id),
  balance BIGINT NOT NULL,
  PRIMARY KEY (book, seq, account_id)
);

-- A correction, proposed by one operator and approved by another. Its lines are JSON.
CREATE TABLE adjustment (
  id BLOB PRIMARY KEY NOT NULL,
  currency TEXT NOT NULL,
  lines TEXT NOT NULL,
  reason TEXT NOT NULL,
  corrects BLOB NOT NULL REFERENCES entry (id),
  proposed_by BLOB NOT NULL REFERENCES party (id),
  proposed_at TEXT NOT NULL,
  approved_by BLOB REFERENCES party (id),
  approved_at TEXT,
  entry_seq BIGINT NOT NULL,
  CHECK (approved_by IS NULL OR approved_by <> proposed_by)
);

-- What a correction moved in pools, under the period of the entry it corrects.
CREATE TABLE adjustment_move (
  adjustment_id BLOB NOT NULL REFERENCES adjustment (id),
  revision_id BLOB NOT NULL,
  epoch INTEGER NOT NULL,
  period_of TEXT NOT NULL,
  net BIGINT NOT NULL,
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL,
  PRIMARY KEY (adjustment_id, revision_id, epoch),
  FOREIGN KEY (revision_id, epoch) REFERENCES epoch (revision_id, number)
);
CREATE INDEX adjustment_move_pool ON adjustment_move (revision_id, epoch, book, entry_seq);

CREATE TRIGGER dispute_move_no_update BEFORE UPDATE ON dispute_move
BEGIN SELECT RAISE(ABORT, 'granary: dispute_move is append-only'); END;
CREATE TRIGGER dispute_move_no_delete BEFORE DELETE ON dispute_move
BEGIN SELECT RAISE(ABORT, 'granary: dispute_move is append-only'); END;
CREATE TRIGGER period_close_no_update BEFORE UPDATE ON period_close
BEGIN SELECT RAISE(ABORT, 'granary: period_close is append-only'); END;
CREATE TRIGGER period_close_no_delete BEFORE DELETE ON period_close
BEGIN SELECT RAISE(ABORT, 'granary: period_close is append-only'); END;
CREATE TRIGGER balance_snapshot_no_update BEFORE UPDATE ON balance_snapshot
BEGIN SELECT RAISE(ABORT, 'granary: balance_snapshot is append-only'); END;
CREATE TRIGGER balance_snapshot_no_delete BEFORE DELETE ON balance_snapshot
BEGIN SELECT RAISE(ABORT, 'granary: balance_snapshot is append-only'); END;
CREATE TRIGGER adjustment_move_no_update BEFORE UPDATE ON adjustment_move
BEGIN SELECT RAISE(ABORT, 'granary: adjustment_move is append-only'); END;
CREATE TRIGGER adjustment_move_no_delete BEFORE DELETE ON adjustment_move
BEGIN SELECT RAISE(ABORT, 'granary: adjustment_move is append-only'); END;
