-- What one currency is worth in another: so much for so much. A rate is never changed: a
-- later one takes its place.
CREATE TABLE exchange_rate (
  id BLOB PRIMARY KEY NOT NULL,
  give_currency TEXT NOT NULL,
  give_minor BIGINT NOT NULL CHECK (give_minor > 0),
  get_currency TEXT NOT NULL,
  get_minor BIGINT NOT NULL CHECK (get_minor > 0),
  set_by BLOB NOT NULL REFERENCES party (id),
  set_at TEXT NOT NULL,
  CHECK (give_currency <> get_currency)
);
CREATE INDEX exchange_rate_pair ON exchange_rate (give_currency, get_currency, id);

-- Money changed from one book into another: two entries that belong together.
CREATE TABLE exchange (
  id BLOB PRIMARY KEY NOT NULL REFERENCES entry (id),
  into_id BLOB NOT NULL UNIQUE REFERENCES entry (id),
  party_id BLOB NOT NULL REFERENCES party (id),
  rate_id BLOB NOT NULL REFERENCES exchange_rate (id),
  give_currency TEXT NOT NULL,
  give_minor BIGINT NOT NULL,
  get_currency TEXT NOT NULL,
  get_minor BIGINT NOT NULL,
  created_at TEXT NOT NULL
);
CREATE INDEX exchange_party ON exchange (party_id, id);

CREATE TRIGGER exchange_rate_no_update BEFORE UPDATE ON exchange_rate
BEGIN SELECT RAISE(ABORT, 'granary: exchange_rate is append-only'); END;
CREATE TRIGGER exchange_rate_no_delete BEFORE DELETE ON exchange_rate
BEGIN SELECT RAISE(ABORT, 'granary: exchange_rate is append-only'); END;
CREATE TRIGGER exchange_no_update BEFORE UPDATE ON exchange
BEGIN SELECT RAISE(ABORT, 'granary: exchange is append-only'); END;
CREATE TRIGGER exchange_no_delete BEFORE DELETE ON exchange
BEGIN SELECT RAISE(ABORT, 'granary: exchange is append-only'); END;
