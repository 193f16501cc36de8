//! Why nothing was heard from an address and port.

/// The most telling of what its probes came to, ordered by how much each tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Unreached {
    /// No probe of it is in the log: the run was still on, or was cut off.
    #[default]
    NoRecord,
    /// Policy forbids it.
    Excluded,
    /// There was no room for it among the peers of the torrent.
    NoRoom,
    /// The run ended first.
    NotTried,
    /// Our own machine failed.
    LocalFault,
    /// Nothing came back.
    NoAnswer,
    /// The network said that it cannot be reached.
    Unreachable,
    /// It ended the stream before that was established.
    Ended,
    /// Its host said that nothing listens there.
    Refused,
}

impl Unreached {
    /// All of them but [`Self::Excluded`], as tables list them.
    pub const ALL: [Self; 8] = [
        Self::Refused,
        Self::Ended,
        Self::Unreachable,
        Self::NoAnswer,
        Self::LocalFault,
        Self::NotTried,
        Self::NoRoom,
        Self::NoRecord,
    ];

    /// What an outcome says of a probe that reached nobody.
    pub(super) fn of(outcome: &str, rule: Option<&str>) -> Self {
        match (outcome, rule) {
            ("excluded", Some("list-too-long")) => Self::NoRoom,
            ("excluded", _) => Self::Excluded,
            ("not-tried", _) => Self::NotTried,
            ("local-fault", _) => Self::LocalFault,
            ("no-answer", _) => Self::NoAnswer,
            ("unreachable", _) => Self::Unreachable,
            ("refused", _) => Self::Refused,
            _ => Self::Ended,
        }
    }

    /// Whether something was sent.
    pub(super) fn is_tried(self) -> bool {
        matches!(self, Self::NoAnswer | Self::Unreachable | Self::Ended | Self::Refused)
    }

    /// The reason as a word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoRecord => "no-record",
            Self::Excluded => "excluded",
            Self::NoRoom => "no-room",
            Self::NotTried => "not-tried",
            Self::LocalFault => "local-fault",
            Self::NoAnswer => "no-answer",
            Self::Unreachable => "unreachable",
            Self::Ended => "ended",
            Self::Refused => "refused",
        }
    }

    /// The reason in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NoRecord => "no probe of it is in the log",
            Self::Excluded => "policy forbids it",
            Self::NoRoom => "no room for it: the list or the torrent's peers were too many",
            Self::NotTried => "not tried before the run ended",
            Self::LocalFault => "our own machine failed",
            Self::NoAnswer => "nothing came back in time",
            Self::Unreachable => "the network said that it cannot be reached",
            Self::Ended => "the stream ended before it was established",
            Self::Refused => "refused: its host said that nothing listens there",
        }
    }
}
