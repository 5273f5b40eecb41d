DROP TABLE claim_release;
DROP TABLE claim_part;
DROP TABLE claim;
