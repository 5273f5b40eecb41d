//! Measurements, each against a plain tool on the same machine in the same run.
