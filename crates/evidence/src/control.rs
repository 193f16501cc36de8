//! The text of control notes: who may sign, what was decided, when a shard ended.
//!
//! A control note is a C2SP signed note whose text is one of these; the log holds its SHA-256 as a `ctl` leaf.
//! A text begins with its own tag and version, and a tag that is not listed here is refused: there is no
//! extension point that a verifier could ignore.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::{fmt, str::FromStr};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Digest, Dossier, KeyId, Mandate, PublicKey, Utc, canonical};

/// No control text is longer: a mandate or dossier with thousands of files still fits.
pub const MAX_TEXT_BYTES: usize = 1 << 20;

/// What a control note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Control {
    /// A key may sign for a role within a window. Signed by root.
    Delegation(Delegation),
    /// A key may not sign from an index on. Signed by root.
    Revoke(Revoke),
    /// The shard is complete. Signed by root.
    Close(Close),
    /// A record's opening was erased on a stated basis. Signed by the erasure role.
    Erase(Erase),
    /// *Served* observations that were not reported, with reasons. Signed by an analyst.
    Withhold(Withhold),
    /// A mandate was given. Signed by an analyst.
    Mandate(Mandate),
    /// A dossier was built. Signed by an analyst.
    Dossier(Dossier),
    /// A reviewer confirms a dossier. Signed by that reviewer's analyst key.
    Approval(Approval),
    /// Reports were issued. Signed by the approver's analyst key.
    Issue(Issue),
}

/// What a key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Leaves that commit to openings.
    Worker,
    /// Leaves that commit to control notes.
    Registrar,
    /// Decisions: mandates, dossiers, approvals, issues, withholdings.
    Analyst,
    /// Erase notes.
    Erasure,
}

/// `affiant.delegation/1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// What the key may sign.
    pub role: Role,
    /// The person who holds it: for analyst and erasure keys always, for others never.
    pub holder: Option<String>,
    /// The key.
    pub key: PublicKey,
    /// Counts the root's delegations from 1.
    pub serial: u64,
    /// The first instant of validity, in whole seconds.
    pub not_before: Utc,
    /// The first instant after validity, in whole seconds.
    pub not_after: Utc,
}

/// `affiant.revoke/1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revoke {
    /// The key.
    pub kid: KeyId,
    /// The first index at which its leaves no longer count.
    pub from_index: u64,
    /// Why, in one line.
    pub reason: String,
}

/// `affiant.close/1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// How many leaves the shard holds, the close note's own included.
    pub size: u64,
    /// Each key that signed leaves and how many, the close note's own included, in order of kid.
    pub finals: Vec<(KeyId, u64)>,
}

/// `affiant.erase/1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erase {
    /// The leaf's index.
    pub index: u64,
    /// The leaf's RFC 6962 hash.
    pub leaf: Digest,
    /// Why, in one line.
    pub basis: String,
}

/// `affiant.withhold/1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withhold {
    /// When it was decided.
    pub at: Utc,
    /// Index of each withheld observation and the reason, ascending.
    pub withheld: Vec<Withheld>,
}

/// One withheld observation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withheld {
    /// The leaf's index.
    pub index: u64,
    /// Why.
    pub reason: String,
}

/// `affiant.approval/1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// When.
    pub at: Utc,
    /// SHA-256 of the dossier note that is approved.
    pub dossier_note_sha256: Digest,
    /// What the reviewer did and confirms, in words.
    pub statement: String,
}

/// `affiant.issue/1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// When the reports were issued.
    pub at: Utc,
    /// Who launched the job.
    pub investigator: String,
    /// The rules they were issued under.
    pub profile: String,
    /// SHA-256 of each ISP's register entry and tables used, in order of consultation.
    pub tables_sha256: Vec<Digest>,
    /// The reports, in order of UIN.
    pub reports: Vec<Issued>,
}

/// One issued report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issued {
    /// SHA-256 of its `cir.json`.
    pub cir_sha256: Digest,
    /// The ISP register's identifier of the recipient.
    pub isp: String,
    /// Its unique identifier.
    pub uin: String,
}

/// Why a text is not a control note's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It is longer than [`MAX_TEXT_BYTES`].
    TooLong,
    /// It does not begin with a known tag and version.
    Tag,
    /// A line is missing, surplus, out of order or not in its one accepted form.
    Line {
        /// Which line.
        name: &'static str,
    },
    /// The JSON line is refused.
    Json(canonical::Fault),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a control note is longer than {MAX_TEXT_BYTES} bytes"),
            Self::Tag => f.write_str("a control note does not begin with a known tag and version"),
            Self::Line { name } => write!(f, "a control note's line '{name}' is missing or not in its one accepted form"),
            Self::Json(fault) => write!(f, "a control note's JSON is refused: {fault}"),
        }
    }
}

