//! What both sides of a handshake share: bytes in, steps as far as these go, bytes out, and the one end.

use std::collections::VecDeque;

use super::inbox::Inbox;
use super::{Fault, Output, Session};

/// A handshake that is led by states of the kind `S`.
#[derive(Debug)]
pub(super) struct Turns<S> {
    pub(super) inbox: Inbox,
    pub(super) outbox: VecDeque<Vec<u8>>,
    state: State<S>,
}

#[derive(Debug)]
enum State<S> {
    /// A step may go on with what is in the inbox.
    Ready(S),
    /// More bytes are needed first.
    Waiting(S),
    /// Waits for somebody to ask for the session.
    Done(Box<Session>),
    Over,
    Failed(Fault),
}

/// Where a step led.
pub(super) enum Step<S> {
    /// To the next state.
    On(S),
    /// Nowhere: more bytes are needed.
    Wait(S),
    /// To the end.
    Done(Box<Session>),
}

impl<S> Turns<S> {
    pub(super) fn new(first: S, opening: Option<Vec<u8>>) -> Self {
        Self { inbox: Inbox::default(), outbox: opening.into_iter().collect(), state: State::Waiting(first) }
    }

    /// Bytes arrived. Once the session was delivered they are the session's, and are ignored here.
    pub(super) fn take_in(&mut self, bytes: &[u8]) {
        self.state = match core::mem::replace(&mut self.state, State::Over) {
            State::Done(mut session) => {
                session.receive(bytes);
                State::Done(session)
            }
            State::Ready(state) | State::Waiting(state) => {
                self.inbox.push(bytes);
                State::Ready(state)
            }
            over => over,
        };
    }

    /// The state to be led on, if it can be. [`Self::end`] must follow.
    pub(super) fn begin(&mut self) -> Option<S> {
        match core::mem::replace(&mut self.state, State::Over) {
            State::Ready(state) => Some(state),
            other => {
                self.state = other;
                None
            }
        }
    }

    pub(super) fn end(&mut self, step: Result<Step<S>, Fault>) {
        self.state = match step {
            Ok(Step::On(state)) => State::Ready(state),
            Ok(Step::Wait(state)) => State::Waiting(state),
            Ok(Step::Done(session)) => State::Done(session),
            Err(fault) => {
                self.outbox.clear();
                State::Failed(fault)
            }
        };
    }

    pub(super) fn poll_output(&mut self) -> Output {
        if let Some(bytes) = self.outbox.pop_front() {
            return Output::Send(bytes);
        }
        match core::mem::replace(&mut self.state, State::Over) {
            State::Done(session) => Output::Done(session),
            State::Failed(fault) => {
                self.state = State::Failed(fault);
                Output::Failed(fault)
            }
            state => {
                self.state = state;
                Output::Wait
            }
        }
    }

    /// The state, unless the handshake is over.
    pub(super) fn state(&self) -> Option<&S> {
        match &self.state {
            State::Ready(state) | State::Waiting(state) => Some(state),
            State::Done(_) | State::Over | State::Failed(_) => None,
        }
    }
}
