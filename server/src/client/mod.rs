//! The typed client of the JSON API, used by the command line and the demo.
