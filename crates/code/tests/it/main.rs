#![cfg(test)]

mod examples;
mod go;
mod java;
mod matchers;
mod routes;
mod ways;
mod world;
