//! Connections: counted, over TLS where asked for, and cut where a fault says so.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What went over all connections.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) connections: AtomicU64,
    pub(crate) received: AtomicU64,
    pub(crate) sent: AtomicU64,
}

/// One connection, as a handler sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peer {
    reset: Arc<AtomicBool>,
    verbatim: Arc<Mutex<Option<Bytes>>>,
}

impl Peer {
    /// Cuts the connection instead of answering.
    pub(crate) fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
    }

    /// Writes these bytes instead of the answer, then closes.
    pub(crate) fn say(&self, bytes: Bytes) {
        *self.verbatim.lock().unwrap() = Some(bytes);
    }
}

impl Connected<IncomingStream<'_, Incoming>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Incoming>) -> Self {
        stream.remote_addr().clone()
    }
}

/// Connections whose handshakes are done.
pub(crate) struct Incoming(mpsc::Receiver<(Stream, Peer)>);

impl Incoming {
    pub(crate) fn new(listener: TcpListener, wire: Arc<Wire>, tls: Option<TlsAcceptor>) -> Self {
        let (sender, receiver) = mpsc::channel(64);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                wire.connections.fetch_add(1, Ordering::SeqCst);
                let _ = stream.set_nodelay(true);
                let peer = Peer::default();
                let stream = Counted {
                    stream,
                    wire: Arc::clone(&wire),
                    reset: Arc::clone(&peer.reset),
                };
                let (sender, tls) = (sender.clone(), tls.clone());
                // A handshake that hangs must not hold up other connections.
                tokio::spawn(async move {
                    let io = match tls {
                        None => Io::Plain(stream),
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => Io::Tls(Box::new(stream)),
                            Err(_) => return,
                        },
                    };
                    let stream = Stream {
                        io,
                        peer: peer.clone(),
                    };
                    let _ = sender.send((stream, peer)).await;
                });
            }
        });
        Self(receiver)
    }
}

impl Listener for Incoming {
    type Io = Stream;
    type Addr = Peer;

    async fn accept(&mut self) -> (Stream, Peer) {
        match self.0.recv().await {
            Some(accepted) => accepted,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        Ok(Peer::default())
    }
}

enum Io {
    Plain(Counted),
    Tls(Box<TlsStream<Counted>>),
}

/// A connection that a fault can take over.
pub(crate) struct Stream {
    io: Io,
    peer: Peer,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.io.poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.peer.reset.load(Ordering::SeqCst) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        let verbatim = self.peer.verbatim.lock().unwrap().clone();
        if let Some(mut rest) = verbatim {
            while !rest.is_empty() {
                let n = ready!(self.io.poll_write(cx, &rest))?;
                rest.advance(n);
                *self.peer.verbatim.lock().unwrap() = Some(rest.clone());
            }
            ready!(self.io.poll_flush(cx))?;
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        self.io.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(cx),
            Io::Tls(io) => Pin::new(io).poll_shutdown(cx),
        }
    }
}

impl Io {
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(io) => Pin::new(io).poll_read(cx, buffer),
            Self::Tls(io) => Pin::new(io).poll_read(cx, buffer),
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(io) => Pin::new(io).poll_write(cx, bytes),
            Self::Tls(io) => Pin::new(io).poll_write(cx, bytes),
        }
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(io) => Pin::new(io).poll_flush(cx),
            Self::Tls(io) => Pin::new(io).poll_flush(cx),
        }
    }
}

/// A TCP connection whose bytes are counted.
struct Counted {
    stream: TcpStream,
    wire: Arc<Wire>,
    reset: Arc<AtomicBool>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        if self.reset.load(Ordering::SeqCst) {
            // Closing with a linger of nothing sends RST in place of FIN.
            let _ = self.stream.set_zero_linger();
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let n = buffer.filled().len().saturating_sub(before);
        add(&self.wire.received, n);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        add(&self.wire.sent, n);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
}
