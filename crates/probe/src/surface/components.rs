//! Which software in which version is at work: told by heads of answers, by names and banners of scripts, by pages, and by what a
//! browser sees running.
//!
//! A component has a version and stands somewhere; what is named without a version is none. Names are those of the registries
//! that advisories speak of.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use gabion_finding::Ecosystem;
use regex::Regex;

/// Something that is at work.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// As its registry calls it; in lower case where none does.
    pub name: String,
    pub version: String,
    /// Where advisories speak of it; nothing for servers and the like.
    pub ecosystem: Option<Ecosystem>,
    /// Where it was seen: `GET /js/jquery.js`.
    pub seen: String,
    /// The words that told.
    pub words: String,
}

/// Texts are looked at up to here; banners stand in front.
const HEAD: usize = 200_000;
/// Of one text.
const MOST: usize = 50;

/// Products as heads call them, and the packages they are.
const SERVERS: &[(&str, Ecosystem, &str)] = &[
    ("aiohttp", Ecosystem::PyPi, "aiohttp"),
    ("cheroot", Ecosystem::PyPi, "cheroot"),
    ("cherrypy", Ecosystem::PyPi, "cherrypy"),
    ("daphne", Ecosystem::PyPi, "daphne"),
    ("gunicorn", Ecosystem::PyPi, "gunicorn"),
    ("hypercorn", Ecosystem::PyPi, "hypercorn"),
    ("tornadoserver", Ecosystem::PyPi, "tornado"),
    ("twistedweb", Ecosystem::PyPi, "twisted"),
    ("uvicorn", Ecosystem::PyPi, "uvicorn"),
    ("waitress", Ecosystem::PyPi, "waitress"),
    ("werkzeug", Ecosystem::PyPi, "werkzeug"),
    ("jetty", Ecosystem::Maven, "org.eclipse.jetty:jetty-server"),
    ("next.js", Ecosystem::Npm, "next"),
    ("puma", Ecosystem::RubyGems, "puma"),
    ("webrick", Ecosystem::RubyGems, "webrick"),
];

/// Names of client libraries that are not those of the registry.
const ALIASES: &[(&str, &str)] = &[
    ("angularjs", "angular"),
    ("backbone.js", "backbone"),
    ("bootstrap.js", "bootstrap"),
    ("d3.js", "d3"),
    ("ember.js", "ember-source"),
    ("handlebars.js", "handlebars"),
    ("jquery ui", "jquery-ui"),
    ("jquery.ui", "jquery-ui"),
    ("jquery mobile", "jquery-mobile"),
    ("jquery validation plugin", "jquery-validation"),
    ("knockout javascript library", "knockout"),
    ("moment.js", "moment"),
    ("mustache.js", "mustache"),
    ("socket.io.js", "socket.io-client"),
    ("three.js", "three"),
    ("underscore.js", "underscore"),
    ("vue.js", "vue"),
    ("sweetalert", "sweetalert2"),
    ("swfobject", "swfobject"),
    ("lodash.js", "lodash"),
    ("axios.js", "axios"),
    ("tinymce.js", "tinymce"),
    ("marked.js", "marked"),
    ("datatables", "datatables.net"),
];

/// What a script of a page says of its libraries: pairs of a name and an expression.
pub const RUNNING: &[(&str, &str)] = &[
    ("angular", "window.angular && angular.version && angular.version.full"),
    (
        "@angular/core",
        "(document.querySelector('[ng-version]') || {getAttribute() {}}).getAttribute('ng-version')",
    ),
    ("axios", "window.axios && axios.VERSION"),
    ("backbone", "window.Backbone && Backbone.VERSION"),
    (
        "bootstrap",
        "(window.bootstrap && bootstrap.Tooltip && bootstrap.Tooltip.VERSION) || (window.jQuery && jQuery.fn && jQuery.fn.tooltip && jQuery.fn.tooltip.Constructor && jQuery.fn.tooltip.Constructor.VERSION)",
    ),
    ("chart.js", "window.Chart && Chart.version"),
    ("d3", "window.d3 && d3.version"),
    ("dompurify", "window.DOMPurify && DOMPurify.version"),
    ("ember-source", "window.Ember && Ember.VERSION"),
    ("handlebars", "window.Handlebars && Handlebars.VERSION"),
    ("jquery", "window.jQuery && jQuery.fn && jQuery.fn.jquery"),
    ("jquery-ui", "window.jQuery && jQuery.ui && jQuery.ui.version"),
    ("knockout", "window.ko && ko.version"),
    ("lodash", "window._ && _.VERSION && _.template && _.chunk && _.VERSION"),
    ("moment", "window.moment && moment.version"),
    ("mustache", "window.Mustache && Mustache.version"),
    ("react", "window.React && React.version"),
    ("three", "window.THREE && THREE.REVISION && '0.' + THREE.REVISION + '.0'"),
    ("underscore", "window._ && _.VERSION && !_.chunk && _.VERSION"),
    ("vue", "window.Vue && Vue.version"),
];

