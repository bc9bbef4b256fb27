//! The paths of the application as `examples/shop/gabion.toml` declares them to a gate.

use serde::Deserialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Access {
    Public,
    SignedIn,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Route {
    pub(crate) path: String,
    pub(crate) access: Access,
}

pub(crate) fn routes() -> Vec<Route> {
    #[derive(Deserialize)]
    struct Configuration {
        routes: Vec<Route>,
    }
    let text = include_str!("../../../../examples/shop/gabion.toml");
    toml::from_str::<Configuration>(text).unwrap().routes
}

/// The access of the declared route of a path.
pub(crate) fn access(path: &str) -> Option<Access> {
    let fits = |pattern: &str| {
        let (own, asked) = (pattern.split('/'), path.split('/'));
        own.clone().count() == asked.clone().count()
            && own.zip(asked).all(|(own, asked)| own.starts_with('{') || own == asked)
    };
    // No two of them fit one path, but those of one pattern with other methods.
    routes().into_iter().find(|route| fits(&route.path)).map(|route| route.access)
}
