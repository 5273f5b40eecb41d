-- What is sold by the month, quarter or year: one or several datasets of one owner.
CREATE TABLE subscription_plan (
  id UUID PRIMARY KEY NOT NULL,
  owner_id UUID NOT NULL REFERENCES party (id),
  title TEXT NOT NULL,
  billed_every TEXT NOT NULL CHECK (billed_every IN ('month', 'quarter', 'year')),
  price_minor BIGINT NOT NULL CHECK (price_minor > 0),
  currency TEXT NOT NULL,
  terms TEXT NOT NULL,
  terms_digest BYTEA NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'retired')),
  created_at TIMESTAMPTZ NOT NULL,
  retired_at TIMESTAMPTZ
);
CREATE INDEX subscription_plan_owner ON subscription_plan (owner_id, state);

-- A dataset of a plan. Its list price is the one of the day the plan was made; its offer
-- carries the terms and is never for sale by itself.
CREATE TABLE subscription_item (
  plan_id UUID NOT NULL REFERENCES subscription_plan (id),
  dataset_id UUID NOT NULL REFERENCES dataset (id),
  offer_id UUID NOT NULL REFERENCES offer (id),
  list_minor BIGINT NOT NULL CHECK (list_minor >= 0),
  PRIMARY KEY (plan_id, dataset_id)
);
CREATE INDEX subscription_item_dataset ON subscription_item (dataset_id);

CREATE TABLE subscription (
  id UUID PRIMARY KEY NOT NULL,
  plan_id UUID NOT NULL REFERENCES subscription_plan (id),
  party_id UUID NOT NULL REFERENCES party (id),
  state TEXT NOT NULL CHECK (state IN ('active', 'past_due', 'ended', 'lapsed', 'refunded')),
  anchor TIMESTAMPTZ NOT NULL,
  anchored INTEGER NOT NULL,
  terms_charged INTEGER NOT NULL,
  ends_at TIMESTAMPTZ NOT NULL,
  cancelled_at TIMESTAMPTZ,
  ended_at TIMESTAMPTZ,
  ended_reason TEXT,
  refund_asked_at TIMESTAMPTZ,
  refund_asked_reason TEXT,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX subscription_party ON subscription (party_id, id);
CREATE INDEX subscription_due ON subscription (state, ends_at);

-- One charge. Days up to `earned_days` have moved `earned` of its net to pools.
CREATE TABLE subscription_term (
  id UUID PRIMARY KEY NOT NULL,
  subscription_id UUID NOT NULL REFERENCES subscription (id),
  number INTEGER NOT NULL,
  starts_at TIMESTAMPTZ NOT NULL,
  ends_at TIMESTAMPTZ NOT NULL,
  days INTEGER NOT NULL CHECK (days > 0),
  currency TEXT NOT NULL,
  gross BIGINT NOT NULL,
  fee BIGINT NOT NULL,
  tax BIGINT NOT NULL,
  net BIGINT NOT NULL,
  earned_days INTEGER NOT NULL,
  earned BIGINT NOT NULL,
  earns_next_at TIMESTAMPTZ,
  refunded_fee BIGINT NOT NULL,
  refunded_tax BIGINT NOT NULL,
  refunded_net BIGINT NOT NULL,
  refund_reason TEXT,
  refunded_by UUID REFERENCES party (id),
  refund_seq BIGINT NOT NULL,
  points BIGINT NOT NULL CHECK (points >= 0),
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);
CREATE UNIQUE INDEX subscription_term_number ON subscription_term (subscription_id, number);
CREATE INDEX subscription_term_due ON subscription_term (earns_next_at);

CREATE TABLE subscription_licence (
  licence_id UUID PRIMARY KEY NOT NULL REFERENCES licence (id),
  term_id UUID NOT NULL REFERENCES subscription_term (id),
  dataset_id UUID NOT NULL REFERENCES dataset (id)
);
CREATE INDEX subscription_licence_term ON subscription_licence (term_id);

-- What days of a term have brought to one pool, by use or by list price.
CREATE TABLE subscription_income (
  id UUID PRIMARY KEY NOT NULL,
  term_id UUID NOT NULL REFERENCES subscription_term (id),
  revision_id UUID NOT NULL REFERENCES revision (id),
  epoch INTEGER NOT NULL,
  basis TEXT NOT NULL CHECK (basis IN ('use', 'entitled')),
  days INTEGER NOT NULL,
  used_rows BIGINT NOT NULL,
  amount BIGINT NOT NULL CHECK (amount > 0),
  period TEXT NOT NULL,
  book TEXT NOT NULL,
  entry_seq BIGINT NOT NULL
);
CREATE INDEX subscription_income_pool ON subscription_income (revision_id, epoch, book, entry_seq);
CREATE INDEX subscription_income_term ON subscription_income (term_id);
