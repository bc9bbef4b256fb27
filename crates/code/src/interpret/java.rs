//! What the standard library of Java does with texts, lists, maps, beans and settings.

use std::rc::Rc;

use gabion_syntax::Language;

use super::{Frame, Given};
use crate::models::Makes;
use crate::origin::Origin;
use crate::value::{HOLE, Known, List, Object, Shape, Value, concatenated};
use crate::world::World;

/// A text that is repeated is not made longer.
const LONGEST: usize = 4_096;

/// What is made of a text and still is called so: files, addresses.
const KEEPS_ITS_TEXT: &[&str] = &[
    "java.io.File",
    "java.io.FileInputStream",
    "java.io.FileReader",
    "java.io.BufferedInputStream",
    "java.io.BufferedReader",
    "java.io.InputStreamReader",
    "java.nio.file.Paths.get",
    "java.nio.file.Path.of",
    "java.nio.file.Files.newInputStream",
    "java.nio.file.Files.newBufferedReader",
    "java.net.URL",
    "java.net.URI",
    "java.net.URI.create",
    "java.net.URI().toURL",
    "java.util.regex.Pattern.compile",
    "java.net.URI.create().toURL",
];

/// What stands in a file is not chosen by whoever chose the file.
const OPENS: &[&str] = &[
    "java.io.FileInputStream",
    "java.io.FileReader",
    "java.nio.file.Files.newInputStream",
    "java.nio.file.Files.newBufferedReader",
];

