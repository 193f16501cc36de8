//! From the index to whoever asks.

use std::collections::VecDeque;
use std::net::IpAddr;

use evidence::{Digest, Grade, RunId, TargetIds, Utc, sha256};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{OptionalExtension as _, params_from_iter};

use crate::row::{grade, rank, to_sql};
use crate::{EntryRow, Fault, Index, NoteRow, ObservationRow, RunRow, SightingRow};

/// Rows fetched at once. Between two pages the file is free for a writer.
const PAGE_ROWS: usize = 1024;

/// Which observations; each field that is set narrows the answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// Of this run.
    pub run: Option<RunId>,
    /// Of this target.
    pub target: Option<TargetIds>,
    /// Of this grade or a higher one.
    pub at_least: Option<Grade>,
    /// With this word as outcome.
    pub outcome: Option<String>,
    /// Attributed to this ISP.
    pub isp: Option<String>,
    /// Attributed to this AS.
    pub asn: Option<u32>,
    /// Of this address.
    pub ip: Option<IpAddr>,
    /// Of this port.
    pub port: Option<u16>,
    /// At or after this instant.
    pub from: Option<Utc>,
    /// Before this instant.
    pub before: Option<Utc>,
    /// Control visits only, or probes only.
    pub control: Option<bool>,
}

/// What to count by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The grade's word.
    Grade,
    /// The outcome's word.
    Outcome,
    /// The ISP; observations without one are not counted.
    Isp,
    /// The target.
    Target,
    /// The kind of source; incoming contacts are not counted.
    Source,
    /// The run.
    Run,
}

impl Filter {
    /// The condition and its parameters.
    fn sql(&self) -> (String, Vec<Value>) {
        let (mut condition, mut values) = (String::from("1"), Vec::new());
        let conditions: [(&str, Option<Value>); 11] = [
            ("run =", self.run.map(|run| run.to_string().into())),
            ("target =", self.target.map(|target| target.to_string().into())),
            ("grade >=", self.at_least.map(|grade| rank(grade).into())),
            ("outcome =", self.outcome.clone().map(Value::from)),
            ("isp =", self.isp.clone().map(Value::from)),
            ("asn =", self.asn.map(|asn| i64::from(asn).into())),
            ("ip =", self.ip.map(|ip| ip.to_canonical().to_string().into())),
            ("port =", self.port.map(|port| i64::from(port).into())),
            ("at_ms >=", self.from.map(|from| from.ms().into())),
            ("at_ms <", self.before.map(|before| before.ms().into())),
            ("purpose =", self.control.map(|control| String::from(if control { "control" } else { "probe" }).into())),
        ];
        for (column, value) in conditions {
            if let Some(value) = value {
                condition.push_str(&format!(" AND {column} ?"));
                values.push(value);
            }
        }
        (condition, values)
    }
}

