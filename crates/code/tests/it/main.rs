#![cfg(test)]

mod examples;
mod go;
mod ways;
mod world;
