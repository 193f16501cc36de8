//! Which network an address belonged to when it was observed, and who is owed the opening.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Digest, Grade};

/// What the dated tables said of an address at the time of the observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribution {
    /// The origin AS, where the tables name exactly one.
    pub asn: Option<u32>,
    /// What kind of service the address belongs to.
    pub class: Class,
    /// The ISP register's identifier, where an entry covers the address on that day.
    pub isp: Option<String>,
    /// The longest matching prefix, in canonical text.
    pub prefix: Option<String>,
    /// SHA-256 of each table consulted, in the order consulted.
    pub tables: Vec<Digest>,
}

/// The kind of service behind an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// A qualifying ISP's fixed-line subscribers.
    Fixed,
    /// A mobile network.
    Mobile,
    /// Known and outside the profile: hosting, VPN, Wi-Fi, wholesale, a smaller ISP.
    NotQualifying,
    /// Two tables disagree, or one prefix has two origins.
    Ambiguous,
    /// No table covers the address.
    Unknown,
}

/// Who is owed the opening of a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A *served* observation of an address in this AS: its ISP and the auditor.
    As(u32),
    /// Everything else that holds personal data: the auditor.
    Audit,
    /// A control note: everybody.
    Ctl,
}

impl Part {
    /// The part of an observation: only *served* ones are owed to an ISP.
    pub fn of(grade: Grade, attribution: &Attribution) -> Self {
        match attribution.asn {
            Some(asn) if grade == Grade::Served => Self::As(asn),
            _ => Self::Audit,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::As(asn) => write!(f, "as{asn}"),
            Self::Audit => f.write_str("audit"),
            Self::Ctl => f.write_str("ctl"),
        }
    }
}

/// A text is not `as<number>`, `audit` or `ctl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotAPart;

impl fmt::Display for NotAPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a part (as<number>, audit or ctl)")
    }
}

impl core::error::Error for NotAPart {}

impl FromStr for Part {
    type Err = NotAPart;

    fn from_str(text: &str) -> Result<Self, NotAPart> {
        match text {
            "audit" => Ok(Self::Audit),
            "ctl" => Ok(Self::Ctl),
            _ => {
                let digits = text.strip_prefix("as").ok_or(NotAPart)?;
                let asn: u32 = digits.parse().map_err(|_| NotAPart)?;
                if format!("{asn}") == digits { Ok(Self::As(asn)) } else { Err(NotAPart) }
            }
        }
    }
}

impl From<Part> for String {
    fn from(part: Part) -> Self {
        part.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_one_form() {
        for good in ["as0", "as2856", "as4294967295", "audit", "ctl"] {
            assert_eq!(good.parse::<Part>().unwrap().to_string(), good);
        }
        for bad in ["", "as", "as02856", "as+1", "as4294967296", "AS2856", "isp", "ctl "] {
            assert!(bad.parse::<Part>().is_err(), "{bad}");
        }
    }
}