impl World<'_> {
    /// What a method of the library leaves of its receiver.
    pub(super) fn java_changed(
        &mut self,
        frame: &Frame,
        method: &str,
        receiver: &Value,
        given: &[Given],
    ) -> Option<Value> {
        if self.is_builder(receiver) {
            return built_further(method, receiver, given);
        }
        let first = given.first().map(|given| &given.value);
        match (method, &receiver.shape) {
            ("add" | "insertElementAt", Shape::List(list)) if given.len() == 2 => {
                let (at, value) = if method == "add" {
                    (first?, &given.get(1)?.value)
                } else {
                    (&given.get(1)?.value, first?)
                };
                let mut list = (**list).clone();
                match position(at, list.items.len().saturating_add(1)).filter(|_| list.rest.is_none()) {
                    Some(at) => list.items.insert(at, value.clone()),
                    None => return Some(super::assign::with_some_item(receiver, value)),
                }
                Some(Value { shape: Shape::List(Rc::new(list)), ..receiver.clone() })
            }
            ("addElement" | "push" | "offer" | "offerLast" | "addLast", Shape::List(list)) => {
                let mut list = (**list).clone();
                list.push(first?.clone());
                Some(Value { shape: Shape::List(Rc::new(list)), ..receiver.clone() })
            }
            ("addFirst" | "offerFirst", Shape::List(list)) if list.rest.is_none() => {
                let mut list = (**list).clone();
                list.items.insert(0, first?.clone());
                Some(Value { shape: Shape::List(Rc::new(list)), ..receiver.clone() })
            }
            ("set", Shape::List(list)) if given.len() == 2 => {
                let value = &given.get(1)?.value;
                let mut list = (**list).clone();
                let at = position(first?, list.items.len()).filter(|_| list.rest.is_none());
                match at.and_then(|at| list.items.get_mut(at)) {
                    Some(own) => *own = value.clone(),
                    None => return Some(super::assign::with_some_item(receiver, value)),
                }
                Some(Value { shape: Shape::List(Rc::new(list)), ..receiver.clone() })
            }
            ("remove" | "removeElement", Shape::List(list)) => {
                // By what it is, where that is sure.
                let first = first?;
                let wanted = first.as_constant().filter(|_| matches!(first.known, Known::Text(_)))?;
                let mut list = (**list).clone();
                let at = list.items.iter().position(|item| item.as_constant().as_ref() == Some(&wanted))?;
                list.items.remove(at);
                Some(Value { shape: Shape::List(Rc::new(list)), ..receiver.clone() })
            }
            ("remove", Shape::Object(object)) => {
                let name = self.name(&first?.as_constant()?);
                let mut object = (**object).clone();
                object.fields.remove(&name);
                Some(Value { shape: Shape::Object(Rc::new(object)), ..receiver.clone() })
            }
            ("clear", Shape::Object(_)) => {
                Some(Value { shape: Shape::Object(Rc::default()), ..receiver.clone() })
            }
            ("load", _) => {
                let fields = self.settings_file(frame, first?)?;
                Some(Value { shape: fields, ..receiver.clone() })
            }
            (
                "put" | "putIfAbsent" | "setProperty" | "setFeature" | "setAttribute" | "setParameter",
                Shape::Object(_) | Shape::Unknown,
            ) if given.len() == 2 => {
                let value = &given.get(1)?.value;
                match self.key(first?) {
                    Some(key) => {
                        let name = self.name(&key);
                        Some(super::assign::with_field(receiver, name, value.clone()))
                    }
                    None => Some(super::assign::with_some_item(receiver, value)),
                }
            }
            // A bean: `setName(x)`.
            (_, Shape::Object(_) | Shape::Unknown) if given.len() == 1 => {
                let name = self.name(&property(method, &["set"])?);
                Some(super::assign::with_field(receiver, name, first?.clone()))
            }
            _ => None,
        }
    }

    /// What a method or a constructor of the library gives.
    pub(super) fn java_built(
        &mut self,
        frame: &Frame,
        origin: Origin,
        receiver: Option<&Value>,
        given: &[Given],
    ) -> Option<Value> {
        if frame.loaded.language() != Language::Java {
            return None;
        }
        let path = self.text_of(origin);
        let first = given.first().map(|given| &given.value);
        if KEEPS_ITS_TEXT.contains(&&*path) {
            // It still is called what it is called.
            let opens = OPENS.contains(&&*path);
            let mut value = if opens { Value::default() } else { self.gathered(None, given) };
            value.known =
                first.map_or(Known::Nothing, |first| Known::Text(first.as_text().unwrap_or_default()));
            return Some(value);
        }
        if matches!(&*path, "java.io.PrintWriter" | "java.io.BufferedWriter" | "java.io.OutputStreamWriter") {
            // A writer upon a writer writes where that one does.
            let inner = first.and_then(|first| first.origin);
            let inner = inner.filter(|origin| self.models.knows_owner(&self.text_of(*origin)));
            return inner.map(|origin| Value::from_origin(Some(origin)));
        }
        let method = path.rsplit('.').next().unwrap_or_default().trim_start_matches('~').to_owned();
        let method = method.as_str();
        if method.ends_with("[]") {
            return Some(array_of(given));
        }
        let receiver = receiver?;
        if self.is_builder(receiver) {
            return match method {
                "toString" | "substring" | "getBuffer" => Some(Value { origin: None, ..receiver.clone() }),
                "length" | "indexOf" | "charAt" | "capacity" | "isEmpty" => {
                    Some(Value::known(Known::Harmless))
                }
                _ => built_further(method, receiver, given),
            };
        }
        // Of a class, not of a value: `String.valueOf(x)`.
        let of_class =
            receiver.origin.filter(|_| matches!(receiver.shape, Shape::Unknown)).is_some_and(|origin| {
                let text = self.text_of(origin);
                let name = text.rsplit('.').next().unwrap_or_default();
                name.starts_with(char::is_uppercase) && !name.ends_with(')')
            });
        if of_class {
            let name = path.rsplit('.').nth(1).unwrap_or_default();
            if (name, method) == ("ResourceBundle", "getBundle") {
                let bundle = self.settings_file(frame, first?)?;
                return Some(Value { shape: bundle, ..Value::default() });
            }
            return match (name, method) {
                ("String", "format") | ("MessageFormat", "format") => Some(formatted(given)),
                ("String", "join") => Some(self.joined_texts(given)),
                ("StringUtils", "replace" | "replaceAll") if given.len() == 3 => {
                    let (what, with) = (&given.get(1)?.value, &given.get(2)?.value);
                    Some(self.java_replaced(first?, what, with, method == "replaceAll"))
                }
                (_, "valueOf" | "copyValueOf" | "toString" | "requireNonNull" | "copyOf" | "clone") => {
                    Some(Value { origin: None, ..first?.clone() })
                }
                _ => None,
            };
        }
        match method {
            "replace" | "replaceAll" if given.len() == 2 && receiver.is_tainted() => {
                let with = &given.get(1)?.value;
                return Some(self.java_replaced(receiver, first?, with, method == "replaceAll"));
            }
            "formatted" => {
                let all: Vec<Value> = std::iter::once(receiver)
                    .chain(given.iter().map(|given| &given.value))
                    .cloned()
                    .collect();
                return Some(formatted_values(&all));
            }
            "getResourceAsStream" | "getResource" | "openRawResource" => {
                let mut value = self.gathered(Some(receiver), given);
                value.known = first.and_then(Value::as_constant).map_or(Known::Nothing, Known::Text);
                return Some(value);
            }
            _ => {}
        }
        match &receiver.shape {
            Shape::List(list) => self.of_list(method, receiver, list, given),
            Shape::Object(object) => self.of_map(method, receiver, object, given),
            _ if receiver.flows.is_empty() && matches!(receiver.known, Known::Text(_)) => {
                let value = of_text(method, &receiver.as_constant()?, given);
                value.or_else(|| matches!(method, "charAt" | "substring").then(|| self.gathered(None, given)))
            }
            _ => match method {
                "length" | "compareTo" | "hashCode" => Some(Value::known(Known::Harmless)),
                // Of settings nobody has read: what is there without them.
                "getProperty" | "getOrDefault" if given.len() == 2 && receiver.flows.is_empty() => {
                    Some(given.get(1)?.value.clone())
                }
                _ => None,
            },
        }
    }

    fn of_list(&mut self, method: &str, receiver: &Value, list: &List, given: &[Given]) -> Option<Value> {
        let length = || match list.rest {
            None => Known::Number(list.items.len() as f64),
            Some(_) => Known::Harmless,
        };
        let with_flows = |value: Option<&Value>| {
            let mut value = value.cloned().unwrap_or_default();
            value.add_flows(&receiver.flows);
            value
        };
        Some(match method {
            "size" | "length" => Value::known(length()),
            "isEmpty" if list.rest.is_none() => Value::known(Known::Bool(list.items.is_empty())),
            "get" | "elementAt" | "remove" => {
                let at = position(&given.first()?.value, list.items.len()).filter(|_| list.rest.is_none());
                at.map_or_else(|| self.item_of(receiver), |at| with_flows(list.items.get(at)))
            }
            "getFirst" | "firstElement" | "peek" | "element" | "peekFirst" | "pollFirst" | "removeFirst"
            | "poll" | "next" | "nextElement"
                if list.rest.is_none() && list.items.len() == 1 =>
            {
                with_flows(list.items.first())
            }
            "getFirst" | "firstElement" | "peekFirst" | "pollFirst" | "removeFirst"
                if list.rest.is_none() =>
            {
                with_flows(list.items.first())
            }
            "getLast" | "lastElement" | "peekLast" | "pollLast" | "removeLast" if list.rest.is_none() => {
                with_flows(list.items.last())
            }
            "iterator" | "listIterator" | "elements" | "toArray" | "stream" | "parallelStream" | "toList"
            | "asList" | "clone" => receiver.clone(),
            "next" | "nextElement" | "previous" | "peek" | "element" | "poll" | "pop" | "findFirst"
            | "findAny" => self.item_of(receiver),
            "subList" | "sorted" | "distinct" | "limit" | "skip" | "reversed" | "filter" => {
                let any = list.any().map(Box::new);
                Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest: any })))
            }
            "contains" | "indexOf" | "lastIndexOf" | "hasNext" | "hasMoreElements" => {
                Value::known(Known::Harmless)
            }
            _ => return None,
        })
    }

    fn of_map(&mut self, method: &str, receiver: &Value, object: &Object, given: &[Given]) -> Option<Value> {
        let first = given.first().map(|given| &given.value);
        let mut value = match method {
            "get" | "getOrDefault" | "getProperty" | "getString" | "getAttribute" | "remove" | "opt"
            | "optString" => {
                let otherwise = given.get(1).map(|given| given.value.clone());
                match self.key(first?) {
                    Some(key) => {
                        let name = self.name(&key);
                        match object.field(name).or(otherwise) {
                            Some(value) => value,
                            None if object.class.is_none()
                                && matches!(method, "get" | "getProperty" | "remove") =>
                            {
                                Value::known(Known::Null)
                            }
                            None => return None,
                        }
                    }
                    None => self.item_of(receiver),
                }
            }
            "isEmpty" if object.rest.is_none() => Value::known(Known::Bool(object.fields.is_empty())),
            "containsKey" if object.rest.is_none() && self.key(first?).is_some() => {
                let key = self.key(first?)?;
                let name = self.name(&key);
                Value::known(Known::Bool(object.fields.contains_key(&name)))
            }
            "size" => Value::known(Known::Harmless),
            "values" => {
                let all = object.fields.values().chain(object.rest.as_deref()).cloned();
                let rest = all.reduce(|one, two| one.join(&two)).map(Box::new);
                Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest })))
            }
            // The names of a map of which all names are known are written in the code.
            "keySet" if object.rest.is_none() => Value::shaped(Shape::List(Rc::default())),
            _ if given.is_empty() => {
                let name = self.name(&property(method, &["get", "is"])?);
                object.field(name)?
            }
            _ => return None,
        };
        value.add_flows(&receiver.flows);
        Some(value)
    }

    fn joined_texts(&mut self, given: &[Given]) -> Value {
        let mut parts = Vec::new();
        let between = given.first().map(|given| given.value.clone()).unwrap_or_default();
        for one in given.iter().skip(1) {
            match &one.value.shape {
                Shape::List(list) if list.rest.is_none() => parts.extend(list.items.iter().cloned()),
                Shape::List(_) => parts.push(self.item_of(&one.value)),
                _ => parts.push(one.value.clone()),
            }
        }
        let mut all = Vec::new();
        for part in parts {
            if !all.is_empty() {
                all.push(between.clone());
            }
            all.push(part);
        }
        concatenated(&all)
    }

    /// What something is kept under: a text, or the name of a constant of a library.
    fn key(&self, value: &Value) -> Option<Rc<str>> {
        if value.is_tainted() {
            return None;
        }
        value.as_constant().or_else(|| {
            let path = self.text_of(value.origin?);
            let last = path.rsplit('.').next()?;
            let constant =
                last.chars().all(|sign| sign.is_ascii_uppercase() || sign.is_ascii_digit() || sign == '_');
            (constant && path.contains('.')).then(|| last.into())
        })
    }

    fn is_builder(&self, value: &Value) -> bool {
        matches!(value.shape, Shape::Unknown)
            && value.origin.is_some_and(|origin| {
                let text = self.text_of(origin);
                let name = text
                    .strip_prefix("java.lang.")
                    .or_else(|| text.strip_prefix("java.io."))
                    .unwrap_or(&text);
                matches!(
                    name,
                    "StringBuilder()" | "StringBuffer()" | "StringWriter()" | "AbstractStringBuilder()"
                )
            })
    }

    /// The keys of a file of settings of this tree.
    pub(super) fn settings_file(&mut self, frame: &Frame, named: &Value) -> Option<Shape> {
        let name = named.as_constant().filter(|_| matches!(named.known, Known::Text(_)))?;
        // What a server keeps under `WEB-INF/classes` lies among the resources.
        let name = name.strip_prefix("classpath:").unwrap_or(&name).trim_start_matches("./");
        let name = name.rsplit_once("WEB-INF/classes/").map_or(name, |(_, name)| name);
        let name = if name.ends_with(".properties") {
            name.to_owned()
        } else {
            format!("{}.properties", name.replace('.', "/"))
        };
        let from = self.units.get(frame.module).map(|unit| std::sync::Arc::clone(&unit.path))?;
        let file = self.paths.resource(&from, &name)?;
        let exports = self.exports(file);
        matches!(exports.shape, Shape::Object(_)).then_some(exports.shape)
    }
}

