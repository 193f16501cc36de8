//! Which network an address belonged to at a moment, by the dated tables then in force.

use std::net::IpAddr;

use evidence::{Attribution, Class, Date, Digest, Utc};

use crate::{
    register::{Kind, Register},
    tables::{Finding, Table, TableInfo},
};

/// The tables and the register, ready to be asked about each peer.
///
/// Tables of one name are dated versions of one source: of each source the newest one built on or before the day
/// of the observation is asked, never a later one.
#[derive(Debug, Clone)]
pub struct Attributor {
    /// One list of versions a source, each by rising date; the sources in the order given.
    sources: Vec<Vec<Table>>,
    register: Register,
}

/// The tables cannot be used together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("two tables are called '{name}' and were both built on {built}")]
pub struct SameVersion {
    /// What both are called.
    pub name: String,
    /// When both were built.
    pub built: Date,
}

impl Attributor {
    /// Takes the tables in the order in which they are consulted.
    pub fn new(tables: Vec<Table>, register: Register) -> Result<Self, SameVersion> {
        let mut sources: Vec<Vec<Table>> = Vec::new();
        for table in tables {
            match sources.iter_mut().find(|versions| versions[0].info().name == table.info().name) {
                Some(versions) => versions.push(table),
                None => sources.push(vec![table]),
            }
        }
        for versions in &mut sources {
            versions.sort_by_key(|table| table.info().built);
            if let Some(pair) = versions.windows(2).find(|pair| pair[0].info().built == pair[1].info().built) {
                let TableInfo { name, built, .. } = pair[0].info().clone();
                return Err(SameVersion { name, built });
            }
        }
        Ok(Self { sources, register })
    }

    /// What the tables and the register say of an address at a moment.
    pub fn attribute(&self, address: IpAddr, at: Utc) -> Attribution {
        let day = at.date();
        let address = address.to_canonical();
        let mut tables: Vec<Digest> = Vec::with_capacity(self.sources.len() + 1);
        let mut prefix = None;
        let mut origin = None;
        let mut is_ambiguous = false;
        for table in self.in_force(day) {
            tables.push(table.info().sha256);
            let (found, asn) = match table.find(address) {
                Finding::NotCovered => continue,
                Finding::Origin { prefix, asn } => (prefix, Some(asn)),
                Finding::Several { prefix } => (prefix, None),
            };
            prefix.get_or_insert(found);
            match (asn, origin) {
                (None, _) => is_ambiguous = true,
                (Some(asn), Some(other)) if asn != other => is_ambiguous = true,
                _ => origin = asn,
            }
        }
        tables.push(self.register.sha256());
        let asn = origin.filter(|_| !is_ambiguous);
        let standing = asn.and_then(|asn| self.register.standing(asn, address, day));
        let class = match (asn, &standing) {
            (None, _) if is_ambiguous => Class::Ambiguous,
            (None, _) => Class::Unknown,
            (Some(_), None) => Class::NotQualifying,
            (Some(_), Some(standing)) => match standing.kind {
                Kind::Mobile => Class::Mobile,
                Kind::Fixed if standing.entry.qualifying => Class::Fixed,
                _ => Class::NotQualifying,
            },
        };
        let isp = standing.map(|standing| standing.entry.id.clone());
        Attribution { asn, class, isp, prefix: prefix.map(|prefix| prefix.to_string()), tables }
    }

    /// The register.
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// Every prefix table that is held, and then the register.
    pub fn infos(&self) -> Vec<&TableInfo> {
        self.sources.iter().flatten().map(Table::info).chain([self.register.info()]).collect()
    }

    /// SHA-256 of the tables in force on a day and of the register, in the order consulted.
    pub fn digests(&self, day: Date) -> Vec<Digest> {
        self.in_force(day).map(|table| table.info().sha256).chain([self.register.sha256()]).collect()
    }

    /// How many days before `day` the oldest table in force was built; nothing if none is in force.
    pub fn oldest_days(&self, day: Date) -> Option<i64> {
        self.in_force(day).map(|table| day.days() - table.info().built.days()).max()
    }

    fn in_force(&self, day: Date) -> impl Iterator<Item = &Table> {
        self.sources.iter().filter_map(move |versions| versions.iter().rev().find(|table| table.info().built <= day))
    }
}

#[cfg(test)]
mod tests;
