//! The ISP register: which ISP ran which AS, and for what kind of subscriber, on which day.
//!
//! Entries are dated and never edited afterwards: an observation of last year is judged by last year's entry.
//! The registry holder of an address is not always its ISP, so sub-ranges of another kind are named; they narrow
//! what may be reported and never widen it.

use std::{collections::BTreeSet, net::IpAddr};

use evidence::{Date, Digest, sha256};
use serde::Deserialize;

use crate::{
    prefix::Prefix,
    tables::{Kind as TableKind, TableInfo},
};

/// The register as shipped: the seven ISPs of the 2010 draft and their successors.
pub const SHIPPED: &str = include_str!("../../data/isp-register.toml");

/// The format and version that a register names first.
pub const FORMAT: &str = "affiant.isp-register/1";

/// Largest register read.
const MAX_BYTES: usize = 4 << 20;

/// A register, read and found free of contradictions.
#[derive(Debug, Clone)]
pub struct Register {
    info: TableInfo,
    entries: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    dated: Date,
    #[serde(default)]
    entry: Vec<Entry>,
}

/// What one ISP ran for some time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Names the ISP in records and reports: 1 to 32 of a–z, 0–9 and `-`. Entries of one ISP share it.
    pub id: String,
    /// Its legal or trading name.
    pub name: String,
    /// Its public AS numbers.
    pub asns: Vec<u32>,
    /// Where reports go; empty while that is not agreed.
    pub contact: String,
    /// How they go there.
    pub delivery: Delivery,
    /// What kind of subscribers it serves.
    pub kind: Kind,
    /// Whether the draft code's threshold makes it a qualifying ISP.
    pub qualifying: bool,
    /// How many subscribers it had, as a band.
    pub subscribers: Band,
    /// The first day on which the entry holds.
    pub from: Date,
    /// The last day on which it holds; absent while it still does.
    pub to: Option<Date>,
    /// How the facts are known. `recall; confirm before use` marks what was written from memory.
    pub source: String,
    /// Parts of its address space that serve something else.
    #[serde(default)]
    pub sub_range: Vec<SubRange>,
}

/// A part of an ISP's address space.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubRange {
    /// Which addresses.
    pub prefix: Prefix,
    /// What they serve.
    pub kind: Kind,
    /// The first day.
    pub from: Date,
    /// The last day; absent while it still does.
    pub to: Option<Date>,
    /// How that is known.
    pub source: String,
}

/// What kind of service addresses belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Fixed-line subscribers.
    Fixed,
    /// Mobile subscribers.
    Mobile,
    /// Other providers' subscribers.
    Wholesale,
    /// Servers.
    Hosting,
    /// A VPN's exits.
    Vpn,
    /// Hotspots.
    PublicWifi,
    /// A university.
    University,
    /// Offices.
    Business,
}

/// How reports reach an ISP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delivery {
    /// Not agreed yet.
    None,
    /// Mail.
    Email,
    /// A drop folder over SFTP.
    Sftp,
    /// Our HTTPS interface.
    Https,
}

/// Fixed-line subscribers, as a band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Band {
    /// Not known.
    Unknown,
    /// Below the draft code's threshold.
    #[serde(rename = "up-to-400000")]
    UpTo400000,
    /// Above it.
    #[serde(rename = "over-400000")]
    Over400000,
}

/// Why a register is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegisterFault {
    /// It is not TOML of the register's shape.
    #[error("the ISP register is refused: {0}")]
    Toml(String),
    /// An entry breaks a rule.
    #[error("entry {number} ('{id}') of the ISP register: {rule}")]
    Entry {
        /// Counted from 1.
        number: usize,
        /// Which ISP.
        id: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// Two entries claim one AS on one day.
    #[error("entries {first} and {second} of the ISP register both claim AS{asn} on {day}")]
    Claimed {
        /// Counted from 1.
        first: usize,
        /// Counted from 1.
        second: usize,
        /// The AS.
        asn: u32,
        /// The first day on which they do.
        day: Date,
    },
}

/// What the register says of an address on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing<'a> {
    /// The entry in force.
    pub entry: &'a Entry,
    /// What the address serves: the entry's kind, or that of the smallest sub-range that holds it.
    pub kind: Kind,
}

impl Register {
    /// Reads a register. `name` is what `tables.txt` calls it.
    pub fn parse(name: &str, text: &str) -> Result<Self, RegisterFault> {
        if text.len() > MAX_BYTES {
            return Err(RegisterFault::Toml(format!("it is longer than {MAX_BYTES} bytes")));
        }
        if !crate::tables::is_table_name(name) {
            return Err(RegisterFault::Toml("its name must be 1 to 64 letters, digits, dots, hyphens and underscores".into()));
        }
        let file: File = toml::from_str(text).map_err(|fault| RegisterFault::Toml(fault.to_string().trim_end().to_string()))?;
        if file.format != FORMAT {
            return Err(RegisterFault::Toml(format!("its format is not '{FORMAT}'")));
        }
        for (number, entry) in (1..).zip(&file.entry) {
            check(entry).map_err(|rule| RegisterFault::Entry { number, id: entry.id.clone(), rule })?;
        }
        check_claims(&file.entry)?;
        let info = TableInfo {
            built: file.dated,
            bytes: text.len() as u64,
            kind: TableKind::IspRegister,
            name: name.into(),
            sha256: sha256(text.as_bytes()),
        };
        Ok(Self { info, entries: file.entry })
    }

