-- Parties that are one person or house: a row that several of them hold is held once.
CREATE TABLE entity_link (
  id UUID PRIMARY KEY NOT NULL,
  party_id UUID NOT NULL REFERENCES party (id),
  entity_id UUID NOT NULL,
  reason TEXT NOT NULL,
  linked_by UUID NOT NULL REFERENCES party (id),
  linked_at TIMESTAMPTZ NOT NULL,
  ended_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX entity_link_party ON entity_link (party_id) WHERE ended_at IS NULL;
CREATE INDEX entity_link_entity ON entity_link (entity_id);
