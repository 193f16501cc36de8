//! Step 8: transcripts and attribution tables.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{Date, Digest};

use crate::{
    bag::{Bag, read_text},
    findings::Findings,
    openings::Openings,
    place::{Place, number},
    source::Source,
    steps::Check,
};

const TABLES: &str = "data/tables/tables.txt";
/// A table up to this size stands in the bundle.
const MAX_ENCLOSED_BYTES: u64 = 4 << 20;

/// The kind of each table that `tables.txt` lists.
pub(crate) type Tables = BTreeMap<Digest, Kind>;

/// What a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Prefixes and their origin.
    Prefixes,
    /// The ISP register.
    Register,
}

pub(crate) fn check_transcripts(bag: &Bag, openings: &Openings, findings: &mut Findings) {
    let mut present = BTreeSet::new();
    for (path, place) in bag.places() {
        let Place::Transcript(name) = place else { continue };
        let actual = bag.payload.get(path);
        findings.check(Check::Transcripts, actual == Some(&name), || {
            format!("'{path}' does not have the SHA-256 that it is named after")
        });
        if !openings.transcripts.contains(&name) {
            findings.fail(Check::Transcripts, || format!("'{path}' is named by no opening of this bundle"));
        }
        present.insert(name);
    }
    for missing in openings.transcripts.difference(&present) {
        findings.fail(Check::Transcripts, || format!("transcript {missing} is named by an opening and missing"));
    }
}

pub(crate) fn check_tables(source: &mut dyn Source, bag: &Bag, findings: &mut Findings) -> Tables {
    let listed = read_text(source, TABLES, 1 << 20).and_then(|text| parse(&text));
    findings.count(Check::Tables);
    let listed = match listed {
        Ok(listed) => listed,
        Err(fault) => {
            findings.fail(Check::Tables, || format!("{TABLES} is refused: {fault}"));
            return Tables::new();
        }
    };
    let sizes: BTreeMap<String, u64> = source_sizes(bag, source);
    let mut enclosed = BTreeSet::new();
    for (path, place) in bag.places() {
        let Place::Table(name) = place else { continue };
        findings.check(Check::Tables, bag.payload.get(path) == Some(&name), || {
            format!("'{path}' does not have the SHA-256 that it is named after")
        });
        match listed.iter().find(|table| table.digest == name) {
            None => findings.fail(Check::Tables, || format!("'{path}' is not listed in {TABLES}")),
            Some(table) if sizes.get(path) != Some(&table.bytes) || table.bytes > MAX_ENCLOSED_BYTES => {
                findings.fail(Check::Tables, || {
                    format!("'{path}' is not the {} bytes, at most 4 MiB, that {TABLES} says", table.bytes)
                });
            }
            Some(_) => {}
        }
        enclosed.insert(name);
    }
    for table in listed.iter().filter(|table| table.bytes <= MAX_ENCLOSED_BYTES && !enclosed.contains(&table.digest)) {
        findings.fail(Check::Tables, || format!("table {} of {} bytes is listed and missing", table.digest, table.bytes));
    }
    listed.iter().map(|table| (table.digest, table.kind)).collect()
}

/// Step 8.3: no opening may rest on a table that the bundle does not account for.
pub(crate) fn check_named(openings: &Openings, tables: &Tables, findings: &mut Findings) {
    for digest in &openings.tables {
        findings.check(Check::TablesNamed, tables.contains_key(digest), || {
            format!("table {digest} is named by an opening and not listed in {TABLES}")
        });
    }
}

pub(crate) struct Table {
    digest: Digest,
    bytes: u64,
    kind: Kind,
}

pub(crate) fn parse(text: &str) -> Result<Vec<Table>, String> {
    let mut lines = text.strip_suffix('\n').ok_or("its last line does not end")?.split('\n');
    if lines.next() != Some("affiant.tables/1") {
        return Err("it does not begin with 'affiant.tables/1'".into());
    }
    let mut tables: Vec<Table> = Vec::new();
    for (position, line) in lines.enumerate() {
        let table = parse_line(line).ok_or(format!("line {} is not 'sha256 bytes kind built name'", position + 2))?;
        if tables.iter().any(|other| other.digest == table.digest) {
            return Err(format!("table {} is listed twice", table.digest));
        }
        tables.push(table);
    }
    Ok(tables)
}

fn parse_line(line: &str) -> Option<Table> {
    let fields: Vec<&str> = line.split(' ').collect();
    let [digest, bytes, kind, built, name] = fields[..] else { return None };
    built.parse::<Date>().ok()?;
    let kind = match kind {
        "iptoasn" | "mmdb" => Kind::Prefixes,
        "isp-register" => Kind::Register,
        _ => return None,
    };
    (!name.is_empty() && !name.chars().any(char::is_control)).then_some(())?;
    Some(Table { digest: digest.parse().ok()?, bytes: number(bytes)?, kind })
}

fn source_sizes(bag: &Bag, source: &mut dyn Source) -> BTreeMap<String, u64> {
    let mut sizes = BTreeMap::new();
    for (path, place) in bag.places() {
        if matches!(place, Place::Table(_))
            && let Ok(bytes) = crate::bag::read_whole(source, path, MAX_ENCLOSED_BYTES)
        {
            sizes.insert(path.to_owned(), bytes.len() as u64);
        }
    }
    sizes
}
