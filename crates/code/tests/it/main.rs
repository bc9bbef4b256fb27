#![cfg(test)]

mod examples;
mod go;
mod matchers;
mod routes;
mod ways;
mod world;
