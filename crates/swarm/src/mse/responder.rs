//! The side that is dialled.

use std::collections::VecDeque;

use evidence::InfoHashV1;

use super::cipher::Secret;
use super::exchange::KEY_LENGTH;
use super::inbox::Inbox;
use super::random::Choices;
use super::session::Ciphers;
use super::{Fault, Method, Output, PAD_MAX, Phase, Role, Session, Torrents, VC};
use crate::chance::Seed;

/// Which methods a responder accepts, and which it selects of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Plain text only.
    PlainOnly,
    /// RC4 only.
    Rc4Only,
    /// Plain text if it is offered, RC4 otherwise.
    PlainFirst,
    /// RC4 if it is offered, plain text otherwise.
    Rc4First,
}

impl Policy {
    /// The method for an offer. Bits without a meaning are passed over: webtorrent sets one.
    fn select(self, offered: u32) -> Option<Method> {
        let order: &[Method] = match self {
            Self::PlainOnly => &[Method::Plain],
            Self::Rc4Only => &[Method::Rc4],
            Self::PlainFirst => &[Method::Plain, Method::Rc4],
            Self::Rc4First => &[Method::Rc4, Method::Plain],
        };
        order.iter().copied().find(|method| offered & method.bit() != 0)
    }
}

/// The side that is dialled. Feed it with [`Self::handle_input`], then drain [`Self::poll_output`].
///
/// It does no arithmetic before it holds a whole public key, and two exponentiations then.
#[derive(Debug)]
pub struct Responder {
    policy: Policy,
    choices: Choices,
    inbox: Inbox,
    outbox: VecDeque<Vec<u8>>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Waits for Ya.
    Key,
    /// Waits for the end of PadA, which HASH("req1", S) marks.
    Sync {
        secret: Secret,
        sync: [u8; 20],
    },
    /// Waits for the name of the torrent.
    Torrent {
        secret: Secret,
    },
    /// Waits for VC, crypto_provide and len(PadC).
    Offer(Known),
    /// Waits for PadC and len(IA).
    Pad {
        known: Known,
        method: Method,
        length: usize,
    },
    /// Waits for IA.
    Payload {
        known: Known,
        method: Method,
        length: usize,
    },
    /// Waits for somebody to ask for the session.
    Done(Box<Session>),
    Delivered,
    Failed(Fault),
}

/// A connection whose torrent is known.
#[derive(Debug)]
struct Known {
    info_hash: InfoHashV1,
    secret: Secret,
    ciphers: Ciphers,
}

impl Responder {
    /// A handshake with whoever dialled. `seed` must serve this connection only, as the private exponent comes from it.
    pub fn new(policy: Policy, seed: Seed) -> Self {
        Self::with(policy, Choices::draw(seed))
    }

    pub(super) fn with(policy: Policy, choices: Choices) -> Self {
        Self { policy, choices, inbox: Inbox::default(), outbox: VecDeque::new(), state: State::Key }
    }

