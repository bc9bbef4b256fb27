#![cfg(test)]

mod accounts;
mod accounts_routes;
mod applications;
mod borders;
mod examples;
mod frameworks;
mod go;
mod groups;
mod java;
mod matchers;
mod memory;
mod pages;
mod pattern_taint;
mod patterns;
mod python;
mod repairs;
mod routes;
mod rust;
mod script;
mod script_addresses;
mod script_checks;
mod script_precision;
mod ways;
mod world;
