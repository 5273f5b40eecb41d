-- The log of all books: entries take their places when a checkpoint is made, a range of one
-- book after the other, so that writing an entry costs nothing more.
CREATE TABLE log_range (
  first BIGINT PRIMARY KEY NOT NULL CHECK (first >= 0),
  count BIGINT NOT NULL CHECK (count > 0),
  book TEXT NOT NULL,
  first_seq BIGINT NOT NULL CHECK (first_seq > 0),
  UNIQUE (book, first_seq)
);

-- Hashes of the log's tree, 32 bytes each, at most 256 a row. They can be made again from
-- entry and log_range; the last row of a level grows.
CREATE TABLE log_tile (
  level INTEGER NOT NULL,
  number BIGINT NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (level, number)
);

-- Signed notes: the first size leaves of the log have this root.
CREATE TABLE checkpoint (
  number BIGINT PRIMARY KEY NOT NULL CHECK (number > 0),
  size BIGINT NOT NULL UNIQUE,
  root BLOB NOT NULL,
  note TEXT NOT NULL,
  created_at TEXT NOT NULL
);

-- The leaf of a settlement's entry, as it is hashed.
CREATE TABLE settlement_leaf (
  settlement_id BLOB PRIMARY KEY NOT NULL REFERENCES settlement (id),
  leaf TEXT NOT NULL
);

-- Hashes of the tree over a settlement's salted lines.
CREATE TABLE settlement_tile (
  settlement_id BLOB NOT NULL REFERENCES settlement (id),
  level INTEGER NOT NULL,
  number BIGINT NOT NULL,
  hashes BLOB NOT NULL,
  PRIMARY KEY (settlement_id, level, number)
);

CREATE TRIGGER log_range_no_update BEFORE UPDATE ON log_range
BEGIN SELECT RAISE(ABORT, 'granary: log_range is append-only'); END;
CREATE TRIGGER log_range_no_delete BEFORE DELETE ON log_range
BEGIN SELECT RAISE(ABORT, 'granary: log_range is append-only'); END;
CREATE TRIGGER checkpoint_no_update BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'granary: checkpoint is append-only'); END;
CREATE TRIGGER checkpoint_no_delete BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'granary: checkpoint is append-only'); END;
CREATE TRIGGER settlement_leaf_no_update BEFORE UPDATE ON settlement_leaf
BEGIN SELECT RAISE(ABORT, 'granary: settlement_leaf is append-only'); END;
CREATE TRIGGER settlement_leaf_no_delete BEFORE DELETE ON settlement_leaf
BEGIN SELECT RAISE(ABORT, 'granary: settlement_leaf is append-only'); END;
CREATE TRIGGER settlement_tile_no_update BEFORE UPDATE ON settlement_tile
BEGIN SELECT RAISE(ABORT, 'granary: settlement_tile is append-only'); END;
CREATE TRIGGER settlement_tile_no_delete BEFORE DELETE ON settlement_tile
BEGIN SELECT RAISE(ABORT, 'granary: settlement_tile is append-only'); END;