impl Index {
    /// How many entries it has, which is the index of the next one.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn next_index(&self) -> Result<u64, Fault> {
        let last: Option<i64> = self.try_sql(self.connection.query_row("SELECT max(idx) FROM entries", [], |row| row.get(0)))?;
        Ok(last.map_or(0, |last| last.unsigned_abs() + 1))
    }

    /// Whether it has the entry.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn contains(&self, index: u64) -> Result<bool, Fault> {
        let found = self.connection.query_row("SELECT 1 FROM entries WHERE idx = ?1", [to_sql(index)], |_| Ok(())).optional();
        Ok(self.try_sql(found)?.is_some())
    }

    /// The observations that match, in the order of the log, a page at a time. Ends after its first error.
    pub fn observations(&self, filter: &Filter) -> Observations<'_> {
        let (condition, values) = filter.sql();
        let columns = ObservationRow::COLUMNS;
        let query = format!("SELECT {columns} FROM observations WHERE {condition} AND idx >= ? ORDER BY idx LIMIT {PAGE_ROWS}");
        Observations { index: self, query, values, next: Some(0), page: VecDeque::new() }
    }

    /// Hands out everybody whom lists of candidates named, of one run or of all, in the order of the log.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn sightings(&self, run: Option<RunId>, mut each: impl FnMut(&SightingRow)) -> Result<(), Fault> {
        let columns = SightingRow::COLUMNS;
        let query = format!("SELECT {columns} FROM sightings WHERE ?1 IS NULL OR run = ?1 ORDER BY idx, place");
        let mut statement = self.try_sql(self.connection.prepare_cached(&query))?;
        let run = run.map_or(Value::Null, |run| run.to_string().into());
        let rows = self.try_sql(statement.query_map([run], SightingRow::read))?;
        for row in rows {
            each(&self.try_sql(row)?);
        }
        Ok(())
    }

    /// How many observations match, by the value of a column, in the order of that value; grades lowest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn counts(&self, by: Counted, filter: &Filter) -> Result<Vec<(String, u64)>, Fault> {
        let column = match by {
            Counted::Grade => "grade",
            Counted::Outcome => "outcome",
            Counted::Isp => "isp",
            Counted::Target => "target",
            Counted::Source => "source",
            Counted::Run => "run",
        };
        let (condition, values) = filter.sql();
        let query = format!(
            "SELECT {column}, count(*) FROM observations WHERE {condition} AND {column} IS NOT NULL GROUP BY 1 ORDER BY 1"
        );
        let read = |row: &rusqlite::Row<'_>| {
            let word = match row.get::<_, Value>(0)? {
                Value::Integer(rank) => grade(rank).map_or("", Grade::word).to_owned(),
                Value::Text(word) => word,
                Value::Null | Value::Real(_) | Value::Blob(_) => String::new(),
            };
            Ok((word, row.get::<_, i64>(1)?.unsigned_abs()))
        };
        self.rows(&query, values, read)
    }

    /// The last entries, oldest first.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn last_entries(&self, count: u32) -> Result<Vec<EntryRow>, Fault> {
        let columns = EntryRow::COLUMNS;
        let query = format!("SELECT * FROM (SELECT {columns} FROM entries ORDER BY idx DESC LIMIT ?) ORDER BY idx");
        self.rows(&query, vec![i64::from(count).into()], EntryRow::read)
    }

    /// The control notes with this tag, or all of them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn notes(&self, tag: Option<&str>) -> Result<Vec<NoteRow>, Fault> {
        let tag = tag.map_or(Value::Null, |tag| tag.to_owned().into());
        self.rows("SELECT idx, tag FROM notes WHERE ?1 IS NULL OR tag = ?1 ORDER BY idx", vec![tag], NoteRow::read)
    }

    /// The facts about a run, or about all of them.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn run_facts(&self, run: Option<RunId>) -> Result<Vec<RunRow>, Fault> {
        let run = run.map_or(Value::Null, |run| run.to_string().into());
        self.rows("SELECT idx, run, at_ms, kind FROM runs WHERE ?1 IS NULL OR run = ?1 ORDER BY idx", vec![run], RunRow::read)
    }

    fn rows<T>(
        &self,
        query: &str,
        values: Vec<Value>,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Fault> {
        let mut statement = self.try_sql(self.connection.prepare_cached(query))?;
        let rows = self.try_sql(statement.query_map(params_from_iter(values), read))?;
        rows.map(|row| self.try_sql(row)).collect()
    }

    /// A digest of every row of every table: two indexes of one log have the same, however they came about.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn digest(&self) -> Result<Digest, Fault> {
        self.try_sql(self.digest_rows())
    }

    fn digest_rows(&self) -> rusqlite::Result<Digest> {
        let mut digest = sha256(b"");
        for (table, order) in
            [("entries", "idx"), ("observations", "idx"), ("sightings", "idx, place"), ("notes", "idx"), ("runs", "idx")]
        {
            let mut statement = self.connection.prepare(&format!("SELECT * FROM {table} ORDER BY {order}"))?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let mut bytes = [digest.as_bytes().as_slice(), table.as_bytes()].concat();
                for column in 0..columns {
                    push(&mut bytes, row.get_ref(column)?);
                }
                digest = sha256(&bytes);
            }
        }
        Ok(digest)
    }
}

/// A value with its kind and length, so that no two rows have the same bytes.
fn push(bytes: &mut Vec<u8>, value: ValueRef<'_>) {
    let (kind, content) = match value {
        ValueRef::Null => (b'n', Vec::new()),
        ValueRef::Integer(number) => (b'i', number.to_be_bytes().to_vec()),
        ValueRef::Real(number) => (b'r', number.to_be_bytes().to_vec()),
        ValueRef::Text(text) => (b't', text.to_vec()),
        ValueRef::Blob(blob) => (b'b', blob.to_vec()),
    };
    bytes.push(kind);
    bytes.extend_from_slice(&(content.len() as u64).to_be_bytes());
    bytes.extend_from_slice(&content);
}

/// Observations in the order of the log.
#[derive(Debug)]
pub struct Observations<'a> {
    index: &'a Index,
    query: String,
    values: Vec<Value>,
    /// From which entry the next page starts; nothing when there is none.
    next: Option<u64>,
    page: VecDeque<ObservationRow>,
}

impl Observations<'_> {
    fn fetch(&mut self, from: u64) -> Result<(), Fault> {
        let mut values = self.values.clone();
        values.push(to_sql(from).into());
        self.page = self.index.rows(&self.query, values, ObservationRow::read)?.into();
        // A page that is not full is the last.
        self.next = self.page.back().filter(|_| self.page.len() == PAGE_ROWS).map(|last| last.index + 1);
        Ok(())
    }
}

impl Iterator for Observations<'_> {
    type Item = Result<ObservationRow, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.page.is_empty()
            && let Some(from) = self.next.take()
            && let Err(fault) = self.fetch(from)
        {
            return Some(Err(fault));
        }
        self.page.pop_front().map(Ok)
    }
}
