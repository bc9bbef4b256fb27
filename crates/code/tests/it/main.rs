#![cfg(test)]

mod examples;
mod ways;
mod world;
