//! The files that come with the program, as JSON that the build made of them.

macro_rules! files {
    ($folder:literal: $($name:literal),* $(,)?) => {
        &[$((concat!($folder, "/", $name), include_str!(concat!(env!("OUT_DIR"), "/", $folder, "/", $name, ".json")))),*]
    };
}

/// What routes lack.
pub(crate) const RULES: &[(&str, &str)] = files![
    "rules/code":
    "routes.toml",
    "routes-accounts.toml",
    "routes-client.toml",
    "routes-applications.toml",
    "routes-bodies.toml",
    "routes-next.toml",
    "routes-objects.toml",
    "routes-requests.toml",
];

/// What calls of frameworks say of routes, and what code shows by which it asks who is there.
pub(crate) const TABLES: &[(&str, &str)] = files![
    "rules/code/routes":
    "actix.toml",
    "axum.toml",
    "chi.toml",
    "django.toml",
    "echo.toml",
    "express.toml",
    "facts-accounts.toml",
    "facts-compiled.toml",
    "facts-typed.toml",
    "facts-answers.toml",
    "facts.toml",
    "fastapi.toml",
    "fastify.toml",
    "fiber.toml",
    "flask.toml",
    "gin.toml",
    "gorilla.toml",
    "hapi.toml",
    "hono.toml",
    "next.toml",
    "java.toml",
    "koa.toml",
    "nest.toml",
    "net-http.toml",
    "rocket.toml",
    "trpc.toml",
];
