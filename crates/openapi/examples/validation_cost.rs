//! Prints the processor time of reading and validating documents against a schema, in nanoseconds: one line for each
//! document, the mean of many. Arguments: the schema, the milliseconds to spend on each, the documents.

#![expect(clippy::print_stdout, reason = "a measurement prints")]

use std::sync::Arc;

use gabion_openapi::json::{Bounds, Document, parse};
use gabion_openapi::schema::{Direction, Draft, Options, Program, Registry, Root};

/// The gate's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let schema = std::fs::read(arguments.next().ok_or("no schema")?)?;
    let milliseconds: u64 = arguments.next().ok_or("no time")?.parse()?;
    let mut registry = Registry::new();
    registry.add("schema.json", Arc::new(parse(&schema, &Bounds::file())?), Root::Schema);
    let options = Options::contract(Draft::Draft202012, Direction::Request);
    let program =
        Program::compile(&registry, "schema.json", &options).map_err(|errors| format!("{errors:?}"))?;
    let bounds = Bounds::default();
    for path in arguments {
        let bytes = std::fs::read(path)?;
        let judge =
            || Document::parse(&bytes, &bounds).is_ok_and(|document| program.validate(&document).is_ok());
        if !judge() {
            return Err("the document is not valid".into());
        }
        let (before, mut times) = (nanoseconds()?, 0_u64);
        let spent = loop {
            for _ in 0..50 {
                if !std::hint::black_box(judge()) {
                    return Err("the document is not valid".into());
                }
            }
            times += 50;
            let spent = nanoseconds()? - before;
            if spent > milliseconds * 1_000_000 {
                break spent;
            }
        };
        println!("{}", spent / times);
    }
    Ok(())
}

/// Time on a processor of this thread, from the kernel.
fn nanoseconds() -> Result<u64, Box<dyn std::error::Error>> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(text.split_whitespace().next().ok_or("no time")?.parse()?)
}