impl World<'_> {
    /// What a constructor makes of what it is given.
    pub(super) fn filled(&mut self, makes: Makes, given: &[Given]) -> Value {
        if makes != Makes::Pairs {
            return made(makes, given);
        }
        let mut object = Object::default();
        let mut rest = given.iter().map(|given| &given.value);
        while let (Some(key), Some(value)) = (rest.next(), rest.next()) {
            match self.key(key) {
                Some(key) => {
                    let name = self.name(&key);
                    object.set(name, value.clone());
                }
                None => object.add_rest(value),
            }
        }
        Value::shaped(Shape::Object(Rc::new(object)))
    }
}

fn made(makes: Makes, given: &[Given]) -> Value {
    let first = given.first().map(|given| &given.value);
    let values = || given.iter().map(|given| given.value.clone());
    match (makes, first.map(|first| &first.shape)) {
        (Makes::List | Makes::Items, Some(Shape::List(_))) if given.len() == 1 => {
            first.map_or_else(Value::default, |first| Value { origin: None, ..first.clone() })
        }
        (Makes::List, _) => {
            let rest = first
                .filter(|first| first.is_tainted() && !first.is_harmless())
                .map(|first| Box::new(Value { flows: first.all_flows(), ..Value::default() }));
            Value::shaped(Shape::List(Rc::new(List { items: Vec::new(), rest })))
        }
        (Makes::Items, _) => {
            let mut list = List::default();
            values().for_each(|value| list.push(value));
            Value::shaped(Shape::List(Rc::new(list)))
        }
        (Makes::Map, Some(Shape::Object(_))) => {
            first.map_or_else(Value::default, |first| Value { origin: None, ..first.clone() })
        }
        (Makes::Map, _) => {
            let mut object = Object::default();
            if let Some(first) = first.filter(|first| first.is_tainted() && !first.is_harmless()) {
                object.rest = Some(Box::new(Value { flows: first.all_flows(), ..Value::default() }));
            }
            Value::shaped(Shape::Object(Rc::new(object)))
        }
        (Makes::Pairs, _) => Value::shaped(Shape::Object(Rc::default())),
        (Makes::Text, _) => match first {
            Some(first) if !matches!(first.known, Known::Number(_)) => {
                let mut value = concatenated(std::slice::from_ref(first));
                if first.is_harmless() && first.carried().is_empty() {
                    value.known = Known::Text("".into());
                }
                value
            }
            _ => Value::text(""),
        },
    }
}

