CREATE TABLE job (
  id UUID PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'dead')),
  attempts INTEGER NOT NULL,
  run_at TIMESTAMPTZ NOT NULL,
  locked_until TIMESTAMPTZ,
  locked_by TEXT,
  progress TEXT,
  last_error TEXT,
  created_at TIMESTAMPTZ NOT NULL,
  finished_at TIMESTAMPTZ
);
CREATE INDEX job_due ON job (state, run_at);

-- Answers of requests that carry an Idempotency-Key; kept so that a repeat gets the same answer.
CREATE TABLE idempotency (
  party_id UUID NOT NULL REFERENCES party (id),
  idem_key TEXT NOT NULL,
  request_hash BYTEA NOT NULL,
  status INTEGER NOT NULL,
  response TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (party_id, idem_key)
);
