DROP TABLE settlement_tile;
DROP TABLE settlement_leaf;
DROP TABLE checkpoint;
DROP TABLE log_tile;
DROP TABLE log_range;
