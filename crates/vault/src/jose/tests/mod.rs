mod encryption;
mod keys;
mod wycheproof;
