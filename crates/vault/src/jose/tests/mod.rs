mod keys;
mod wycheproof;
