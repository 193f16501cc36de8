//! The tab-separated tables of iptoasn.com.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{TableFault, segments::Range};

/// The longest row read; a description of a few hundred letters fits.
const MAX_ROW_BYTES: usize = 1024;
/// Most rows read. The combined table of 2026 has some 600,000.
const MAX_ROWS: usize = 16_000_000;

type Rows = (Vec<Range<u32>>, Vec<Range<u128>>);

/// Reads every row, or says which one breaks which rule.
pub(super) fn read(bytes: &[u8]) -> Result<Rows, TableFault> {
    if bytes.is_empty() {
        return Err(TableFault::Empty);
    }
    // A file that was cut short ends in the middle of a row.
    let lines = bytes.strip_suffix(b"\n").ok_or(TableFault::Row {
        line: bytes.split(|byte| *byte == b'\n').count(),
        rule: "the last row does not end with a line feed",
    })?;
    let (mut v4, mut v6) = (Vec::new(), Vec::new());
    for (number, row) in (1..).zip(lines.split(|byte| *byte == b'\n')) {
        if number > MAX_ROWS {
            return Err(TableFault::Row { line: number, rule: "the table has more than 16000000 rows" });
        }
        let (first, last, asn) = fields(row).map_err(|rule| TableFault::Row { line: number, rule })?;
        match (first, last) {
            (IpAddr::V4(first), IpAddr::V4(last)) if first <= last => {
                v4.push(Range { first: u32::from(first), last: u32::from(last), asn, line: number });
            }
            (IpAddr::V6(first), IpAddr::V6(last)) if first <= last => {
                v6.push(Range { first: u128::from(first), last: u128::from(last), asn, line: number });
            }
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                return Err(TableFault::Row { line: number, rule: "the range ends before it starts" });
            }
            _ => return Err(TableFault::Row { line: number, rule: "the range has an IPv4 and an IPv6 end" }),
        }
    }
    Ok((v4, v6))
}

fn fields(row: &[u8]) -> Result<(IpAddr, IpAddr, u32), &'static str> {
    if row.len() > MAX_ROW_BYTES {
        return Err("the row is longer than 1024 bytes");
    }
    let fields: Vec<&[u8]> = row.split(|byte| *byte == b'\t').collect();
    let [first, last, asn, country, description] = fields.as_slice() else {
        return Err("a row has five fields separated by tabs");
    };
    let word = |field: &[u8]| field.iter().all(u8::is_ascii_alphanumeric) && (1..=16).contains(&field.len());
    if !word(country) {
        return Err("the country code is not a short word");
    }
    if description.contains(&b'\r') {
        return Err("the row ends with a carriage return");
    }
    let first = address(first).ok_or("the range's start is not an address")?;
    let last = address(last).ok_or("the range's end is not an address")?;
    Ok((first, last, number(asn).ok_or("the AS number is not a decimal number below 2^32")?))
}

fn address(field: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(field).ok()?;
    text.parse::<Ipv4Addr>().map(IpAddr::V4).or_else(|_| text.parse::<Ipv6Addr>().map(IpAddr::V6)).ok()
}

fn number(field: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(field).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok().filter(|_| text == "0" || !text.starts_with('0'))
}
