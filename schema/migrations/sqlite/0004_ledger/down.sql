DROP TABLE adjustment_move;
DROP TABLE adjustment;
DROP TABLE balance_snapshot;
DROP TABLE period_close;
DROP TABLE reserve;
DROP VIEW give_back;
DROP TABLE dispute_move;
DROP TABLE dispute;
