#![cfg(test)]

mod examples;
mod go;
mod java;
mod matchers;
mod python;
mod routes;
mod rust;
mod ways;
mod world;
