mod encryption;
mod keys;
mod repository;
mod wycheproof;
