//! The regular expressions of rules and models, each once.

use gabion_finding::Form;
use hashbrown::HashMap;

/// Every form by its text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Forms {
    all: HashMap<String, Form>,
    /// Whether what is added comes from outside: then it is compiled now, to say what is wrong with it.
    strict: bool,
}

impl Forms {
    /// What is added from now on comes from outside.
    pub(crate) const fn be_strict(&mut self) {
        self.strict = true;
    }

    /// # Errors
    /// In words: when it is no regular expression, as far as that is known now.
    pub(crate) fn add(&mut self, text: &str) -> Result<Form, String> {
        if let Some(form) = self.all.get(text) {
            return Ok(form.clone());
        }
        let form = if self.strict { Form::new(text)? } else { Form::later(text) };
        self.all.insert(text.to_owned(), form.clone());
        Ok(form)
    }

    pub(crate) fn get(&self, text: &str) -> Option<&Form> {
        self.all.get(text)
    }

    /// Those that are no regular expressions.
    #[cfg(test)]
    pub(crate) fn wrong(&self) -> Vec<&str> {
        self.all.values().filter(|form| !form.compiles()).map(Form::as_str).collect()
    }

    #[cfg(test)]
    pub(crate) fn compiled(&self) -> usize {
        self.all.values().filter(|form| form.is_compiled()).count()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_compiled_at_once() {
        let mut forms = Forms::default();
        forms.add("a(").unwrap();
        assert_eq!(forms.wrong(), ["a("]);
        forms.be_strict();
        assert!(forms.add("b(").unwrap_err().contains("is no pattern"));
        assert!(forms.add("b").unwrap().is_compiled());
        assert!(forms.get("b").is_some() && forms.get("c").is_none());
    }
}
