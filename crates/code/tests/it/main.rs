#![cfg(test)]

mod borders;
mod examples;
mod frameworks;
mod go;
mod java;
mod matchers;
mod patterns;
mod python;
mod routes;
mod rust;
mod ways;
mod world;
