//! What types of parameters say: what an extractor takes from a request, and which of them refuse. Go and Rust.

use gabion_syntax::Language;
use gabion_syntax::tree::{ClassId, Param, Type};
use hashbrown::HashMap;

use super::assemble::Guard;
use crate::value::FunctionRef;
use crate::world::{Loaded, World};

/// Methods by which a type of Rust makes itself from a request, or refuses.
const MAKES: &[&str] = &["from_request", "from_request_parts"];

/// A type as it is written: `Extension<User>`.
pub(crate) fn text(loaded: &Loaded, of: &Type, depth: usize) -> String {
    let own = loaded.text(of.path);
    if of.arguments.is_empty() || depth == 0 || loaded.language() != Language::Rust {
        return own.to_owned();
    }
    let inside: Vec<String> =
        of.arguments.iter().map(|one| text(loaded, one, depth.saturating_sub(1))).collect();
    format!("{own}<{}>", inside.join(","))
}

/// What a parameter of that type stands for: `http.Request()`, `@query`.
pub(crate) fn held(loaded: &Loaded, of: &Type) -> Option<String> {
    let own = loaded.text(of.path);
    match loaded.language() {
        Language::Go => own.contains('.').then(|| format!("{own}()")),
        Language::Rust => {
            let held = match own.rsplit("::").next()? {
                "Path" => "@path",
                "Query" | "RawQuery" => "@query",
                // The type says which fields there are.
                "Json" | "Form" | "RawForm" | "ValidatedJson" | "ValidatedForm" | "Valid" => "@model",
                "Bytes" | "Payload" => "@body",
                "HeaderMap" => "@header",
                "CookieJar" | "Cookies" => "@cookie",
                "Multipart" | "TypedMultipart" | "MultipartForm" | "TempFile" => "@file",
                _ => return None,
            };
            Some(held.to_owned())
        }
        _ => None,
    }
}

impl World<'_> {
    /// A parameter whose type makes itself from the request runs before the handler.
    pub(crate) fn extractor(&mut self, loaded: &Loaded, module: usize, param: &Param) -> Option<Guard> {
        if loaded.language() != Language::Rust {
            return None;
        }
        let of = param.of_type.as_ref()?;
        let own = loaded.text(of.path);
        let name = own.rsplit("::").next()?;
        let class = *self.extractors().get(name)?;
        let (name, functions) = (text(loaded, of, 2), Vec::new());
        Some(Guard { name, module, span: param.span, functions, class: Some(class), below: String::new() })
    }

    fn extractors(&mut self) -> &HashMap<String, (usize, ClassId)> {
        if self.routes.extractors.is_none() {
            let mut found = HashMap::new();
            for module in 0..self.units.len() {
                let Some(loaded) = self.load_of(module, &[Language::Rust]) else { continue };
                for (class, at) in loaded.module().classes.iter().zip(0_u32..) {
                    let makes = class.methods.iter().any(|id| {
                        let name = loaded.module().function(*id).and_then(|function| function.name);
                        name.is_some_and(|name| MAKES.contains(&loaded.text(name)))
                    });
                    if let (true, Some(name)) = (makes, class.name) {
                        let name = loaded.text(name).rsplit("::").next().unwrap_or_default().to_owned();
                        found.insert(name, (module, ClassId(at)));
                        for id in &class.methods {
                            let scope = self.routes.modules.get(&module).cloned().unwrap_or_default();
                            self.routes.saw(FunctionRef { module, id: *id }, &scope);
                        }
                    }
                }
            }
            self.routes.extractors = Some(found);
        }
        self.routes.extractors.get_or_insert_default()
    }
}
