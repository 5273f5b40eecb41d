CREATE TABLE node_setting (
  name TEXT PRIMARY KEY NOT NULL,
  value TEXT NOT NULL
);

CREATE TABLE node_counter (
  name TEXT PRIMARY KEY NOT NULL,
  value BIGINT NOT NULL CHECK (value >= 0)
);

CREATE TABLE party (
  id UUID PRIMARY KEY NOT NULL,
  handle TEXT NOT NULL UNIQUE,
  email TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  operator BOOLEAN NOT NULL,
  created_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE session (
  id UUID PRIMARY KEY NOT NULL,
  party_id UUID NOT NULL REFERENCES party (id),
  token_hash BYTEA NOT NULL UNIQUE,
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  revoked_at TIMESTAMPTZ
);
CREATE INDEX session_party ON session (party_id);

CREATE TABLE api_token (
  id UUID PRIMARY KEY NOT NULL,
  party_id UUID NOT NULL REFERENCES party (id),
  name TEXT NOT NULL,
  token_hash BYTEA NOT NULL UNIQUE,
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ,
  revoked_at TIMESTAMPTZ,
  last_used_at TIMESTAMPTZ
);
CREATE INDEX api_token_party ON api_token (party_id);

-- Links that work once: the operator's first sign-in and password resets.
CREATE TABLE one_time_link (
  token_hash BYTEA PRIMARY KEY NOT NULL,
  purpose TEXT NOT NULL CHECK (purpose IN ('operator', 'password_reset')),
  party_id UUID REFERENCES party (id),
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  used_at TIMESTAMPTZ
);

CREATE TABLE sign_in_throttle (
  name TEXT PRIMARY KEY NOT NULL,
  failures INTEGER NOT NULL,
  blocked_until TIMESTAMPTZ NOT NULL
);

CREATE TABLE recipient (
  id UUID PRIMARY KEY NOT NULL,
  party_id UUID NOT NULL REFERENCES party (id),
  age_key TEXT NOT NULL,
  label TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  retired_at TIMESTAMPTZ,
  UNIQUE (party_id, age_key)
);

CREATE TABLE dataset (
  id UUID PRIMARY KEY NOT NULL,
  owner_id UUID NOT NULL REFERENCES party (id),
  slug TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  description TEXT NOT NULL,
  contract TEXT,
  admission TEXT NOT NULL CHECK (admission IN ('owner', 'invited', 'open')),
  commission_bps INTEGER NOT NULL CHECK (commission_bps BETWEEN 0 AND 10000),
  state TEXT NOT NULL CHECK (state IN ('open', 'withdrawn')),
  created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX dataset_owner ON dataset (owner_id);

CREATE TABLE dataset_member (
  dataset_id UUID NOT NULL REFERENCES dataset (id),
  party_id UUID NOT NULL REFERENCES party (id),
  invited_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (dataset_id, party_id)
);

CREATE TABLE contribution (
  id UUID PRIMARY KEY NOT NULL,
  dataset_id UUID NOT NULL REFERENCES dataset (id),
  party_id UUID NOT NULL REFERENCES party (id),
  file_name TEXT NOT NULL,
  claimed_digest BYTEA NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('awaiting', 'received', 'accepted', 'rejected', 'withdrawn')),
  receipt_no BIGINT UNIQUE,
  sealed_blob TEXT,
  sealed_digest BYTEA,
  sealed_size BIGINT,
  cleaned_blob TEXT,
  marks_blob TEXT,
  preview_blob TEXT,
  rows BIGINT,
  grade INTEGER CHECK (grade BETWEEN 0 AND 10000),
  report TEXT,
  verdict_code TEXT,
  verdict_message TEXT,
  published_mark BIGINT,
  created_at TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ,
  decided_at TIMESTAMPTZ,
  withdrawn_at TIMESTAMPTZ,
  CHECK (state = 'awaiting' OR receipt_no IS NOT NULL OR withdrawn_at IS NOT NULL)
);
CREATE INDEX contribution_dataset ON contribution (dataset_id, receipt_no);
CREATE INDEX contribution_party ON contribution (party_id, created_at);
CREATE INDEX contribution_digest ON contribution (dataset_id, party_id, claimed_digest);

CREATE TABLE revision (
  id UUID PRIMARY KEY NOT NULL,
  dataset_id UUID NOT NULL REFERENCES dataset (id),
  number INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('composing', 'published', 'failed')),
  note TEXT NOT NULL,
  receipt_mark BIGINT,
  rows BIGINT,
  blob TEXT,
  sealed_size BIGINT,
  payload_offset BIGINT,
  payload_digest BYTEA,
  size BIGINT,
  digest BYTEA,
  grade INTEGER CHECK (grade BETWEEN 0 AND 10000),
  report TEXT,
  preview_blob TEXT,
  manifest TEXT,
  failure TEXT,
  created_at TIMESTAMPTZ NOT NULL,
  published_at TIMESTAMPTZ,
  UNIQUE (dataset_id, number)
);

CREATE TABLE revision_part (
  revision_id UUID NOT NULL REFERENCES revision (id),
  contribution_id UUID NOT NULL REFERENCES contribution (id),
  party_id UUID NOT NULL REFERENCES party (id),
  receipt_no BIGINT NOT NULL,
  rows_delivered BIGINT NOT NULL,
  rows_kept BIGINT NOT NULL,
  rows_unique BIGINT NOT NULL,
  rows_shared BIGINT NOT NULL,
  rows_late BIGINT NOT NULL,
  mass TEXT NOT NULL,
  grade INTEGER NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (revision_id, contribution_id)
);
CREATE INDEX revision_part_contribution ON revision_part (contribution_id);
CREATE INDEX revision_part_party ON revision_part (party_id);

CREATE TABLE offer (
  id UUID PRIMARY KEY NOT NULL,
  dataset_id UUID NOT NULL REFERENCES dataset (id),
  terms TEXT NOT NULL,
  terms_digest BYTEA NOT NULL,
  price_minor BIGINT NOT NULL CHECK (price_minor >= 0),
  currency TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'retired')),
  created_at TIMESTAMPTZ NOT NULL,
  retired_at TIMESTAMPTZ
);
CREATE INDEX offer_dataset ON offer (dataset_id, state);
