//! MaxMind DB files that name an AS: GeoLite2-ASN and DB-IP (`autonomous_system_number`), IPinfo (`asn`).

mod tree;

use std::{fmt, net::IpAddr};

use evidence::{Date, Utc};
use maxminddb::{MaxMindDbError, Reader, WithinOptions};
use serde::{
    Deserialize, Deserializer,
    de::{Error as _, IgnoredAny, MapAccess, Visitor},
};

use super::{TableFault, segments::Range};

/// Most networks read. GeoLite2-ASN of 2026 has below a million.
const MAX_NETWORKS: usize = 16_000_000;

pub(super) struct Read {
    pub built: Date,
    pub v4: Vec<Range<u32>>,
    pub v6: Vec<Range<u128>>,
}

/// Reads every network of the database.
pub(super) fn read(bytes: &[u8]) -> Result<Read, TableFault> {
    let reader = Reader::from_source(bytes).map_err(refused)?;
    let metadata = reader.metadata();
    if !tree::is_walked_soon(bytes, metadata.node_count, metadata.record_size) {
        return Err(TableFault::Database { rule: "its search tree leads to the same nodes again and again".into() });
    }
    let seconds = i64::try_from(reader.metadata().build_epoch).unwrap_or(i64::MAX);
    let mut read = Read { built: Utc::from_ms(seconds.saturating_mul(1000)).date(), v4: Vec::new(), v6: Vec::new() };
    for (number, found) in (1..).zip(reader.networks(WithinOptions::default()).map_err(refused)?) {
        if number > MAX_NETWORKS {
            return Err(TableFault::Database { rule: "it has more than 16000000 networks".into() });
        }
        let found = found.map_err(refused)?;
        let network = found.network().map_err(refused)?;
        let asn = found.decode::<Record>().map_err(refused)?.map_or(0, |record| record.asn);
        match (network.network(), network.broadcast()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                read.v4.push(Range { first: u32::from(first), last: u32::from(last), asn, line: number });
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                read.v6.push(Range { first: u128::from(first), last: u128::from(last), asn, line: number });
            }
            _ => return Err(TableFault::Database { rule: "a network has two families".into() }),
        }
    }
    if read.v4.is_empty() && read.v6.is_empty() { Err(TableFault::Empty) } else { Ok(read) }
}

fn refused(error: MaxMindDbError) -> TableFault {
    TableFault::Database { rule: error.to_string() }
}

/// What a record says of the AS; 0 if it names none.
struct Record {
    asn: u32,
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RecordVisitor)
    }
}

struct RecordVisitor;

impl<'de> Visitor<'de> for RecordVisitor {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a record that names an AS")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Record, A::Error> {
        let mut named: Option<u32> = None;
        while let Some(key) = members.next_key::<String>()? {
            if !matches!(key.as_str(), "autonomous_system_number" | "asn") {
                members.next_value::<IgnoredAny>()?;
                continue;
            }
            let AsNumber(asn) = members.next_value()?;
            if named.is_some_and(|other| other != asn) {
                return Err(A::Error::custom("a record names two different AS numbers"));
            }
            named = Some(asn);
        }
        Ok(Record { asn: named.unwrap_or(0) })
    }
}

/// `AS64496`, `64496` or an integer of any width; an empty text names none.
struct AsNumber(u32);

impl<'de> Deserialize<'de> for AsNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AsNumberVisitor)
    }
}

struct AsNumberVisitor;

impl Visitor<'_> for AsNumberVisitor {
    type Value = AsNumber;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an AS number below 2^32")
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<AsNumber, E> {
        u32::try_from(number).map(AsNumber).map_err(|_| E::custom("an AS number is not below 2^32"))
    }

    fn visit_u128<E: serde::de::Error>(self, number: u128) -> Result<AsNumber, E> {
        u32::try_from(number).map(AsNumber).map_err(|_| E::custom("an AS number is not below 2^32"))
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<AsNumber, E> {
        u32::try_from(number).map(AsNumber).map_err(|_| E::custom("an AS number is not below 2^32"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<AsNumber, E> {
        if text.is_empty() {
            return Ok(AsNumber(0));
        }
        let digits = text.strip_prefix("AS").unwrap_or(text);
        let number = digits.parse().ok().filter(|_| digits.bytes().all(|byte| byte.is_ascii_digit()));
        number.map(AsNumber).ok_or_else(|| E::custom("an AS number is not written as AS64496 or 64496"))
    }
}