impl core::error::Error for Fault {}

impl Role {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Worker, Self::Registrar, Self::Analyst, Self::Erasure];

    /// The word in a delegation.
    pub fn word(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Registrar => "registrar",
            Self::Analyst => "analyst",
            Self::Erasure => "erasure",
        }
    }

    /// Whether a key of this role is a named person's.
    pub fn is_personal(self) -> bool {
        matches!(self, Self::Analyst | Self::Erasure)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl Delegation {
    /// The delegated key's id.
    pub fn kid(&self) -> KeyId {
        KeyId::of(&self.key)
    }
}

impl Control {
    /// The tag and version that the text begins with.
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Delegation(_) => "affiant.delegation/1",
            Self::Revoke(_) => "affiant.revoke/1",
            Self::Close(_) => "affiant.close/1",
            Self::Erase(_) => "affiant.erase/1",
            Self::Withhold(_) => "affiant.withhold/1",
            Self::Mandate(_) => "affiant.mandate/1",
            Self::Dossier(_) => "affiant.dossier/1",
            Self::Approval(_) => "affiant.approval/1",
            Self::Issue(_) => "affiant.issue/1",
        }
    }

    /// Which role's key signs the note; `None` for root.
    pub fn signer(&self) -> Option<Role> {
        match self {
            Self::Delegation(_) | Self::Revoke(_) | Self::Close(_) => None,
            Self::Erase(_) => Some(Role::Erasure),
            Self::Withhold(_) | Self::Mandate(_) | Self::Dossier(_) | Self::Approval(_) | Self::Issue(_) => Some(Role::Analyst),
        }
    }

    /// The text of the note, its last line feed included, its signatures not.
    pub fn text(&self) -> Result<String, Fault> {
        let body = match self {
            Self::Delegation(delegation) => delegation_lines(delegation),
            Self::Revoke(revoke) => {
                format!("kid {}\nfrom-index {}\nreason {}\n", revoke.kid, revoke.from_index, one_line("reason", &revoke.reason)?)
            }
            Self::Close(close) => {
                let mut lines = format!("size {}\n", close.size);
                for (kid, count) in &close.finals {
                    lines.push_str(&format!("final {kid} {count}\n"));
                }
                lines
            }
            Self::Erase(erase) => {
                format!("index {}\nleaf {}\nbasis {}\n", erase.index, erase.leaf, one_line("basis", &erase.basis)?)
            }
            Self::Withhold(withhold) => json(withhold)?,
            Self::Mandate(mandate) => json(mandate)?,
            Self::Dossier(dossier) => json(dossier)?,
            Self::Approval(approval) => json(approval)?,
            Self::Issue(issue) => json(issue)?,
        };
        let text = format!("{}\n{body}", self.tag());
        if text.len() > MAX_TEXT_BYTES { Err(Fault::TooLong) } else { Ok(text) }
    }

    /// Reads the text of a note, its last line feed included.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(Fault::TooLong);
        }
        let (tag, body) = text.split_once('\n').ok_or(Fault::Tag)?;
        let control = match tag {
            "affiant.delegation/1" => Self::Delegation(parse_delegation(body)?),
            "affiant.revoke/1" => Self::Revoke(parse_revoke(body)?),
            "affiant.close/1" => Self::Close(parse_close(body)?),
            "affiant.erase/1" => Self::Erase(parse_erase(body)?),
            "affiant.withhold/1" => Self::Withhold(parse_json(body)?),
            "affiant.mandate/1" => Self::Mandate(parse_json(body)?),
            "affiant.dossier/1" => Self::Dossier(parse_json(body)?),
            "affiant.approval/1" => Self::Approval(parse_json(body)?),
            "affiant.issue/1" => Self::Issue(parse_json(body)?),
            _ => return Err(Fault::Tag),
        };
        // Writing it again catches every second form at once: leading zeros, spaces, orders.
        if control.text()? == text { Ok(control) } else { Err(Fault::Line { name: tag_name(control.tag()) }) }
    }
}

