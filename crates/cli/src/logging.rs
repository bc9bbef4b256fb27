//! The log: what the program says about itself, on standard error.

use tracing::level_filters::LevelFilter;

use crate::config::settings::{Log, LogFormat, LogLevel};

/// From now on, for the whole process. A second call changes nothing.
pub(crate) fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let colour = log.format == LogFormat::Text
        && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let builder =
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(level).with_ansi(colour);
    // Only fails when a log was started before, and then that one stays.
    let _ = match log.format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
    };
}
