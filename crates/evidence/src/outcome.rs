//! What came of a contact. Failure is a record: every address ends in one of these, and none is a guess.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::InfoHashV1;

/// What the monitor itself received from an address and port. Ordered: each grade includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Nothing: somebody else named the address.
    Listed,
    /// A transport connection.
    Connected,
    /// A BitTorrent handshake with the right info-hash.
    Handshaken,
    /// A claim to have pieces.
    Claimed,
    /// At least one challenged block, verified byte for byte. Only this grade may enter a CIR.
    Served,
}

impl Grade {
    /// All grades, lowest first.
    pub const ALL: [Self; 5] = [Self::Listed, Self::Connected, Self::Handshaken, Self::Claimed, Self::Served];

    /// The word used in the record and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::Connected => "connected",
            Self::Handshaken => "handshaken",
            Self::Claimed => "claimed",
            Self::Served => "served",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How far a connection had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The transport was being established.
    Connect,
    /// Waiting for the peer's handshake.
    Handshake,
    /// Waiting for a claim to pieces.
    Claims,
    /// Waiting to be allowed to request.
    Choked,
    /// A challenge was outstanding.
    Transfer,
}

/// How a contact ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Outcome {
    /// Blocks were answered with the right bytes and none with wrong ones: as many as the policy asks for, or as many as the
    /// peer let us have.
    Served {
        /// Verified blocks.
        blocks: u32,
        /// Distinct pieces they come from.
        pieces: u32,
    },
    /// The peer sent bytes for a challenge that are not the content.
    BadBlock {
        /// How many blocks were wrong.
        blocks: u32,
    },
    /// The peer allowed requests, but answered none in time.
    NoBlock {
        /// How long the monitor waited after its first request.
        after_ms: u64,
    },
    /// The peer sent blocks, but no Merkle path that leads to the root of their file (BEP 52), and there was no dossier to
    /// compare them with: nothing says that they are the content, or that they are not.
    Unproved {
        /// How many blocks it sent.
        blocks: u32,
    },
    /// The peer never allowed a request.
    Choked {
        /// How long the monitor stayed.
        for_ms: u64,
    },
    /// The peer rejected every request (BEP 6).
    Rejected {
        /// How many requests it rejected.
        requests: u32,
    },
    /// The peer claimed no piece that could be challenged, or took back its claim to each that was, before it answered.
    NothingClaimed {
        /// How long the monitor stayed.
        after_ms: u64,
    },
    /// The connection was refused: nothing listens there.
    Refused,
    /// No route, or the network said that the host cannot be reached.
    Unreachable,
    /// Nothing came back in time.
    NoAnswer {
        /// What was being waited for.
        phase: Phase,
        /// How long.
        after_ms: u64,
    },
    /// The peer closed the stream in order.
    Closed {
        /// How far the connection had come.
        phase: Phase,
    },
    /// The peer or a middlebox reset the connection.
    Reset {
        /// How far the connection had come.
        phase: Phase,
    },
    /// The handshake named another info-hash.
    WrongInfoHash {
        /// The one it named.
        got: InfoHashV1,
    },
    /// The bytes break a rule of the protocol.
    Garbage {
        /// Which rule.
        rule: String,
        /// How far the connection had come.
        phase: Phase,
    },
    /// The peer turned out to be this monitor.
    Ourselves,
    /// A control visit: the peer answered an info-hash that does not exist. Its records are void.
    Echo,
    /// A control visit: the peer did not answer an info-hash that does not exist, as it should not.
    NoEcho,
    /// A rendezvous: what the peer said of those that it was asked to introduce (BEP 55).
    Introduced {
        /// Of how many it was asked.
        asked: u32,
        /// Of how many it said that they were told to dial the monitor.
        connects: u32,
    },
    /// Policy forbids the contact; nothing was sent.
    Excluded {
        /// Which rule of the policy.
        rule: Exclusion,
    },
    /// The contact was allowed but not made before the run ended.
    NotTried,
    /// Local resources failed; nothing is known about the peer.
    LocalFault {
        /// What failed, in our own words and without an address.
        what: String,
    },
}

/// Why an address is not contacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exclusion {
    /// Reserved, private, loopback, link-local, multicast or documentation space (IANA registries).
    Reserved,
    /// One of the monitor's own addresses.
    Own,
    /// A port on which no BitTorrent client listens and a dial could do harm.
    Port,
    /// Outside the laboratory that the configuration names.
    OutsideLaboratory,
    /// The mandate names it as the owner's own seed or decoy.
    OwnersSeed,
    /// The list that named it was longer than the monitor takes.
    ListTooLong,
}

impl Exclusion {
    /// The word used in the record and in reports.
    pub fn word(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Own => "own",
            Self::Port => "port",
            Self::OutsideLaboratory => "outside-laboratory",
            Self::OwnersSeed => "owners-seed",
            Self::ListTooLong => "list-too-long",
        }
    }
}

impl Outcome {
    /// The word used in the record and in reports, without the particulars.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Served { .. } => "served",
            Self::BadBlock { .. } => "bad-block",
            Self::NoBlock { .. } => "no-block",
            Self::Unproved { .. } => "unproved",
            Self::Choked { .. } => "choked",
            Self::Rejected { .. } => "rejected",
            Self::NothingClaimed { .. } => "nothing-claimed",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::NoAnswer { .. } => "no-answer",
            Self::Closed { .. } => "closed",
            Self::Reset { .. } => "reset",
            Self::WrongInfoHash { .. } => "wrong-info-hash",
            Self::Garbage { .. } => "garbage",
            Self::Ourselves => "ourselves",
            Self::Echo => "echo",
            Self::NoEcho => "no-echo",
            Self::Introduced { .. } => "introduced",
            Self::Excluded { .. } => "excluded",
            Self::NotTried => "not-tried",
            Self::LocalFault { .. } => "local-fault",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical;

    #[test]
    fn outcomes_have_one_form_and_unknown_ones_are_refused() {
        let outcome = Outcome::NoAnswer { phase: Phase::Connect, after_ms: 3000 };
        let text = r#"{"after_ms":3000,"kind":"no-answer","phase":"connect"}"#;
        assert_eq!(canonical::to_text(&outcome).unwrap(), text);
        assert_eq!(canonical::from_text::<Outcome>(text).unwrap(), outcome);
        for bad in [r#"{"kind":"guilty"}"#, r#"{"kind":"refused","note":1}"#, r#"{"blocks":1,"kind":"served"}"#] {
            assert!(canonical::from_text::<Outcome>(bad).is_err(), "{bad}");
        }
    }
}
