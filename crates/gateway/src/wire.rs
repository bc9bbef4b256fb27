//! The two directions of a connection, plain or TLS, and the buffers they borrow while they are busy.
//!
//! An idle connection owns no buffer: reads land in one scratch space per thread and are copied out in
//! the size they have; writes borrow a buffer from a per-thread stash and return it when it is empty.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// A TLS stream of either role.
pub(crate) type Tls = tokio_rustls::TlsStream<TcpStream>;

/// A connection before it is split.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<Tls>),
}

/// What comes in.
#[derive(Debug)]
pub(crate) struct Reader {
    half: ReadHalf,
    pub(crate) buffer: BytesMut,
}

/// What goes out.
#[derive(Debug)]
pub(crate) struct Writer {
    half: WriteHalf,
    out: Outbox,
}

/// Bytes on their way out, in a buffer of the thread's stash.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    sent: usize,
}

#[derive(Debug)]
enum ReadHalf {
    Plain(OwnedReadHalf),
    Tls(tokio::io::ReadHalf<Tls>),
}

#[derive(Debug)]
enum WriteHalf {
    Plain(OwnedWriteHalf),
    Tls(tokio::io::WriteHalf<Tls>),
}

impl Stream {
    pub(crate) fn split(self) -> (Reader, Writer) {
        let (read, write) = match self {
            Self::Plain(stream) => {
                let (read, write) = stream.into_split();
                (ReadHalf::Plain(read), WriteHalf::Plain(write))
            }
            Self::Tls(stream) => {
                let (read, write) = tokio::io::split(*stream);
                (ReadHalf::Tls(read), WriteHalf::Tls(write))
            }
        };
        (Reader { half: read, buffer: BytesMut::new() }, Writer { half: write, out: Outbox::default() })
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl Reader {
    /// Appends what has arrived to the buffer; 0 is the end of the stream.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Self { half, buffer } = self;
        match half {
            ReadHalf::Plain(half) => poll_fill(half, buffer, cx),
            ReadHalf::Tls(half) => poll_fill(half, buffer, cx),
        }
    }
}

impl Writer {
    /// Where answers are written to before [`poll_flush`](Self::poll_flush).
    pub(crate) fn out(&mut self) -> &mut Vec<u8> {
        self.out.bytes()
    }

    pub(crate) fn pending(&self) -> usize {
        self.out.pending()
    }

    /// Sends everything in `out`. Sets `moved` when at least one byte went out in this call.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>, moved: &mut bool) -> Poll<io::Result<()>> {
        match &mut self.half {
            WriteHalf::Plain(half) => self.out.poll_send(half, cx, moved),
            WriteHalf::Tls(half) => self.out.poll_send(half, cx, moved),
        }
    }

    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.half {
            WriteHalf::Plain(half) => Pin::new(half).poll_shutdown(cx),
            WriteHalf::Tls(half) => Pin::new(half).poll_shutdown(cx),
        }
    }
}

impl Outbox {
    pub(crate) fn bytes(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = STASH.with_borrow_mut(Vec::pop).unwrap_or_else(|| Vec::with_capacity(OUTBOX));
        }
        &mut self.bytes
    }

    pub(crate) fn pending(&self) -> usize {
        self.bytes.len().saturating_sub(self.sent)
    }

    /// Writes until nothing is left, flushes, then gives the buffer back.
    pub(crate) fn poll_send(
        &mut self,
        io: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
        moved: &mut bool,
    ) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.bytes.get(self.sent..) {
            match ready!(Pin::new(&mut *io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => {
                    *moved = true;
                    self.sent = self.sent.saturating_add(written);
                }
            }
        }
        if self.bytes.is_empty() {
            return Poll::Ready(Ok(()));
        }
        ready!(Pin::new(io).poll_flush(cx))?;
        self.sent = 0;
        let mut bytes = std::mem::take(&mut self.bytes);
        if (1..=4 * OUTBOX).contains(&bytes.capacity()) {
            bytes.clear();
            STASH.with_borrow_mut(|stash| {
                if stash.len() < STASHED {
                    stash.push(bytes);
                }
            });
        }
        Poll::Ready(Ok(()))
    }
}

/// Reads once, by way of the thread's scratch space.
pub(crate) fn poll_fill(
    io: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    SCRATCH.with_borrow_mut(|scratch| {
        let mut space = ReadBuf::new(scratch);
        ready!(Pin::new(io).poll_read(cx, &mut space))?;
        buffer.extend_from_slice(space.filled());
        Poll::Ready(Ok(space.filled().len()))
    })
}

/// Bytes read at once.
const SCRATCH_SIZE: usize = 32 * 1024;
/// First size of an outgoing buffer.
const OUTBOX: usize = 4 * 1024;
/// Outgoing buffers a thread keeps for the next answer.
const STASHED: usize = 64;

thread_local! {
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; SCRATCH_SIZE].into_boxed_slice());
    static STASH: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}
