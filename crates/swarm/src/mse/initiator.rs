//! The side that dials.

use core::fmt;
use evidence::InfoHashV1;

use super::cipher::{Secret, torrent_digest};
use super::exchange::KEY_LENGTH;
use super::random::Choices;
use super::session::{Agreed, Ciphers};
use super::turns::{Step, Turns};
use super::{Fault, INITIAL_PAYLOAD_MAX, Method, Offer, Output, PAD_MAX, Phase, Role, Session, VC};
use crate::chance::Seed;

/// The side that dials. Drain [`Self::poll_output`] at once, and again after each [`Self::handle_input`].
#[derive(Debug)]
pub struct Initiator {
    info_hash: InfoHashV1,
    offer: Offer,
    initial_payload: Vec<u8>,
    choices: Choices,
    turns: Turns<State>,
}

#[derive(Debug)]
enum State {
    /// Waits for Yb.
    Key,
    /// Waits for the end of PadB, which RC4(VC) marks.
    Sync { secret: Secret, ciphers: Ciphers, covered_vc: [u8; 8] },
    /// Waits for crypto_select and len(PadD).
    Choice { secret: Secret, ciphers: Ciphers, mark_at: usize },
    /// Waits for PadD.
    Pad { secret: Secret, ciphers: Ciphers, mark_at: usize, method: Method, length: usize },
}

/// The first payload is longer than [`INITIAL_PAYLOAD_MAX`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadTooLong;

impl fmt::Display for PayloadTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the first payload must not be longer than {INITIAL_PAYLOAD_MAX} bytes")
    }
}

impl core::error::Error for PayloadTooLong {}

impl Initiator {
    /// A handshake for a torrent. `initial_payload` goes out with it: the BitTorrent handshake. `seed` must serve this
    /// connection only, as the private exponent comes from it.
    pub fn new(info_hash: InfoHashV1, offer: Offer, initial_payload: &[u8], seed: Seed) -> Result<Self, PayloadTooLong> {
        Self::with(info_hash, offer, initial_payload, Choices::draw(seed))
    }

    pub(super) fn with(
        info_hash: InfoHashV1,
        offer: Offer,
        initial_payload: &[u8],
        choices: Choices,
    ) -> Result<Self, PayloadTooLong> {
        if initial_payload.len() > INITIAL_PAYLOAD_MAX {
            return Err(PayloadTooLong);
        }
        let opening = [&choices.private.public(), &choices.outer_pad[..]].concat();
        Ok(Self {
            info_hash,
            offer,
            initial_payload: initial_payload.to_vec(),
            choices,
            turns: Turns::new(State::Key, Some(opening)),
        })
    }

    /// Bytes arrived. Once the session was delivered they are the session's, and are ignored here.
    pub fn handle_input(&mut self, bytes: &[u8]) {
        self.turns.take_in(bytes);
        while let Some(state) = self.turns.begin() {
            let step = self.step(state);
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
            Some(State::Choice { .. } | State::Pad { .. }) => Phase::Rest,
            None => Phase::Over,
        }
    }

    fn step(&mut self, state: State) -> Result<Step<State>, Fault> {
        Ok(match state {
            State::Key => match self.turns.inbox.take::<KEY_LENGTH>() {
                Some(theirs) => Step::On(self.answer(self.choices.private.agree(&theirs)?)),
                None => Step::Wait(State::Key),
            },
            State::Sync { secret, ciphers, covered_vc } => {
                if self.turns.inbox.skip_past(&covered_vc, PAD_MAX).map_err(|_| Fault::NoSync)? {
                    let mark_at = self.turns.inbox.taken() - covered_vc.len();
                    Step::On(State::Choice { secret, ciphers, mark_at })
                } else {
                    Step::Wait(State::Sync { secret, ciphers, covered_vc })
                }
            }
            State::Choice { secret, mut ciphers, mark_at } => match self.turns.inbox.take::<6>() {
                Some(mut choice) => {
                    ciphers.receive.apply(&mut choice);
                    let [s0, s1, s2, s3, l0, l1] = choice;
                    let (method, length) = self.accept(u32::from_be_bytes([s0, s1, s2, s3]), u16::from_be_bytes([l0, l1]))?;
                    Step::On(State::Pad { secret, ciphers, mark_at, method, length })
                }
                None => Step::Wait(State::Choice { secret, ciphers, mark_at }),
            },
            State::Pad { secret, mut ciphers, mark_at, method, length } => match self.turns.inbox.take_vec(length) {
                Some(mut pad) => {
                    // Its content is nobody's business, but it moves the key stream on.
                    ciphers.receive.apply(&mut pad);
                    let agreed = Agreed { info_hash: self.info_hash, role: Role::Initiator, secret, method, mark_at };
                    let mut session = Session::new(agreed, ciphers, vec![]);
                    session.receive(&self.turns.inbox.take_all());
                    Step::Done(Box::new(session))
                }
                None => Step::Wait(State::Pad { secret, ciphers, mark_at, method, length }),
            },
        })
    }

    /// Sends the third message.
    fn answer(&mut self, secret: Secret) -> State {
        let mut ciphers = Ciphers::new(&secret, Role::Initiator, &self.info_hash);
        let pad_length = self.choices.inner_pad_length;
        let payload = core::mem::take(&mut self.initial_payload);
        // `with` refused longer payloads.
        let payload_length = payload.len() as u16;
        let mut covered = Vec::new();
        covered.extend(VC);
        covered.extend(self.offer.bits().to_be_bytes());
        covered.extend(pad_length.to_be_bytes());
        covered.resize(covered.len() + usize::from(pad_length), 0);
        covered.extend(payload_length.to_be_bytes());
        covered.extend(payload);
        ciphers.send.apply(&mut covered);
        let torrent = secret.cover(torrent_digest(self.info_hash.as_bytes()));
        self.turns.outbox.push_back([&secret.sync(), &torrent, &covered[..]].concat());

        let mut covered_vc = VC;
        ciphers.receive.apply(&mut covered_vc);
        State::Sync { secret, ciphers, covered_vc }
    }

    fn accept(&self, selected: u32, pad_length: u16) -> Result<(Method, usize), Fault> {
        let method = Method::from_bit(selected & self.offer.bits()).filter(|method| method.bit() == selected);
        let method = method.ok_or(Fault::BadSelection)?;
        let length = usize::from(pad_length);
        if length > PAD_MAX { Err(Fault::PadTooLong) } else { Ok((method, length)) }
    }
}
