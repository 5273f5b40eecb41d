//! The HTTP server: factory, middleware, start and graceful stop.
