//! Work that goes on after the answer; a job only calls a flow.
