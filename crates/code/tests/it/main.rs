#![cfg(test)]

mod examples;
mod world;
