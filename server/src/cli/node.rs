//! serve, migrate, config, openapi, backup, restore.
