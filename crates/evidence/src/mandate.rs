//! The authority to watch a work (`affiant.mandate/1`).

use alloc::{collections::BTreeMap, string::String, vec::Vec};
use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{Date, Digest, Utc, observation::TargetIds};

/// Who mandated what, on whose authority, for which torrents and how long.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mandate {
    /// Who reports on the owner's behalf, if not the owner.
    pub agent: Option<Party>,
    /// The document that grants the authority.
    pub authority: Authority,
    /// The first day on which the work may be watched.
    pub from: Date,
    /// Names the mandate for ever, e.g. `bpi-2026-0042`.
    pub id: String,
    /// The copyright owner.
    pub owner: Party,
    /// Addresses of the owner's own seeds and decoys, which are never contacted.
    pub owner_seeds: Vec<IpAddr>,
    /// The torrents that may be watched for the work.
    pub targets: Vec<TargetIds>,
    /// Where the right is held: ISO 3166-1 alpha-2 codes.
    pub territory: Vec<String>,
    /// The last day on which the work may be watched.
    pub to: Date,
    /// The work.
    pub work: Work,
}

/// A legal or natural person with a registered address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Party {
    /// The registered address.
    pub address: PostalAddress,
    /// The legal name.
    pub name: String,
}

/// A structured postal address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostalAddress {
    /// ISO 3166-1 alpha-2.
    pub country: String,
    /// Building, street; one to four lines.
    pub lines: Vec<String>,
    /// Post town or city.
    pub locality: String,
    /// Post code.
    pub postcode: String,
}

/// The evidence of an agent's or employee's authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// SHA-256 of the document.
    pub document_sha256: Digest,
    /// The first day it covers.
    pub from: Date,
    /// How the parties refer to it.
    pub reference: String,
    /// The last day it covers.
    pub to: Date,
}

/// A copyright work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Registered identifiers by scheme: `isrc`, `iswc`, `eidr`, `isbn`.
    pub identifiers: BTreeMap<String, String>,
    /// Its nature, as the code lists them.
    pub nature: Nature,
    /// The title as published.
    pub title: String,
}

/// The nature of a work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nature {
    /// A sound recording.
    SoundRecording,
    /// A musical work.
    MusicalWork,
    /// A film.
    Film,
    /// A television programme.
    TvProgramme,
    /// Software.
    Software,
    /// A game.
    Game,
    /// A book.
    Book,
    /// An image.
    Image,
}

impl Nature {
    /// All of them, in the order of the code.
    pub const ALL: [Self; 8] = [
        Self::SoundRecording,
        Self::MusicalWork,
        Self::Film,
        Self::TvProgramme,
        Self::Software,
        Self::Game,
        Self::Book,
        Self::Image,
    ];

    /// As written in a report.
    pub fn words(self) -> &'static str {
        match self {
            Self::SoundRecording => "sound recording",
            Self::MusicalWork => "musical work",
            Self::Film => "film",
            Self::TvProgramme => "television programme",
            Self::Software => "software",
            Self::Game => "game",
            Self::Book => "book",
            Self::Image => "image",
        }
    }
}

impl Mandate {
    /// Whether it is in force at `now`, and its authority too.
    pub fn in_force(&self, now: Utc) -> bool {
        let day = now.date();
        self.from <= day && day <= self.to && self.authority.from <= day && day <= self.authority.to
    }

    /// What the mandate lacks or contradicts, in words for its author; empty if it may be logged.
    pub fn faults(&self) -> Vec<&'static str> {
        let mut faults = Vec::new();
        let mut need = |holds: bool, fault: &'static str| {
            if !holds {
                faults.push(fault);
            }
        };
        let is_id = |text: &str| {
            !text.is_empty()
                && text.len() <= 64
                && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        need(is_id(&self.id), "the id is not 1 to 64 of a–z, 0–9 and -");
        need(!self.work.title.trim().is_empty(), "the work has no title");
        need(is_complete(&self.owner), "the owner's name or registered address is incomplete");
        need(self.agent.as_ref().is_none_or(is_complete), "the agent's name or registered address is incomplete");
        need(!self.authority.reference.trim().is_empty(), "the authority has no reference");
        need(self.from <= self.to, "the mandate ends before it begins");
        need(self.authority.from <= self.authority.to, "the authority ends before it begins");
        need(self.authority.from <= self.from && self.to <= self.authority.to, "the authority does not cover the whole mandate");
        need(!self.targets.is_empty(), "no torrent is named");
        need(self.targets.iter().all(|target| target.v1.is_some() || target.v2.is_some()), "a target has no info-hash");
        need(
            !self.territory.is_empty() && self.territory.iter().all(|code| is_country(code)),
            "the territory is not a list of two-letter country codes",
        );
        faults
    }
}

fn is_complete(party: &Party) -> bool {
    let address = &party.address;
    !party.name.trim().is_empty()
        && (1..=4).contains(&address.lines.len())
        && address.lines.iter().all(|line| !line.trim().is_empty())
        && !address.locality.trim().is_empty()
        && !address.postcode.trim().is_empty()
        && is_country(&address.country)
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}
