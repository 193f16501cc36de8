//! Prefix tables: which AS announced an address, by one dated source.
//!
//! A table is read once from bytes that the caller holds, into sorted segments without overlap; an address is
//! then looked up in a binary search. Reading is strict: a row that is not understood refuses the table, because
//! a row left out would move its addresses to whoever announces the wider block.

mod iptoasn;
mod mmdb;
mod segments;

use std::net::IpAddr;

use evidence::{Date, Digest, sha256};

use crate::prefix::Prefix;
use segments::Segments;

/// Largest table read. The largest public one is below 200 MiB.
pub const MAX_TABLE_BYTES: usize = 1 << 30;

/// The format of a dated table, as `tables.txt` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `range_start range_end AS_number country_code AS_description`, tab-separated (iptoasn.com).
    Iptoasn,
    /// MaxMind DB: GeoLite2-ASN, DB-IP, IPinfo.
    Mmdb,
    /// The ISP register.
    IspRegister,
}

impl Kind {
    /// The word in `tables.txt`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Iptoasn => "iptoasn",
            Self::Mmdb => "mmdb",
            Self::IspRegister => "isp-register",
        }
    }
}

/// What names a table in the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// When its maker built it.
    pub built: Date,
    /// Length in bytes.
    pub bytes: u64,
    /// Its format.
    pub kind: Kind,
    /// What it is called: 1 to 64 of letters, digits, `.`, `-` and `_`. Tables of one name are dated versions of
    /// one source.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: Digest,
}

/// One prefix table.
#[derive(Debug, Clone)]
pub struct Table {
    info: TableInfo,
    v4: Segments<u32>,
    v6: Segments<u128>,
}

/// What a table says of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nothing, or that nobody announces it.
    NotCovered,
    /// One AS announces the prefix.
    Origin {
        /// The longest matching prefix.
        prefix: Prefix,
        /// The AS.
        asn: u32,
    },
    /// The table gives the longest matching prefix more than one origin.
    Several {
        /// That prefix.
        prefix: Prefix,
    },
}

/// Why a table is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
    /// The name cannot stand in `tables.txt`.
    #[error("a table's name must be 1 to 64 letters, digits, dots, hyphens and underscores")]
    Name,
    /// It is larger than [`MAX_TABLE_BYTES`].
    #[error("the table is larger than {MAX_TABLE_BYTES} bytes")]
    TooLarge,
    /// It has no row.
    #[error("the table holds no row")]
    Empty,
    /// A row breaks a rule.
    #[error("line {line} of the table: {rule}")]
    Row {
        /// Counted from 1.
        line: usize,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// Two ranges overlap and neither holds the other, so that no prefix is the longest.
    #[error("line {line} of the table: the range crosses that of line {other}")]
    Crossing {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        other: usize,
    },
    /// The MaxMind DB is damaged or of another shape.
    #[error("the MaxMind database is refused: {rule}")]
    Database {
        /// What is wrong with it.
        rule: String,
    },
}

impl Table {
    /// Reads a decompressed iptoasn table: IPv4, IPv6 or both. The file does not say when it was built.
    pub fn iptoasn(name: &str, built: Date, bytes: &[u8]) -> Result<Self, TableFault> {
        let info = info(name, Kind::Iptoasn, built, bytes)?;
        let (v4, v6) = iptoasn::read(bytes)?;
        Ok(Self { info, v4: Segments::new(v4)?, v6: Segments::new(v6)? })
    }

    /// Reads a MaxMind DB whose records name an AS. The file says when it was built.
    pub fn mmdb(name: &str, bytes: &[u8]) -> Result<Self, TableFault> {
        let mut info = info(name, Kind::Mmdb, evidence::Utc::from_ms(0).date(), bytes)?;
        let read = mmdb::read(bytes)?;
        info.built = read.built;
        Ok(Self { info, v4: Segments::new(read.v4)?, v6: Segments::new(read.v6)? })
    }

    /// What names it in the record.
    pub fn info(&self) -> &TableInfo {
        &self.info
    }

    /// What it says of an address.
    pub fn find(&self, address: IpAddr) -> Finding {
        let found = match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.find(u32::from(v4)),
            IpAddr::V6(v6) => self.v6.find(u128::from(v6)),
        };
        let Some((length, origin)) = found else { return Finding::NotCovered };
        match (Prefix::new(address.to_canonical(), length), origin) {
            (None, _) | (_, segments::Origin::One(0)) => Finding::NotCovered,
            (Some(prefix), segments::Origin::One(asn)) => Finding::Origin { prefix, asn },
            (Some(prefix), segments::Origin::Several) => Finding::Several { prefix },
        }
    }
}

fn info(name: &str, kind: Kind, built: Date, bytes: &[u8]) -> Result<TableInfo, TableFault> {
    if !is_table_name(name) {
        return Err(TableFault::Name);
    }
    if bytes.len() > MAX_TABLE_BYTES {
        return Err(TableFault::TooLarge);
    }
    Ok(TableInfo { built, bytes: bytes.len() as u64, kind, name: name.into(), sha256: sha256(bytes) })
}

pub(crate) fn is_table_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests;
