DROP TABLE invoice;
ALTER TABLE orders DROP COLUMN jurisdiction;
DROP TABLE billing;
DROP TABLE tax_rate;
