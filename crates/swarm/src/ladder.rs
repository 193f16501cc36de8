//! By which means a peer is contacted: two transports, each plain and under Message Stream Encryption.
//!
//! A contact that ends before the peer's handshake may have failed for its means alone: many peers take no plain
//! streams, and more than half cannot be reached by TCP. So the others are tried in their turn, each as a contact of its
//! own. What worked is remembered for the peer, and counted for the client it says it is.

use std::collections::BTreeMap;

use evidence::{Outcome, Phase, Transport};
use wire::peer_id::Family;

#[cfg(test)]
mod tests;

/// One way to contact a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Means {
    /// What carries the stream.
    pub transport: Transport,
    /// Whether it begins with an MSE handshake.
    pub is_covered: bool,
}

impl Means {
    /// TCP, plain.
    pub const TCP: Self = Self { transport: Transport::Tcp, is_covered: false };
    /// TCP under MSE.
    pub const TCP_MSE: Self = Self { transport: Transport::Tcp, is_covered: true };
    /// µTP, plain.
    pub const UTP: Self = Self { transport: Transport::Utp, is_covered: false };
    /// µTP under MSE.
    pub const UTP_MSE: Self = Self { transport: Transport::Utp, is_covered: true };

    /// All of them, in the order in which they are tried where nothing is known.
    pub const ALL: [Self; 4] = [Self::TCP, Self::TCP_MSE, Self::UTP, Self::UTP_MSE];

    const fn number(self) -> usize {
        (self.transport as usize) << 1 | self.is_covered as usize
    }
}

/// Which means may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed([bool; 4]);

impl Allowed {
    /// All means.
    pub const ALL: Self = Self([true; 4]);
    /// Plain TCP alone.
    pub const PLAIN_TCP: Self = Self::only(&[Means::TCP]);

    /// These, of which there must be one.
    pub const fn only(means: &[Means]) -> Self {
        assert!(!means.is_empty(), "a peer is contacted by some means");
        let mut allowed = [false; 4];
        let mut index = 0;
        while index < means.len() {
            allowed[means[index].number()] = true;
            index += 1;
        }
        Self(allowed)
    }

    /// Whether this one is among them.
    pub const fn allows(self, means: Means) -> bool {
        self.0[means.number()]
    }

    /// The one to begin with where nothing is known.
    fn first(self) -> Means {
        Means::ALL.into_iter().find(|means| self.allows(*means)).unwrap_or(Means::TCP)
    }
}

/// By which means clients of each family have answered. Families are what peers say of themselves, so this may only
/// change an order.
#[derive(Clone, Debug, Default)]
pub struct Experience(BTreeMap<Family, [u32; 4]>);

impl Experience {
    fn note(&mut self, family: Family, means: Means) {
        let count = &mut self.0.entry(family).or_default()[means.number()];
        *count = count.saturating_add(1);
    }

    fn count(&self, family: Option<Family>, means: Means) -> u32 {
        family.and_then(|family| self.0.get(&family)).map_or(0, |counts| counts[means.number()])
    }
}

/// Where one peer's ladder stands.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Climb {
    /// By which the current contact is made.
    now: Option<Means>,
    /// Those that need no further contact in this round.
    passed: [bool; 4],
    /// By which the peer last answered.
    worked: Option<Means>,
    /// Which client it then said it was.
    family: Option<Family>,
}

impl Climb {
    /// Whether the peer is being tried by other means than the first.
    pub(crate) fn is_under_way(&self) -> bool {
        self.now.is_some()
    }

    /// By which means to make the next contact.
    pub(crate) fn means(&self, allowed: Allowed) -> Means {
        self.now.or(self.worked).unwrap_or(allowed.first())
    }

    /// By which means of µTP to make the next contact, if any is allowed.
    pub(crate) fn utp(&self, allowed: Allowed) -> Option<Means> {
        let is_utp = |means: &Means| means.transport == Transport::Utp && allowed.allows(*means);
        self.worked.filter(is_utp).or_else(|| Means::ALL.into_iter().find(is_utp))
    }

    /// The peer has been told to dial us by µTP: it is dialled by that alone.
    pub(crate) fn turn_to_utp(&mut self, allowed: Allowed) {
        self.now = self.utp(allowed);
        self.passed = Default::default();
        for means in [Means::TCP, Means::TCP_MSE] {
            self.passed[means.number()] = true;
        }
    }

    /// Takes in the end of a contact, and says whether the peer is to be tried by other means. `met` is the family of
    /// a peer whose handshake has arrived.
    pub(crate) fn ended(
        &mut self,
        outcome: &Outcome,
        met: Option<Family>,
        allowed: Allowed,
        experience: &mut Experience,
    ) -> bool {
        let means = self.means(allowed);
        if let Some(family) = met {
            (self.worked, self.family) = (Some(means), Some(family));
            experience.note(family, means);
        }
        let next = match failure(outcome).filter(|_| met.is_none()) {
            None => None,
            Some(failure) => {
                for other in Means::ALL {
                    let is_hopeless = failure == Failure::NoTransport && other.transport == means.transport;
                    self.passed[other.number()] |= other == means || is_hopeless;
                }
                self.next(allowed, experience)
            }
        };
        self.now = next;
        if next.is_none() {
            self.passed = Default::default();
        }
        next.is_some()
    }

    fn next(&self, allowed: Allowed, experience: &Experience) -> Option<Means> {
        let open = Means::ALL.into_iter().filter(|means| allowed.allows(*means) && !self.passed[means.number()]);
        // Of equals the first: what is remembered first, then what the peer's kind answers most, then the usual order.
        open.rev().max_by_key(|means| (self.worked == Some(*means), experience.count(self.family, *means)))
    }
}

/// What a contact without a handshake says about its means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// There is no way to the peer by this transport.
    NoTransport,
    /// There is one, and the stream led to nothing.
    NoHandshake,
}

/// Whether a contact found no way to the peer at all.
pub(crate) fn found_no_way(outcome: &Outcome) -> bool {
    failure(outcome) == Some(Failure::NoTransport)
}

fn failure(outcome: &Outcome) -> Option<Failure> {
    match outcome {
        Outcome::Refused | Outcome::Unreachable => Some(Failure::NoTransport),
        Outcome::NoAnswer { phase, .. } | Outcome::Closed { phase } | Outcome::Reset { phase } => match phase {
            Phase::Connect => Some(Failure::NoTransport),
            Phase::Handshake => Some(Failure::NoHandshake),
            Phase::Claims | Phase::Choked | Phase::Transfer => None,
        },
        Outcome::Garbage { rule, phase: Phase::Handshake } if rule.starts_with("mse-") => Some(Failure::NoHandshake),
        _ => None,
    }
}
