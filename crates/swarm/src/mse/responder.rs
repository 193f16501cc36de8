//! The side that is dialled.

use evidence::InfoHashV1;

use super::cipher::Secret;
use super::exchange::KEY_LENGTH;
use super::random::Choices;
use super::session::{Agreed, Ciphers};
use super::turns::{Step, Turns};
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
    turns: Turns<State>,
}

#[derive(Debug)]
enum State {
    /// Waits for Ya.
    Key,
    /// Waits for the end of PadA, which HASH("req1", S) marks.
    Sync { secret: Secret, sync: [u8; 20] },
    /// Waits for the name of the torrent.
    Torrent { secret: Secret, mark_at: usize },
    /// Waits for VC, crypto_provide and len(PadC).
    Offer(Known),
    /// Waits for PadC and len(IA).
    Pad { known: Known, method: Method, length: usize },
    /// Waits for IA.
    Payload { known: Known, method: Method, length: usize },
}

/// A connection whose torrent is known.
#[derive(Debug)]
struct Known {
    info_hash: InfoHashV1,
    secret: Secret,
    ciphers: Ciphers,
    mark_at: usize,
}

impl Responder {
    /// A handshake with whoever dialled. `seed` must serve this connection only, as the private exponent comes from it.
    pub fn new(policy: Policy, seed: Seed) -> Self {
        Self::with(policy, Choices::draw(seed))
    }

    pub(super) fn with(policy: Policy, choices: Choices) -> Self {
        Self { policy, choices, turns: Turns::new(State::Key, None) }
    }

    /// Bytes arrived; `torrents` are those we answer for now. Once the session was delivered the bytes are the
    /// session's, and are ignored here.
    pub fn handle_input(&mut self, bytes: &[u8], torrents: &Torrents) {
        self.turns.take_in(bytes);
        while let Some(state) = self.turns.begin() {
            let step = self.step(state, torrents);
            self.turns.end(step);
        }
    }

    /// What to do next.
    pub fn poll_output(&mut self) -> Output {
        self.turns.poll_output()
    }

    /// How far it came.
    pub fn phase(&self) -> Phase {
        match self.turns.state() {
            Some(State::Key) => Phase::Key,
            Some(State::Sync { .. }) => Phase::Sync,
            Some(State::Torrent { .. } | State::Offer(_) | State::Pad { .. } | State::Payload { .. }) => Phase::Rest,
            None => Phase::Over,
        }
    }

    fn step(&mut self, state: State, torrents: &Torrents) -> Result<Step<State>, Fault> {
        Ok(match state {
            State::Key => match self.turns.inbox.take::<KEY_LENGTH>() {
                Some(theirs) => {
                    let secret = self.choices.private.agree(&theirs)?;
                    self.turns.outbox.push_back([&self.choices.private.public(), &self.choices.outer_pad[..]].concat());
                    Step::On(State::Sync { sync: secret.sync(), secret })
                }
                None => Step::Wait(State::Key),
            },
            State::Sync { secret, sync } => {
                if self.turns.inbox.skip_past(&sync, PAD_MAX).map_err(|_| Fault::NoSync)? {
                    let mark_at = self.turns.inbox.taken() - sync.len();
                    Step::On(State::Torrent { secret, mark_at })
                } else {
                    Step::Wait(State::Sync { secret, sync })
                }
            }
            State::Torrent { secret, mark_at } => match self.turns.inbox.take() {
                Some(covered) => {
                    let info_hash = torrents.find(&secret.cover(covered)).ok_or(Fault::UnknownTorrent)?;
                    let ciphers = Ciphers::new(&secret, Role::Responder, &info_hash);
                    Step::On(State::Offer(Known { info_hash, secret, ciphers, mark_at }))
                }
                None => Step::Wait(State::Torrent { secret, mark_at }),
            },
            State::Offer(mut known) => match self.turns.inbox.take::<14>() {
                Some(mut offer) => {
                    known.ciphers.receive.apply(&mut offer);
                    let (method, length) = self.weigh(&offer)?;
                    Step::On(State::Pad { known, method, length })
                }
                None => Step::Wait(State::Offer(known)),
            },
            State::Pad { mut known, method, length } => match self.turns.inbox.take_vec(length + 2) {
                Some(mut pad) => {
                    known.ciphers.receive.apply(&mut pad);
                    let length = usize::from(u16::from_be_bytes([pad[length], pad[length + 1]]));
                    Step::On(State::Payload { known, method, length })
                }
                None => Step::Wait(State::Pad { known, method, length }),
            },
            State::Payload { known, method, length } => match self.turns.inbox.take_vec(length) {
                Some(payload) => Step::Done(Box::new(self.finish(known, method, payload))),
                None => Step::Wait(State::Payload { known, method, length }),
            },
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
        let Known { info_hash, secret, mut ciphers, mark_at } = known;
        ciphers.receive.apply(&mut payload);
        let pad_length = self.choices.inner_pad_length;
        let mut covered = Vec::new();
        covered.extend(VC);
        covered.extend(method.bit().to_be_bytes());
        covered.extend(pad_length.to_be_bytes());
        covered.resize(covered.len() + usize::from(pad_length), 0);
        ciphers.send.apply(&mut covered);
        self.turns.outbox.push_back(covered);

        let mut session = Session::new(Agreed { info_hash, role: Role::Responder, secret, method, mark_at }, ciphers, payload);
        session.receive(&self.turns.inbox.take_all());
        session
    }
}