#[expect(clippy::expect_used, reason = "the expression is a constant and a test compiles it")]
static BANNER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^[ \t]*(?:/\*+!?|//!?|\*)?[ \t]*(?:@license|@preserve|@overview)?[ \t]*([A-Za-z@][A-Za-z0-9@/_.-]*(?: (?:UI|ui|Mobile|Validation Plugin|JavaScript library))?)(?: (?:JavaScript Library|core|library|Library))?,?[ \t]*[-:]?[ \t]*[vV@]?(?:ersion:? )?(\d+\.\d+(?:\.\d+)?(?:-(?:alpha|beta|rc)[.\d]*)?)\b")
        .expect("it is well formed")
});
#[expect(clippy::expect_used, reason = "the expression is a constant and a test compiles it")]
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:^|/)(@?[A-Za-z][A-Za-z0-9.]*(?:-[A-Za-z][A-Za-z0-9]*)*?)(?:[-.@/]v?)(\d+\.\d+\.\d+(?:-(?:alpha|beta|rc)[.\d]*)?)(?:[./]|$)")
        .expect("it is well formed")
});
#[expect(clippy::expect_used, reason = "the expression is a constant and a test compiles it")]
static PRODUCT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"([A-Za-z][A-Za-z0-9_.+-]*?)[/( ]v?(\d+\.\d+(?:\.\d+)*[A-Za-z0-9.-]*)")
        .expect("it is well formed")
});

/// What the heads of an answer name.
pub(crate) fn of_heads<'a>(heads: impl Iterator<Item = (&'a str, &'a str)>, seen: &str) -> Vec<Component> {
    let mut all = Vec::new();
    for (name, value) in heads.filter(|(_, value)| value.len() < 500) {
        let name = name.to_ascii_lowercase();
        if !matches!(
            name.as_str(),
            "server" | "x-powered-by" | "x-generator" | "via" | "x-aspnet-version" | "x-aspnetmvc-version"
        ) {
            continue;
        }
        if name.starts_with("x-aspnet") {
            all.push(component("asp.net", value, None, seen, &format!("{name}: {value}")));
            continue;
        }
        for found in PRODUCT.captures_iter(value).take(MOST) {
            let (Some(product), Some(version)) = (found.get(1), found.get(2)) else { continue };
            let product = product.as_str().to_ascii_lowercase();
            let known = SERVERS.iter().find(|(own, _, _)| *own == product);
            let (ecosystem, package) = match known {
                Some((_, ecosystem, package)) => (Some(*ecosystem), (*package).to_owned()),
                None => (None, product),
            };
            all.push(component(&package, version.as_str(), ecosystem, seen, &format!("{name}: {value}")));
        }
    }
    all
}

/// What a script is called, and what it says of itself.
pub(crate) fn of_script(path: &str, text: &str) -> Vec<Component> {
    let seen = format!("GET {path}");
    let mut all: Vec<Component> = of_name(path).into_iter().collect();
    let mut end = text.len().min(HEAD);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let text = text.get(..end).unwrap_or_default();
    // Banners stand in comments.
    for comment in
        text.split("/*").skip(1).take(400).filter_map(|rest| rest.split_once("*/").map(|(inner, _)| inner))
    {
        let head: String = comment.lines().take(4).collect::<Vec<_>>().join("\n");
        let Some(found) = BANNER.captures(head.trim_start_matches(['!', '*'])) else { continue };
        let (Some(name), Some(version)) = (found.get(1), found.get(2)) else { continue };
        if let Some(name) = package(name.as_str()) {
            let words = found.get(0).map_or("", |all| all.as_str()).trim();
            all.push(component(&name, version.as_str(), Some(Ecosystem::Npm), &seen, words));
        }
        if all.len() >= MOST {
            break;
        }
    }
    all
}

/// What the name of a file says: `jquery-3.4.1.min.js`, `npm/vue@2.6.10/dist/vue.js`, `jquery/3.4.1/jquery.js`.
fn of_name(path: &str) -> Option<Component> {
    let plain = path.split('?').next().unwrap_or_default();
    let found = NAMED.captures(plain)?;
    let name = package(found.get(1)?.as_str().trim_end_matches(".min"))?;
    let words = plain.rsplit('/').next().unwrap_or(plain);
    Some(component(&name, found.get(2)?.as_str(), Some(Ecosystem::Npm), &format!("GET {path}"), words))
}

/// What a page says of the program that made it.
pub(crate) fn of_generator(content: &str, seen: &str) -> Option<Component> {
    let found = PRODUCT.captures(content)?;
    let name = found.get(1)?.as_str().to_ascii_lowercase();
    Some(component(&name, found.get(2)?.as_str(), None, seen, &format!("generator {content}")))
}

pub(crate) fn running(name: &str, version: &str, seen: &str) -> Option<Component> {
    let fits = version.len() < 40
        && version.starts_with(|letter: char| letter.is_ascii_digit())
        && version.contains('.')
        && version.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-+".contains(letter));
    fits.then(|| {
        component(
            name,
            version,
            Some(Ecosystem::Npm),
            seen,
            &format!("`{name}` says `{version}` when it is asked"),
        )
    })
}