/// More of a text that is being built.
fn built_further(method: &str, receiver: &Value, given: &[Given]) -> Option<Value> {
    let origin = receiver.origin;
    let same = |value: Value| Some(Value { origin, ..value });
    let all = |start: &Value| {
        let mut value = Value { flows: Rc::clone(&start.flows), ..Value::text(&HOLE.to_string()) };
        given.iter().for_each(|given| value.add_flows(&given.value.carried()));
        value
    };
    let number = |at: usize| match given.get(at)?.value.known {
        Known::Number(number) if number >= 0.0 => (0..LONGEST).find(|one| (*one as f64 - number).abs() < 0.5),
        _ => None,
    };
    let constant = receiver.as_constant();
    match method {
        "append" | "write" | "appendCodePoint" => {
            let first = given.first()?.value.clone();
            same(concatenated(&[receiver.clone(), first]))
        }
        "insert" => {
            let value = &given.get(1)?.value;
            match (constant, number(0)) {
                (_, Some(0)) => same(concatenated(&[value.clone(), receiver.clone()])),
                (Some(text), Some(at)) => {
                    let (before, behind) = (text.get(..at)?, text.get(at..)?);
                    let mut joined = concatenated(&[Value::text(before), value.clone(), Value::text(behind)]);
                    joined.add_flows(&receiver.flows);
                    same(joined)
                }
                _ => same(all(receiver)),
            }
        }
        "reverse" => match constant {
            Some(text) => {
                let mut value = Value::text(&text.chars().rev().collect::<String>());
                value.add_flows(&receiver.flows);
                same(value)
            }
            None => same(all(receiver)),
        },
        "replace" | "deleteCharAt" | "delete" | "setCharAt" => {
            if let (Some(text), "replace" | "delete", Some(from), Some(to)) =
                (&constant, method, number(0), number(1))
            {
                let (before, behind) = (text.get(..from)?, text.get(to.min(text.len())..)?);
                let between =
                    given.get(2).map(|given| given.value.clone()).unwrap_or_else(|| Value::text(""));
                let mut joined = concatenated(&[Value::text(before), between, Value::text(behind)]);
                joined.add_flows(&receiver.flows);
                return same(joined);
            }
            same(all(receiver))
        }
        "setLength" if number(0) == Some(0) => same(Value::text("")),
        _ => None,
    }
}

