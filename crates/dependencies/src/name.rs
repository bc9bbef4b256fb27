//! Names of packages, as each ecosystem takes two spellings for one.

use gabion_finding::Ecosystem;

/// The spelling that advisories use.
pub(crate) fn normal(ecosystem: Ecosystem, name: &str) -> String {
    let name = name.trim();
    let name: String = if name.len() > crate::bounds::NAME {
        name.chars().take(crate::bounds::NAME / 4).collect()
    } else {
        name.to_owned()
    };
    match ecosystem {
        // PEP 503: runs of `-`, `_` and `.` are one `-`.
        Ecosystem::PyPi => {
            let mut out = String::with_capacity(name.len());
            for letter in name.chars() {
                match letter {
                    '-' | '_' | '.' if out.ends_with('-') => {}
                    '-' | '_' | '.' => out.push('-'),
                    letter => out.extend(letter.to_lowercase()),
                }
            }
            out
        }
        Ecosystem::Composer | Ecosystem::NuGet => name.to_lowercase(),
        Ecosystem::Cargo | Ecosystem::Go | Ecosystem::Maven | Ecosystem::Npm | Ecosystem::RubyGems => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_package_are_one() {
        assert_eq!(normal(Ecosystem::PyPi, "Ruamel_.Yaml"), "ruamel-yaml");
        assert_eq!(normal(Ecosystem::NuGet, "Newtonsoft.Json"), "newtonsoft.json");
        assert_eq!(normal(Ecosystem::Npm, "JSONStream"), "JSONStream");
    }
}
