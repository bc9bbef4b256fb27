use crate::builder::Builder;
use crate::tree::Module;
use crate::{Language, Problem};

pub(crate) fn parse(language: Language, text: &str) -> (Module, Vec<Problem>) {
    Builder::new(language, text.len()).finish(Vec::new())
}