/// What methods of a text that is known give.
fn of_text(method: &str, text: &str, given: &[Given]) -> Option<Value> {
    let first = given.first().map(|given| &given.value);
    let word = |at: usize| {
        given
            .get(at)?
            .value
            .as_constant()
            .filter(|_| given.get(at).is_some_and(|given| !given.value.is_tainted()))
    };
    let number = |number: usize| Value::known(Known::Number(number as f64));
    let found = |at: Option<usize>| Value::known(Known::Number(at.map_or(-1.0, |at| at as f64)));
    let truth = |truth: bool| Some(Value::known(Known::Bool(truth)));
    let given_text = |value: String| (value.len() <= LONGEST).then(|| Value::text(&value));
    match method {
        "charAt" => {
            let at = position(first?, text.chars().count())?;
            text.chars().nth(at).map(|one| Value::text(&one.to_string()))
        }
        "substring" | "subSequence" => {
            let length = text.len().saturating_add(1);
            let from = position(first?, length)?;
            let to = match given.get(1) {
                Some(to) => position(&to.value, length)?,
                None => text.len(),
            };
            text.get(from..to).map(Value::text)
        }
        "length" => Some(number(text.chars().count())),
        "indexOf" if given.len() == 1 => Some(found(text.find(&*word(0)?))),
        "lastIndexOf" if given.len() == 1 => Some(found(text.rfind(&*word(0)?))),
        "equals" | "contentEquals" => truth(text == &*word(0)?),
        "equalsIgnoreCase" => truth(text.eq_ignore_ascii_case(&word(0)?)),
        "contains" => truth(text.contains(&*word(0)?)),
        "startsWith" if given.len() == 1 => truth(text.starts_with(&*word(0)?)),
        "endsWith" => truth(text.ends_with(&*word(0)?)),
        "isEmpty" => truth(text.is_empty()),
        "isBlank" => truth(text.trim().is_empty()),
        "toLowerCase" => given_text(text.to_lowercase()),
        "toUpperCase" => given_text(text.to_uppercase()),
        "getBytes" => Some(Value::text(text)),
        "trim" | "strip" => Some(Value::text(text.trim())),
        "replace" if !text.is_empty() => {
            given_text(text.replace(&*word(0).filter(|word| !word.is_empty())?, &word(1)?))
        }
        "toCharArray" => {
            let items = text.chars().take(64).map(|one| Value::text(&one.to_string())).collect();
            Some(Value::shaped(Shape::List(Rc::new(List { items, rest: None }))))
        }
        "split" if given.len() == 1 => {
            let at = word(0)?;
            if at.is_empty()
                || at.contains(|sign: char| {
                    !sign.is_alphanumeric() && !matches!(sign, ',' | ' ' | '-' | '_' | ':' | ';' | '/')
                })
            {
                return None;
            }
            let items = text.split(&*at).take(64).map(Value::text).collect();
            Some(Value::shaped(Shape::List(Rc::new(List { items, rest: None }))))
        }
        _ => None,
    }
}

