-- Parties that are one person or house: a row that several of them hold is held once.
CREATE TABLE entity_link (
  id BLOB PRIMARY KEY NOT NULL,
  party_id BLOB NOT NULL REFERENCES party (id),
  entity_id BLOB NOT NULL,
  reason TEXT NOT NULL,
  linked_by BLOB NOT NULL REFERENCES party (id),
  linked_at TEXT NOT NULL,
  ended_at TEXT
);
CREATE UNIQUE INDEX entity_link_party ON entity_link (party_id) WHERE ended_at IS NULL;
CREATE INDEX entity_link_entity ON entity_link (entity_id);
