DROP TABLE exchange;
DROP TABLE exchange_rate;
