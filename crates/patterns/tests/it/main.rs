#![cfg(test)]

mod dialect;
mod hostile;
mod keys;
mod operators;
mod shapes;