fn tag_name(tag: &'static str) -> &'static str {
    tag.strip_prefix("affiant.").unwrap_or(tag)
}

fn delegation_lines(delegation: &Delegation) -> String {
    let holder = delegation.holder.as_ref().map(|holder| format!("holder {holder}\n")).unwrap_or_default();
    format!(
        "role {}\n{holder}key ed25519 {}\nkid {}\nserial {}\nnot-before {}\nnot-after {}\n",
        delegation.role,
        delegation.key,
        delegation.kid(),
        delegation.serial,
        delegation.not_before.to_seconds_text(),
        delegation.not_after.to_seconds_text(),
    )
}

/// A name or reason that is one line of text without control characters.
fn one_line<'a>(name: &'static str, text: &'a str) -> Result<&'a str, Fault> {
    let fits = !text.is_empty() && text.len() <= 200 && text.trim() == text && !text.chars().any(char::is_control);
    if fits { Ok(text) } else { Err(Fault::Line { name }) }
}

fn json<T: Serialize>(value: &T) -> Result<String, Fault> {
    canonical::to_text(value).map(|text| text + "\n").map_err(Fault::Json)
}

fn parse_json<T: DeserializeOwned + Serialize>(body: &str) -> Result<T, Fault> {
    canonical::from_text(body.strip_suffix('\n').ok_or(Fault::Line { name: "json" })?).map_err(Fault::Json)
}

/// Reads `name value` lines in their fixed order.
struct Lines<'a>(core::str::Split<'a, char>);

impl<'a> Lines<'a> {
    fn new(body: &'a str) -> Result<Self, Fault> {
        body.strip_suffix('\n').map(|lines| Self(lines.split('\n'))).ok_or(Fault::Line { name: "last" })
    }

    fn text(&mut self, name: &'static str) -> Result<&'a str, Fault> {
        self.0.next().and_then(|line| line.strip_prefix(name)?.strip_prefix(' ')).ok_or(Fault::Line { name })
    }

    fn value<T: FromStr>(&mut self, name: &'static str) -> Result<T, Fault> {
        self.text(name)?.parse().map_err(|_| Fault::Line { name })
    }

    fn end(mut self) -> Result<(), Fault> {
        if self.0.next().is_none() { Ok(()) } else { Err(Fault::Line { name: "last" }) }
    }
}

fn parse_delegation(body: &str) -> Result<Delegation, Fault> {
    let mut lines = Lines::new(body)?;
    let word = lines.text("role")?;
    let role = Role::ALL.into_iter().find(|role| role.word() == word).ok_or(Fault::Line { name: "role" })?;
    let holder = if role.is_personal() { Some(one_line("holder", lines.text("holder")?)?.to_string()) } else { None };
    let key = lines.text("key")?.strip_prefix("ed25519 ").and_then(|key| key.parse().ok()).ok_or(Fault::Line { name: "key" })?;
    // The kid follows from the key; that it does is checked when the text is written again.
    lines.value::<KeyId>("kid")?;
    let serial = lines.value("serial")?;
    let instant = |name, text| Utc::parse_seconds(text).map_err(|_| Fault::Line { name });
    let not_before = instant("not-before", lines.text("not-before")?)?;
    let not_after = instant("not-after", lines.text("not-after")?)?;
    lines.end()?;
    if not_before >= not_after {
        return Err(Fault::Line { name: "not-after" });
    }
    Ok(Delegation { role, holder, key, serial, not_before, not_after })
}

fn parse_revoke(body: &str) -> Result<Revoke, Fault> {
    let mut lines = Lines::new(body)?;
    let revoke =
        Revoke { kid: lines.value("kid")?, from_index: lines.value("from-index")?, reason: lines.text("reason")?.to_string() };
    lines.end()?;
    Ok(revoke)
}

fn parse_close(body: &str) -> Result<Close, Fault> {
    let mut lines = Lines::new(body)?;
    let size = lines.value("size")?;
    let mut finals: Vec<(KeyId, u64)> = Vec::new();
    for line in lines.0 {
        let entry = line.strip_prefix("final ").and_then(|entry| entry.split_once(' '));
        let (kid, count) = entry.ok_or(Fault::Line { name: "final" })?;
        let (Ok(kid), Ok(count)) = (kid.parse(), count.parse()) else {
            return Err(Fault::Line { name: "final" });
        };
        if finals.last().is_some_and(|(last, _)| *last >= kid) {
            return Err(Fault::Line { name: "final" });
        }
        finals.push((kid, count));
    }
    Ok(Close { size, finals })
}

fn parse_erase(body: &str) -> Result<Erase, Fault> {
    let mut lines = Lines::new(body)?;
    let erase = Erase { index: lines.value("index")?, leaf: lines.value("leaf")?, basis: lines.text("basis")?.to_string() };
    lines.end()?;
    Ok(erase)
}

#[cfg(test)]
mod tests;
