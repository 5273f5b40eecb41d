-- One row per intention to pay: into a wallet, or straight for an order.
CREATE TABLE payment (
  id BLOB PRIMARY KEY NOT NULL,
  party_id BLOB NOT NULL REFERENCES party (id),
  idem_key TEXT NOT NULL,
  request_hash BLOB NOT NULL,
  way TEXT NOT NULL CHECK (way IN ('card', 'transfer')),
  currency TEXT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  wanted TEXT,
  reference TEXT NOT NULL UNIQUE,
  state TEXT NOT NULL CHECK (state IN ('open', 'paid', 'ended')),
  session_id TEXT UNIQUE,
  intent_id TEXT UNIQUE,
  charge_id TEXT UNIQUE,
  url TEXT,
  failure TEXT,
  failed_at TEXT,
  seen_back BIGINT NOT NULL CHECK (seen_back >= 0),
  given_back BIGINT NOT NULL CHECK (given_back >= 0),
  returned BIGINT NOT NULL CHECK (returned >= 0),
  order_id BLOB UNIQUE REFERENCES orders (id),
  created_at TEXT NOT NULL,
  paid_at TEXT,
  UNIQUE (party_id, idem_key)
);
CREATE INDEX payment_party ON payment (party_id, id);

-- What the provider says of its own objects, as far as it is known: the latest status by rank,
-- whatever order the messages came in, and what of it is booked.
CREATE TABLE provider_object (
  id TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('refund', 'dispute', 'payout', 'transfer')),
  payment_id BLOB REFERENCES payment (id),
  currency TEXT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  status TEXT NOT NULL,
  standing INTEGER NOT NULL,
  booked TEXT NOT NULL,
  from_wallet BIGINT NOT NULL CHECK (from_wallet >= 0),
  created_at TEXT NOT NULL
);
CREATE INDEX provider_object_payment ON provider_object (payment_id, kind);

-- Messages of providers: kept before they are answered, worked on afterwards. The text is
-- cleared once nothing is left to do.
CREATE TABLE inbox (
  id BLOB PRIMARY KEY NOT NULL,
  source TEXT NOT NULL,
  event_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT,
  state TEXT NOT NULL CHECK (state IN ('new', 'parked', 'done', 'ignored', 'failed')),
  reason TEXT,
  waits_for TEXT,
  attempts INTEGER NOT NULL,
  received_at TEXT NOT NULL,
  ended_at TEXT,
  UNIQUE (source, event_id)
);
CREATE INDEX inbox_state ON inbox (state, id);
CREATE INDEX inbox_waits ON inbox (waits_for, state);

-- What a provider has still to be told, written in the transaction that caused it.
CREATE TABLE outbox (
  id BLOB PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('refund', 'transfer')),
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('new', 'done', 'failed')),
  reason TEXT,
  answer TEXT,
  attempts INTEGER NOT NULL,
  created_at TEXT NOT NULL,
  ended_at TEXT
);
CREATE INDEX outbox_state ON outbox (state, id);