/// `String.format`, with a language before the text or not.
fn formatted(given: &[Given]) -> Value {
    let all: Vec<Value> = given.iter().map(|given| given.value.clone()).collect();
    match all.split_first() {
        Some((first, rest)) if first.as_text().is_none() && !first.is_tainted() && rest.len() > 1 => {
            formatted_values(rest)
        }
        _ => formatted_values(&all),
    }
}

/// A text with the values behind it where its signs stand.
fn formatted_values(all: &[Value]) -> Value {
    let Some((format, values)) = all.split_first() else { return Value::default() };
    let values: Vec<Value> = match values {
        [only] => match &only.shape {
            Shape::List(list) if list.rest.is_none() => list.items.clone(),
            _ => values.to_vec(),
        },
        _ => values.to_vec(),
    };
    let Some(text) = format.as_constant() else {
        let mut whole = vec![format.clone()];
        whole.extend(values);
        return concatenated(&whole);
    };
    let mut parts = Vec::new();
    let mut rest: &str = &text;
    let mut next = 0_usize;
    while let Some(at) = rest.find('%') {
        let (before, behind) = rest.split_at(at);
        parts.push(Value::text(before));
        let behind = behind.strip_prefix('%').unwrap_or(behind);
        let end = behind.find(|sign: char| sign.is_ascii_alphabetic() || sign == '%').unwrap_or(0);
        let (flags, sign) = (behind.get(..end).unwrap_or_default(), behind.get(end..).unwrap_or_default());
        let kind = sign.chars().next();
        rest = sign.get(kind.map_or(0, char::len_utf8)..).unwrap_or_default();
        match kind {
            Some('%') => parts.push(Value::text("%")),
            Some('n') => parts.push(Value::text("\n")),
            Some(kind) => {
                let chosen = flags.split_once('$').and_then(|(number, _)| number.parse::<usize>().ok());
                let at = chosen.and_then(|number| number.checked_sub(1)).unwrap_or(next);
                if chosen.is_none() {
                    next = next.saturating_add(1);
                }
                let mut value = values.get(at).cloned().unwrap_or_default();
                if matches!(kind, 'd' | 'f' | 'x' | 'X' | 'e' | 'b') && value.as_text().is_none() {
                    value.known = Known::Harmless;
                }
                parts.push(value);
            }
            None => break,
        }
    }
    parts.push(Value::text(rest));
    let mut value = concatenated(&parts);
    if text.contains('{') {
        // The other form: `{0}`.
        values.iter().for_each(|one| value.add_flows(&one.carried()));
    }
    value
}

/// `new T[n]`: nothing in it yet.
fn array_of(given: &[Given]) -> Value {
    let nothing = Value::known(Known::Null);
    let length = given.first().and_then(|given| position(&given.value, 65));
    let list = match length {
        Some(length) => List { items: vec![nothing; length], rest: None },
        None => List { items: Vec::new(), rest: Some(Box::new(nothing)) },
    };
    Value::shaped(Shape::List(Rc::new(list)))
}

/// A number of a place below a length.
fn position(value: &Value, length: usize) -> Option<usize> {
    match value.known {
        Known::Number(number) if number >= 0.0 => {
            (0..length.min(LONGEST)).find(|at| (*at as f64 - number).abs() < 0.5)
        }
        _ => None,
    }
}

/// `name` of `setName`.
pub(super) fn property(method: &str, starts: &[&str]) -> Option<String> {
    let rest = starts.iter().find_map(|start| method.strip_prefix(start))?;
    let mut letters = rest.chars();
    let first = letters.next().filter(|first| first.is_uppercase())?;
    Some(first.to_lowercase().chain(letters).collect())
}