    /// Bytes arrived; `torrents` are those we answer for now. Once the session was delivered the bytes are the
    /// session's, and are ignored here.
    pub fn handle_input(&mut self, bytes: &[u8], torrents: &Torrents) {
        match &mut self.state {
            State::Done(session) => session.receive(bytes),
            State::Delivered | State::Failed(_) => {}
            _ => {
                self.inbox.push(bytes);
                self.advance(torrents);
            }
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Output {
        if let Some(bytes) = self.outbox.pop_front() {
            return Output::Send(bytes);
        }
        match core::mem::replace(&mut self.state, State::Delivered) {
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

    /// How far it came.
    pub fn phase(&self) -> Phase {
        match self.state {
            State::Key => Phase::Key,
            State::Sync { .. } => Phase::Sync,
            State::Torrent { .. } | State::Offer(_) | State::Pad { .. } | State::Payload { .. } => Phase::Rest,
            State::Done(_) | State::Delivered | State::Failed(_) => Phase::Over,
        }
    }

    fn advance(&mut self, torrents: &Torrents) {
        loop {
            let state = core::mem::replace(&mut self.state, State::Delivered);
            match self.step(state, torrents) {
                Ok(Step::On(state)) => self.state = state,
                Ok(Step::Wait(state)) => {
                    self.state = state;
                    return;
                }
                Err(fault) => {
                    self.outbox.clear();
                    self.state = State::Failed(fault);
                    return;
                }
            }
        }
    }

    fn step(&mut self, state: State, torrents: &Torrents) -> Result<Step, Fault> {
        Ok(match state {
            State::Key => match self.inbox.take::<KEY_LENGTH>() {
                Some(theirs) => {
                    let secret = self.choices.private.agree(&theirs)?;
                    self.outbox.push_back([&self.choices.private.public(), &self.choices.outer_pad[..]].concat());
                    Step::On(State::Sync { sync: secret.sync(), secret })
                }
                None => Step::Wait(State::Key),
            },
            State::Sync { secret, sync } => {
                if self.inbox.skip_past(&sync, PAD_MAX).map_err(|_| Fault::NoSync)? {
                    Step::On(State::Torrent { secret })
                } else {
                    Step::Wait(State::Sync { secret, sync })
                }
            }
            State::Torrent { secret } => match self.inbox.take() {
                Some(covered) => {
                    let info_hash = torrents.find(&secret.cover(covered)).ok_or(Fault::UnknownTorrent)?;
                    let ciphers = Ciphers::new(&secret, Role::Responder, &info_hash);
                    Step::On(State::Offer(Known { info_hash, secret, ciphers }))
                }
                None => Step::Wait(State::Torrent { secret }),
            },
            State::Offer(mut known) => match self.inbox.take::<14>() {
                Some(mut offer) => {
                    known.ciphers.receive.apply(&mut offer);
                    let (method, length) = self.weigh(&offer)?;
                    Step::On(State::Pad { known, method, length })
                }
                None => Step::Wait(State::Offer(known)),
            },
            State::Pad { mut known, method, length } => match self.inbox.take_vec(length + 2) {
                Some(mut pad) => {
                    known.ciphers.receive.apply(&mut pad);
                    let length = usize::from(u16::from_be_bytes([pad[length], pad[length + 1]]));
                    Step::On(State::Payload { known, method, length })
                }
                None => Step::Wait(State::Pad { known, method, length }),
            },
            State::Payload { known, method, length } => match self.inbox.take_vec(length) {
                Some(payload) => Step::Wait(State::Done(Box::new(self.finish(known, method, payload)))),
                None => Step::Wait(State::Payload { known, method, length }),
            },
            over @ (State::Done(_) | State::Delivered | State::Failed(_)) => Step::Wait(over),
        })
    }

    fn weigh(&self, offer: &[u8; 14]) -> Result<(Method, usize), Fault> {
        let [vc @ .., p0, p1, p2, p3, l0, l1] = offer;
        if vc != &VC {
            return Err(Fault::Verification);
        }
        let method = self.policy.select(u32::from_be_bytes([*p0, *p1, *p2, *p3])).ok_or(Fault::NoCommonMethod)?;
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        if length > PAD_MAX { Err(Fault::PadTooLong) } else { Ok((method, length)) }
    }

    /// Sends the fourth message. `payload` is IA, still covered.
    fn finish(&mut self, known: Known, method: Method, mut payload: Vec<u8>) -> Session {
        let Known { info_hash, secret, mut ciphers } = known;
        ciphers.receive.apply(&mut payload);
        let pad_length = self.choices.inner_pad_length;
        let mut covered = Vec::new();
        covered.extend(VC);
        covered.extend(method.bit().to_be_bytes());
        covered.extend(pad_length.to_be_bytes());
        covered.resize(covered.len() + usize::from(pad_length), 0);
        ciphers.send.apply(&mut covered);
        self.outbox.push_back(covered);

        let mut session = Session::new(info_hash, Role::Responder, secret, method, ciphers, payload);
        session.receive(&self.inbox.take_all());
        session
    }
}

enum Step {
    On(State),
    Wait(State),
}
