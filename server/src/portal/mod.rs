//! HTML entrances, one file per page; no rule lives here.
