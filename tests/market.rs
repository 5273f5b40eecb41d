//! Granary seen from outside: user stories, every route, outside programs, properties over
//! whole markets, crashes, and the rules of the house.

mod faults;
mod journeys;
mod properties;
mod protocols;
mod routes;
mod support;
mod tidy;