fn component(name: &str, version: &str, ecosystem: Option<Ecosystem>, seen: &str, words: &str) -> Component {
    Component {
        name: name.to_owned(),
        version: version.trim_end_matches(['.', '-']).to_owned(),
        ecosystem,
        seen: seen.to_owned(),
        words: words.chars().take(200).collect(),
    }
}

/// A name as the registry has it; nothing for words that are none.
fn package(name: &str) -> Option<String> {
    let name = name.trim().trim_end_matches(".min").to_ascii_lowercase();
    if let Some((_, own)) = ALIASES.iter().find(|(alias, _)| *alias == name) {
        return Some((*own).to_owned());
    }
    let name = match name.strip_suffix(".js") {
        // Some are called so.
        Some(stem)
            if !matches!(stem, "chart" | "highlight" | "video" | "next" | "fullpage" | "reveal" | "plyr") =>
        {
            stem.to_owned()
        }
        _ => name,
    };
    let words = [
        "version",
        "v",
        "release",
        "license",
        "copyright",
        "es",
        "ie",
        "build",
        "since",
        "apache",
        "mit",
        "bsd",
        "chunk",
        "vendor",
        "main",
        "app",
        "dist",
        "js",
        "lib",
    ];
    (name.len() > 1 && !words.contains(&name.as_str())).then_some(name)
}

/// One of each name and version, where it was seen first.
#[must_use]
pub(crate) fn distinct(all: Vec<Component>) -> Vec<Component> {
    let mut met = BTreeSet::new();
    all.into_iter().filter(|one| met.insert((one.name.clone(), one.version.clone()))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn banners_and_names_of_files_tell() {
        let of = |path: &str, text: &str| -> Vec<String> {
            of_script(path, text).into_iter().map(|one| format!("{} {}", one.name, one.version)).collect()
        };
        for (path, text, found) in [
            ("/a.js", "/*! jQuery v3.4.1 | (c) JS Foundation */", "jquery 3.4.1"),
            ("/a.js", "/*!\n * jQuery JavaScript Library v1.12.0\n */", "jquery 1.12.0"),
            ("/a.js", "/*!\n  * Bootstrap v4.3.0 (https://x)\n  */", "bootstrap 4.3.0"),
            ("/a.js", "/*\n AngularJS v1.5.8\n (c) 2010\n*/", "angular 1.5.8"),
            ("/a.js", "/*!\n * Vue.js v2.6.10\n */", "vue 2.6.10"),
            ("/a.js", "/** @license React v16.8.6\n */", "react 16.8.6"),
            ("/a.js", "/*! jQuery UI - v1.12.1 - 2016 */", "jquery-ui 1.12.1"),
            ("/js/jquery-3.4.1.min.js", "", "jquery 3.4.1"),
            ("/npm/lodash@4.17.4/lodash.min.js", "", "lodash 4.17.4"),
            ("/ajax/libs/moment.js/2.18.1/moment.min.js", "", "moment 2.18.1"),
            ("/a.js", "var x; /*! chart.js 2.9.3 */", "chart.js 2.9.3"),
        ] {
            assert_eq!(of(path, text), [found], "{path} {text}");
        }
        for (path, text) in [
            ("/main.4f2a91.js", ""),
            ("/a.js", "/* Copyright 2019 by us, version 1.2.3 of nothing */ var v = '3.4.1'"),
            ("/v1.2.3/app.js", ""),
            ("/a.js", "/* a comment of 12.5 words */"),
        ] {
            assert_eq!(of(path, text), [""; 0], "{path} {text}");
        }
    }

    #[test]
    fn heads_name_products() {
        let of = |name: &str, value: &str| -> Vec<String> {
            let all = of_heads([(name, value)].into_iter(), "GET /").into_iter();
            all.map(|one| format!("{} {} {}", one.name, one.version, one.ecosystem.is_some())).collect()
        };
        assert_eq!(of("Server", "nginx/1.18.0 (Ubuntu)"), ["nginx 1.18.0 false"]);
        assert_eq!(
            of("Server", "Werkzeug/2.0.1 Python/3.9.2"),
            ["werkzeug 2.0.1 true", "python 3.9.2 false"]
        );
        assert_eq!(
            of("Server", "Jetty(9.4.31.v20200723)"),
            ["org.eclipse.jetty:jetty-server 9.4.31.v20200723 true"]
        );
        assert_eq!(of("Server", "cloudflare"), [""; 0]);
        assert_eq!(of("X-Other", "nginx/1.18.0"), [""; 0]);
    }

    proptest! {
        #[test]
        fn any_text_is_looked_at(path in "/[ -~]{0,40}", text in "(/\\*|\\*/|[ -~é]){0,60}") {
            let _ = of_script(&path, &text);
            let _ = of_heads([("server", text.as_str())].into_iter(), "GET /");
        }
    }
}
