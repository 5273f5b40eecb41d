//! JSON entrances, one file per resource; no rule lives here.
