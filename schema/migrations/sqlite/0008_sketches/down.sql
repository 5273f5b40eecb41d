DROP TABLE overlap;
DROP TABLE sketch_entry;
DROP TABLE sketch;
