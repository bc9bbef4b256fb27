//! Pages of Java servers: what they print of a request, and of what a servlet handed over.
//!
//! | written | printed as it came |
//! |---|---|
//! | `<%= request.getParameter("q") %>` | the request's `q` |
//! | `<% String q = request.getParameter("q"); out.print(q); %>` | the request's `q` |
//! | `${param.q}` outside of `<c:out>` | the request's `q` |
//! | `${name}`, `<c:out value="${name}" escapeXml="false"/>` | `name` |

use super::{LONGEST, PRINTS, RAW, REQUEST, Reader, is_word, path};

/// What a request says.
const ASKED: &[&str] = &["request.getParameter(", "request.getHeader(", "request.getQueryString("];
/// Words of expressions that give something else than what they are given.
const CHANGED: &[&str] = &[
    "escape",
    "encode",
    "sanitize",
    "clean",
    "parseint",
    "parselong",
    "valueof(",
    "integer.",
    "long.",
    "equals",
    "null",
    ".length()",
    ".isempty()",
    ".contains(",
    "getbytes",
    "hash",
];
/// Variables of one page.
const NAMES: usize = 64;

/// Whether a file of that path is one.
pub(super) fn is(path: &str) -> bool {
    [".jsp", ".jspf", ".jspx"].iter().any(|end| path.ends_with(end))
}

pub(super) fn read(text: &str, reader: &mut Reader) {
    let mut names: Vec<String> = Vec::new();
    let mut at = 0_usize;
    while let Some(rest) = text.get(at..) {
        let Some(start) = rest.find(['<', '$']).map(|next| at.saturating_add(next)) else { return };
        let Some(rest) = text.get(start..) else { return };
        at = start.saturating_add(1);
        if rest.starts_with("<%--") {
            let Some(length) = rest.find("--%>") else { return };
            at = start.saturating_add(length).saturating_add(4);
        } else if rest.starts_with("<%") {
            let Some(length) = rest.find("%>") else { return };
            let end = start.saturating_add(length).saturating_add(2);
            let inside = rest.get(2..length).unwrap_or_default();
            match inside.strip_prefix('=') {
                Some(value) => written(value, &names, (start, end), reader),
                None if inside.starts_with(['@', '!']) => {}
                None => script(inside, &mut names, start.saturating_add(2), reader),
            }
            at = end;
        } else if let Some(tag) = rest.strip_prefix('<') {
            let name: String =
                tag.chars().take(40).take_while(|sign| !sign.is_whitespace() && *sign != '>').collect();
            if name.contains(':') {
                let length = tag_end(rest);
                let whole = rest.get(..length).unwrap_or_default();
                if name == "c:out"
                    && ["escapeXml=\"false\"", "escapeXml='false'"].iter().any(|off| whole.contains(off))
                {
                    expressions(whole, start, reader);
                }
                at = start.saturating_add(length.max(1));
            }
        } else if rest.starts_with("${") {
            let short = rest.get(..LONGEST.min(rest.len())).unwrap_or_default();
            if let Some(length) = short.find('}') {
                expressions(short.get(..=length).unwrap_or_default(), start, reader);
                at = start.saturating_add(length);
            }
        }
        if reader.found.len() >= PRINTS {
            return;
        }
    }
}

/// Where a tag ends, quotes aside.
fn tag_end(tag: &str) -> usize {
    let mut quote = None;
    for (at, sign) in tag.char_indices().take(4_000) {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(sign),
            (None, '>') => return at.saturating_add(1),
            _ => {}
        }
    }
    1
}

/// `<%= … %>`, or what `out.print` is given.
fn written(value: &str, names: &[String], (start, end): (usize, usize), reader: &mut Reader) {
    if let Some(name) = asked(value) {
        reader.print(REQUEST, name, start, end);
    } else if !changed(value) {
        let words =
            value.split(|sign: char| !(sign.is_alphanumeric() || matches!(sign, '_' | '.' | '"' | '(')));
        if let Some(name) = words.into_iter().find(|word| names.iter().any(|own| own == word)) {
            reader.print(REQUEST, name.to_owned(), start, end);
        }
    }
}

