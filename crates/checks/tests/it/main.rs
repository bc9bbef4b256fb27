//! The pipeline as a whole, without sockets.

mod admission;
mod advisories;
mod answers;
mod desync;
mod layers;
mod observe;
mod refusals;
mod secrets;
mod world;
