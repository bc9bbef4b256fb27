//! Makes JSON of the rules that come with the program.

#[path = "../finding/build/pack.rs"]
mod pack;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    pack::write("rules/manifests")
}
