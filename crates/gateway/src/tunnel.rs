//! Both directions of an admitted WebSocket, as bytes, until either side ends it, the session or credential does, or
//! the gate drains.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncWrite;

use crate::proxy::Tunnel;
use crate::watch::Watched;
use crate::wire::{Reader, Stream, Writer, poll_fill};

/// Passes bytes until the tunnel ends. The 101 answer is in `writer` already. Whoever says something is
/// not idle: their session is told so.
pub(crate) async fn run(reader: &mut Reader, writer: &mut Writer, tunnel: Tunnel, watch: &Watched) {
    let Tunnel { mut wire, lease } = tunnel;
    let heard = || {
        if let Some(lease) = &lease {
            lease.touch();
        }
    };
    let mut ended = pin!(async {
        match &lease {
            Some(lease) => lease.over().await,
            None => std::future::pending().await,
        }
    });
    // What the upstream sent behind its 101.
    writer.out().extend_from_slice(&wire.buffer.split());
    let (mut up, mut down) = (Direction::Open, Direction::Open);
    poll_fn(|cx| {
        watch.register(cx);
        if watch.registry().is_draining() || ended.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let sent = up.poll(|| poll_up(reader, &mut wire.stream, heard, cx));
        let received = down.poll(|| poll_down(&mut wire.stream, &mut wire.buffer, writer, cx));
        match (sent, received) {
            (Err(_), _) | (_, Err(_)) => Poll::Ready(()),
            (Ok(()), Ok(())) if up == Direction::Ended && down == Direction::Ended => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    let _ = poll_fn(|cx| writer.poll_shutdown(cx)).await;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Open,
    Ended,
}

impl Direction {
    fn poll(&mut self, step: impl FnOnce() -> Poll<io::Result<()>>) -> io::Result<()> {
        if *self == Self::Open
            && let Poll::Ready(end) = step()
        {
            end?;
            *self = Self::Ended;
        }
        Ok(())
    }
}

/// Client to upstream. Ready when the client has said everything and the upstream knows.
fn poll_up(
    reader: &mut Reader,
    stream: &mut Stream,
    heard: impl Fn(),
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    loop {
        while !reader.buffer.is_empty() {
            match ready!(Pin::new(&mut *stream).poll_write(cx, &reader.buffer))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => reader.buffer.advance(written),
            }
        }
        ready!(Pin::new(&mut *stream).poll_flush(cx))?;
        if ready!(reader.poll_fill(cx))? == 0 {
            return Pin::new(stream).poll_shutdown(cx);
        }
        heard();
    }
}

/// Upstream to client.
fn poll_down(
    stream: &mut Stream,
    buffer: &mut BytesMut,
    writer: &mut Writer,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    loop {
        ready!(writer.poll_flush(cx, &mut false))?;
        if ready!(poll_fill(stream, buffer, cx))? == 0 {
            return writer.poll_shutdown(cx);
        }
        writer.out().extend_from_slice(&buffer.split());
    }
}