    /// What names it in the record.
    pub fn info(&self) -> &TableInfo {
        &self.info
    }

    /// SHA-256 of its bytes.
    pub fn sha256(&self) -> Digest {
        self.info.sha256
    }

    /// Every entry, in the order written.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What it says of an address that `asn` announces.
    pub fn standing(&self, asn: u32, address: IpAddr, day: Date) -> Option<Standing<'_>> {
        let entry = self.entries.iter().find(|entry| entry.asns.contains(&asn) && holds(entry.from, entry.to, day))?;
        let narrower = entry
            .sub_range
            .iter()
            .filter(|range| holds(range.from, range.to, day) && range.prefix.contains(address))
            .max_by_key(|range| range.prefix.length());
        Some(Standing { entry, kind: narrower.map_or(entry.kind, |range| range.kind) })
    }

    /// The ISP's entry on a day; the first of several.
    pub fn isp(&self, id: &str, day: Date) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id && holds(entry.from, entry.to, day))
    }

    /// The AS numbers that the ISP ran on a day.
    pub fn asns(&self, id: &str, day: Date) -> BTreeSet<u32> {
        let entries = self.entries.iter().filter(|entry| entry.id == id && holds(entry.from, entry.to, day));
        entries.flat_map(|entry| entry.asns.iter().copied()).collect()
    }
}

fn holds(from: Date, to: Option<Date>, day: Date) -> bool {
    from <= day && to.is_none_or(|to| day <= to)
}

fn check(entry: &Entry) -> Result<(), &'static str> {
    let is_id = |text: &str| {
        (1..=32).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    let is_line = |text: &str| text.len() <= 200 && text.trim() == text && !text.chars().any(char::is_control);
    let is_dated = |from: Date, to: Option<Date>| to.is_none_or(|to| from <= to);
    let unique: BTreeSet<u32> = entry.asns.iter().copied().collect();
    for (holds, rule) in [
        (is_id(&entry.id) && entry.id != "audit", "the id is not 1 to 32 of a-z, 0-9 and -, or is 'audit'"),
        (is_line(&entry.name) && !entry.name.is_empty(), "the name is not one line of text"),
        (is_line(&entry.contact), "the contact is not one line of text"),
        (is_line(&entry.source) && !entry.source.is_empty(), "the source is not stated in one line"),
        (unique.len() == entry.asns.len() && !unique.contains(&0), "an AS number is 0 or stands twice"),
        (is_dated(entry.from, entry.to), "it ends before it begins"),
        (!entry.qualifying || entry.kind == Kind::Fixed, "only fixed-line service can be qualifying"),
        (!entry.qualifying || entry.subscribers == Band::Over400000, "a qualifying ISP has more than 400000 subscribers"),
        (entry.sub_range.iter().all(|range| range.kind != Kind::Fixed), "a sub-range narrows and cannot be of kind 'fixed'"),
        (entry.sub_range.iter().all(|range| is_dated(range.from, range.to)), "a sub-range ends before it begins"),
        (
            entry.sub_range.iter().all(|range| is_line(&range.source) && !range.source.is_empty()),
            "a sub-range's source is not stated in one line",
        ),
        (unique_ranges(&entry.sub_range), "two sub-ranges of one prefix overlap in time"),
    ] {
        if !holds {
            return Err(rule);
        }
    }
    Ok(())
}

fn unique_ranges(ranges: &[SubRange]) -> bool {
    ranges.iter().enumerate().all(|(number, range)| {
        ranges[..number]
            .iter()
            .all(|other| other.prefix != range.prefix || overlap(other.from, other.to, range.from, range.to).is_none())
    })
}

fn check_claims(entries: &[Entry]) -> Result<(), RegisterFault> {
    for (number, entry) in entries.iter().enumerate() {
        for (other_number, other) in entries[..number].iter().enumerate() {
            let Some(day) = overlap(other.from, other.to, entry.from, entry.to) else { continue };
            if let Some(asn) = entry.asns.iter().find(|asn| other.asns.contains(asn)) {
                return Err(RegisterFault::Claimed { first: other_number + 1, second: number + 1, asn: *asn, day });
            }
        }
    }
    Ok(())
}

/// The first day that two spans share.
fn overlap(from: Date, to: Option<Date>, other_from: Date, other_to: Option<Date>) -> Option<Date> {
    let day = from.max(other_from);
    (holds(from, to, day) && holds(other_from, other_to, day)).then_some(day)
}

#[cfg(test)]
mod tests;
