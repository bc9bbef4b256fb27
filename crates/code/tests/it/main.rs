#![cfg(test)]

mod examples;
mod frameworks;
mod go;
mod java;
mod matchers;
mod python;
mod routes;
mod rust;
mod ways;
mod world;
