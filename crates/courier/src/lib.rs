//! What leaves: e-mail for people, queued, retried and bounded; the ledger's records for log servers and other programs
//! ([`Sinks`]); its checkpoints for witnesses ([`Witnesses`]); its finished segments for an archive ([`Archive`]).
//!
//! [`Courier`] takes letters and never waits: whoever writes one goes on at once. Letters are delivered
//! beside the requests, a few at a time, tried again with growing pauses, and given up with a line in the
//! log that names no person and no content. When the gate stops, what waits gets one more try within a
//! deadline.
//!
//! SMTP is spoken by lettre over the same TLS stack as everything else; passwords and letters go over TLS
//! or not at all, loopback excepted. It is the one way out that is not [`egress`]'s: the operator names
//! the server, nobody else does.
//!
//! [`egress`]: ../gabion_egress/index.html

mod archive;
mod channels;
mod courier;
mod message;
mod settings;
mod sinks;
mod traces;
mod transport;
mod webhook;
mod witnesses;

pub use archive::{
    Archive, ArchiveBoard, ArchiveError, ArchiveProgress, ArchiveReader, ArchiveSetupError, ArchiveStanding,
    ArchiveVerified, Archived, Fetched, Range, archive_problems,
};
pub use channels::{ChannelError, ChannelSetupError, Channels, channel_problems};
pub use courier::{Counts, Courier};
pub use settings::{MailSecurity, MailSettings, MailTransport};
pub use sinks::{
    Cursors, Pace, Prepared, SinkAuth, SinkEncoding, SinkError, SinkFormat, SinkKind, SinkSettings,
    SinkSetupError, SinkSeverity, SinkStanding, Sinks, sink_problems,
};
pub use traces::{Spans, TraceCounts, TraceExporter, TraceSettings};
pub use transport::{DeliveryError, SetupError};
pub use webhook::webhook;
pub use witnesses::{WitnessSetupError, WitnessStanding, Witnessed, Witnesses, witness_problems};
