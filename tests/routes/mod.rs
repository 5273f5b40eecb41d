//! Every route: who may, what is answered when not, and that repeats have one effect.

mod idempotency;
mod matrix;
mod one_effect;
mod paging;
