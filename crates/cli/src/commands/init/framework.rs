//! Which framework a folder's application is written with, by the files frameworks leave there.

use std::fs;
use std::path::Path;

/// A framework and what a first configuration should know about it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Framework {
    pub(super) name: &'static str,
    /// Where it listens in development.
    pub(super) port: u16,
    /// What it serves to everybody: scripts and styles without which a public page looks broken.
    pub(super) public: &'static [&'static str],
    /// The file that names it.
    file: &'static str,
    /// A word in that file, as a dependency is written.
    word: &'static str,
}

const fn framework(
    file: &'static str,
    word: &'static str,
    name: &'static str,
    port: u16,
    public: &'static [&'static str],
) -> Framework {
    Framework { name, port, public, file, word }
}

/// The more telling first: a Next.js application may also depend on Express.
const FRAMEWORKS: &[Framework] = &[
    framework("package.json", "\"next\"", "Next.js", 3000, &["/_next/static/*", "/favicon.ico"]),
    framework("package.json", "\"nuxt\"", "Nuxt", 3000, &["/_nuxt/*", "/favicon.ico"]),
    framework("package.json", "\"@remix-run/", "Remix", 3000, &["/assets/*", "/favicon.ico"]),
    framework("package.json", "\"@sveltejs/kit\"", "SvelteKit", 5173, &["/_app/*", "/favicon.png"]),
    framework("package.json", "\"@nestjs/core\"", "NestJS", 3000, &[]),
    framework("package.json", "\"fastify\"", "Fastify", 3000, &[]),
    framework("package.json", "\"express\"", "Express", 3000, &["/public/*"]),
    framework("package.json", "\"vite\"", "Vite", 5173, &["/assets/*"]),
    framework("manage.py", "django", "Django", 8000, &["/static/*"]),
    framework("requirements.txt", "django", "Django", 8000, &["/static/*"]),
    framework("pyproject.toml", "django", "Django", 8000, &["/static/*"]),
    framework("requirements.txt", "fastapi", "FastAPI", 8000, &["/static/*"]),
    framework("pyproject.toml", "fastapi", "FastAPI", 8000, &["/static/*"]),
    framework("requirements.txt", "flask", "Flask", 5000, &["/static/*"]),
    framework("pyproject.toml", "flask", "Flask", 5000, &["/static/*"]),
    framework("Gemfile", "rails", "Ruby on Rails", 3000, &["/assets/*", "/favicon.ico"]),
    framework("Gemfile", "sinatra", "Sinatra", 4567, &[]),
    framework("Cargo.toml", "axum", "axum", 3000, &[]),
    framework("Cargo.toml", "actix-web", "Actix Web", 8080, &[]),
    framework("Cargo.toml", "rocket", "Rocket", 8000, &[]),
    framework("go.mod", "gin-gonic/gin", "Gin", 8080, &[]),
    framework("go.mod", "labstack/echo", "Echo", 8080, &[]),
    framework("go.mod", "gofiber/fiber", "Fiber", 3000, &[]),
    framework("go.mod", "module", "Go", 8080, &[]),
    framework("composer.json", "laravel/framework", "Laravel", 8000, &["/build/*", "/favicon.ico"]),
    framework("composer.json", "symfony/", "Symfony", 8000, &["/build/*"]),
    framework("pom.xml", "spring-boot", "Spring Boot", 8080, &[]),
    framework("build.gradle", "springframework.boot", "Spring Boot", 8080, &[]),
    framework("build.gradle.kts", "springframework.boot", "Spring Boot", 8080, &[]),
    framework("mix.exs", ":phoenix", "Phoenix", 4000, &["/assets/*"]),
];

/// A file that names dependencies is small; more than this is something else.
const LONGEST: u64 = 1 << 20;

impl Framework {
    pub(super) fn detect(directory: &Path) -> Option<&'static Self> {
        FRAMEWORKS.iter().find(|framework| {
            small_text(&directory.join(framework.file))
                .is_some_and(|text| text.to_lowercase().contains(&framework.word.to_lowercase()))
        })
    }
}

/// A file's text, when it is as small as such files are.
pub(super) fn small_text(path: &Path) -> Option<String> {
    let small = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= LONGEST);
    if small { fs::read_to_string(path).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detected(file: &str, text: &str) -> Option<&'static str> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        Framework::detect(folder.path()).map(|framework| framework.name)
    }

    #[test]
    fn knows_what_frameworks_leave_behind() {
        let next = r#"{ "dependencies": { "express": "5", "next": "16" } }"#;
        assert_eq!(detected("package.json", next), Some("Next.js"));
        assert_eq!(detected("package.json", r#"{ "dependencies": { "express": "5" } }"#), Some("Express"));
        assert_eq!(detected("requirements.txt", "Django==6.0\n"), Some("Django"));
        assert_eq!(detected("pyproject.toml", "dependencies = [\"fastapi\"]"), Some("FastAPI"));
        assert_eq!(detected("requirements.txt", "flask\n"), Some("Flask"));
        assert_eq!(detected("Gemfile", "gem \"rails\", \"~> 8.1\"\n"), Some("Ruby on Rails"));
        assert_eq!(detected("Cargo.toml", "[dependencies]\naxum = \"0.8\"\n"), Some("axum"));
        assert_eq!(detected("go.mod", "module example.org/shop\n"), Some("Go"));
        assert_eq!(
            detected("composer.json", r#"{ "require": { "laravel/framework": "^12" } }"#),
            Some("Laravel")
        );
    }

    #[test]
    fn says_nothing_about_what_it_does_not_know() {
        assert_eq!(detected("package.json", "{}"), None);
        assert_eq!(detected("README.md", "django"), None);
    }
}
