DROP TABLE idempotency;
DROP TABLE job;
