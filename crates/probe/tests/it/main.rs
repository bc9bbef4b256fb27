//! The probe against applications that run.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, and prints what it saw"
)]

mod access;
mod access_apps;
mod accounts;
mod addresses;
mod again;
mod archives;
mod bank;
mod beside;
mod browser;
mod club;
mod crawl_cases;
mod datagrams;
mod deserialisation;
mod dotnet;
mod draft;
mod flows;
mod grants;
mod graph;
mod graphql;
mod ground;
mod hostile;
mod idle;
mod input;
mod kitchen;
mod lab;
mod limits;
mod lookalikes;
mod names;
mod outgoing;
mod outgoing_alike;
mod output;
mod own;
mod pictures;
mod proxy;
mod readers;
mod required;
mod restored;
mod second;
mod second_order;
mod sessions;
mod shared_logins;
mod shop_of_scripts;
mod signed;
mod strawman;
mod surface;
mod templates;
mod tls;
mod upload_limits;
mod uploaded;
mod vault;
mod verdicts;
mod watch;
