#![cfg(test)]

mod examples;
mod go;
mod matchers;
mod ways;
mod world;