/// `String q = request.getParameter("q"); out.print(q);`
fn script(inside: &str, names: &mut Vec<String>, start: usize, reader: &mut Reader) {
    let mut at = start;
    for statement in inside.split(';') {
        let end = at.saturating_add(statement.len());
        let trimmed = statement.trim();
        let printed =
            ["out.print(", "out.println(", "out.write("].iter().find_map(|call| trimmed.split_once(call));
        if let Some((_, given)) = printed {
            let given = given.strip_suffix(')').unwrap_or(given);
            written(given, names, (end.saturating_sub(trimmed.len()), end), reader);
        } else if let Some((before, value)) = trimmed.split_once('=') {
            let name = before.split_whitespace().last().unwrap_or_default();
            names.retain(|own| own != name);
            if is_word(name) && asked(value).is_some() && names.len() < NAMES {
                names.push(name.to_owned());
            }
        }
        at = end.saturating_add(1);
    }
}

/// What of a request an expression is.
fn asked(value: &str) -> Option<String> {
    let (_, rest) = ASKED.iter().find_map(|call| value.split_once(call)).filter(|_| !changed(value))?;
    let name = rest.split(')').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    Some(name.chars().take(60).collect())
}

fn changed(value: &str) -> bool {
    let value = value.to_lowercase();
    CHANGED.iter().any(|word| value.contains(word))
}

/// `${param.q}`, `${name}`.
fn expressions(text: &str, start: usize, reader: &mut Reader) {
    for (at, _) in text.match_indices("${") {
        let rest = text.get(at.saturating_add(2)..).unwrap_or_default();
        let Some((inside, _)) = rest.split_once('}') else { return };
        let Some(path) = path(inside.trim()) else { continue };
        let from = start.saturating_add(at);
        let end = from.saturating_add(inside.len()).saturating_add(3);
        match path.split_once('.') {
            Some(("param" | "paramValues" | "header" | "headerValues", name)) => {
                reader.print(REQUEST, name.to_owned(), from, end);
            }
            Some(("requestScope", name)) => reader.print(RAW, name.to_owned(), from, end),
            Some(("pageContext" | "sessionScope" | "applicationScope" | "initParam" | "cookie", _)) => {}
            _ => reader.print(RAW, path, from, end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::printed;

    fn all(text: &str) -> Vec<String> {
        printed("a.jsp", text).iter().map(|print| format!("{} {}", print.kind, print.name)).collect()
    }

    #[test]
    fn what_is_printed_as_it_came() {
        assert_eq!(
            all("<p><%= request.getParameter(\"q\") %></p>${param.r} ${a.b}"),
            ["request q", "request r", "raw a.b"]
        );
        assert_eq!(
            all("<c:out value=\"${param.q}\"/><c:if test=\"${param.a > 1}\"><form:input path=\"${b}\"/>"),
            [""; 0]
        );
        assert_eq!(
            all("<c:out value='${param.q}' escapeXml='false'/>${fn:escapeXml(a)}<%-- ${b} --%>"),
            ["request q"]
        );
        assert_eq!(
            all("<% String n = request.getParameter(\"n\"); out.println(\"<b>\" + n); %><%= n %>"),
            ["request n", "request n"]
        );
        assert_eq!(
            all(
                "<% int n = Integer.parseInt(request.getParameter(\"n\")); %><%= n %><%= esc.escapeHtml(request.getParameter(\"q\")) %>"
            ),
            [""; 0]
        );
        assert_eq!(
            all(
                "<input ${\"a\".equals(b) ? 'x' : ''} value=\"${param.q}\"> ${pageContext.request.contextPath}"
            ),
            ["request q"]
        );
        assert_eq!(all("<% String n = request.getParameter(\"n\"); n = clean(n); %><%= n %>"), [""; 0]);
    }

    #[test]
    fn hostile_pages_end() {
        for piece in [
            "<%",
            "<%--",
            "<%=",
            "${",
            "<c:out ",
            "<a:'",
            "<% out.print(",
            "é${",
            "<c:out value=\"${a}\" escapeXml=\"false\"",
        ] {
            assert!(printed("a.jsp", &piece.repeat(20_000)).len() <= super::PRINTS, "{piece}");
        }
    }
}
