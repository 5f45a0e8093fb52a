//! Bodies as they pass through, piece by piece, in both directions: nothing is collected, and a cut ends them.

use super::member::Ticket;
use super::pool::Connection;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio_util::sync::WaitForCancellationFutureOwned;

/// Why a body ended too early.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    #[error("the other side broke off: {0}")]
    Off(#[from] hyper::Error),
    #[error("an operator cut what was in flight")]
    Cut,
}

/// A request's body on its way to the member. It keeps the request counted as in flight.
#[derive(Debug)]
pub struct Upload {
    body: Option<Incoming>,
    ticket: Option<Arc<Ticket>>,
}

impl Upload {
    /// The client's body, not yet on its way.
    #[must_use]
    pub fn new(body: Incoming) -> Upload {
        Upload { body: Some(body), ticket: None }
    }

    /// No body.
    #[must_use]
    pub fn empty() -> Upload {
        Upload { body: None, ticket: None }
    }

    /// From here on it is on its way.
    pub fn carry(&mut self, ticket: Option<Arc<Ticket>>) {
        self.ticket = ticket;
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        if let (Poll::Ready(_), Some(ticket)) = (&frame, &self.ticket) {
            ticket.moved();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or(SizeHint::with_exact(0), Incoming::size_hint)
    }
}

/// An answer's body on its way to the client. When it is done the connection goes back, and the request is over.
#[derive(Debug)]
pub struct Download {
    body: Incoming,
    ticket: Arc<Ticket>,
    connection: Option<Connection>,
    cut: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl Download {
    /// The member's answer, over that connection.
    #[must_use]
    pub fn new(body: Incoming, ticket: Arc<Ticket>, connection: Connection) -> Download {
        Download { body, ticket, connection: Some(connection), cut: None }
    }
}

impl Body for Download {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let this = self.get_mut();
        if this.ticket.cut.is_cancelled() {
            return Poll::Ready(Some(Err(Broken::Cut)));
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Err(error))) => {
                this.ticket.failed();
                Poll::Ready(Some(Err(error.into())))
            }
            Poll::Ready(frame) => Poll::Ready(frame.map(|frame| frame.map_err(Broken::from))),
            Poll::Pending => {
                let cut = this.cut.get_or_insert_with(|| Box::pin(this.ticket.cut.clone().cancelled_owned()));
                match cut.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err(Broken::Cut))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        // Left half read, it is closed by then or soon: the pool throws closed ones away.
        if let Some(connection) = self.connection.take() {
            self.ticket.member.pool.put(connection);
        }
    }
}
