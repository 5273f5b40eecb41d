-- What is taken as sales tax where, and from when. A rate is superseded, never edited.
CREATE TABLE tax_rate (
  id BLOB PRIMARY KEY NOT NULL,
  jurisdiction TEXT NOT NULL,
  name TEXT NOT NULL,
  bps INTEGER NOT NULL CHECK (bps BETWEEN 0 AND 10000),
  reverse_charge BOOLEAN NOT NULL,
  valid_from TEXT NOT NULL,
  valid_until TEXT,
  made_by BLOB NOT NULL REFERENCES party (id),
  created_at TEXT NOT NULL
);
CREATE INDEX tax_rate_jurisdiction ON tax_rate (jurisdiction, valid_from);

-- Whom invoices are made out to from now on; each invoice keeps what it said.
CREATE TABLE billing (
  party_id BLOB PRIMARY KEY NOT NULL REFERENCES party (id),
  name TEXT NOT NULL,
  address TEXT NOT NULL,
  jurisdiction TEXT NOT NULL,
  tax_id TEXT,
  updated_at TEXT NOT NULL
);

-- Where the sales tax of an order is owed, and given back.
ALTER TABLE orders ADD COLUMN jurisdiction TEXT NOT NULL DEFAULT 'main';

-- Invoices and credit notes, numbered without a gap within a year in the transaction of the
-- entry they are about.
CREATE TABLE invoice (
  id BLOB PRIMARY KEY NOT NULL,
  year INTEGER NOT NULL,
  number BIGINT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
  corrects BLOB REFERENCES invoice (id),
  order_id BLOB NOT NULL REFERENCES orders (id),
  buyer_id BLOB NOT NULL REFERENCES party (id),
  seller TEXT NOT NULL,
  buyer TEXT NOT NULL,
  line TEXT NOT NULL,
  net BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  gross BIGINT NOT NULL CHECK (gross > 0),
  jurisdiction TEXT NOT NULL,
  tax_name TEXT NOT NULL,
  tax_bps INTEGER NOT NULL,
  reverse_charge BOOLEAN NOT NULL,
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL,
  issued_at TEXT NOT NULL,
  UNIQUE (year, number),
  UNIQUE (book, entry_seq)
);
CREATE INDEX invoice_order ON invoice (order_id);
CREATE INDEX invoice_buyer ON invoice (buyer_id, id);

CREATE TRIGGER tax_rate_no_update BEFORE UPDATE ON tax_rate
BEGIN SELECT RAISE(ABORT, 'granary: tax_rate is append-only'); END;
CREATE TRIGGER tax_rate_no_delete BEFORE DELETE ON tax_rate
BEGIN SELECT RAISE(ABORT, 'granary: tax_rate is append-only'); END;
CREATE TRIGGER invoice_no_update BEFORE UPDATE ON invoice
BEGIN SELECT RAISE(ABORT, 'granary: invoice is append-only'); END;
CREATE TRIGGER invoice_no_delete BEFORE DELETE ON invoice
BEGIN SELECT RAISE(ABORT, 'granary: invoice is append-only'); END;
