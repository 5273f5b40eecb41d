DROP TABLE outbox;
DROP TABLE inbox;
DROP TABLE provider_object;
DROP TABLE payment;
