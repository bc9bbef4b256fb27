//! Tells xtask which platform it runs on, so that it looks at the dependencies compiled for it.

#[expect(clippy::disallowed_methods, reason = "how a build script talks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Ok(target) = std::env::var("TARGET") {
        println!("cargo::rustc-env=TARGET={target}");
    }
}
