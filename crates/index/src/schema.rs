//! The tables.

use std::time::Duration;

use crate::{Fault, Index};

/// Counts the layouts; another one is never read, only built again.
pub(crate) const VERSION: i64 = 2;

/// Marks the file as ours (`affi` in ASCII).
const APPLICATION: i64 = 0x6166_6669;

/// A writer waits this long for a reader's page, and the other way round.
const BUSY_WAIT: Duration = Duration::from_secs(10);

const TABLES: &str = "
    CREATE TABLE entries (
        idx INTEGER PRIMARY KEY,
        kid TEXT NOT NULL,
        seq INTEGER NOT NULL,
        part TEXT NOT NULL,
        commitment BLOB NOT NULL,
        leaf BLOB NOT NULL,
        tag TEXT
    ) STRICT;
    CREATE TABLE observations (
        idx INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        ip TEXT NOT NULL,
        port INTEGER NOT NULL,
        transport TEXT NOT NULL,
        target TEXT NOT NULL,
        run TEXT NOT NULL,
        grade INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        asn INTEGER,
        isp TEXT,
        purpose TEXT NOT NULL,
        source TEXT,
        began_ms INTEGER NOT NULL,
        direction TEXT NOT NULL,
        covered INTEGER NOT NULL,
        rule TEXT,
        listening_port INTEGER
    ) STRICT;
    CREATE TABLE sightings (
        idx INTEGER NOT NULL,
        place INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        ip TEXT NOT NULL,
        port INTEGER NOT NULL,
        target TEXT NOT NULL,
        run TEXT NOT NULL,
        source TEXT NOT NULL,
        PRIMARY KEY (idx, place)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX observations_by_peer ON observations (ip, port);
    CREATE INDEX observations_by_grade ON observations (grade);
    CREATE TABLE notes (idx INTEGER PRIMARY KEY, tag TEXT NOT NULL) STRICT;
    CREATE TABLE runs (idx INTEGER PRIMARY KEY, run TEXT NOT NULL, at_ms INTEGER NOT NULL, kind TEXT NOT NULL) STRICT;
";

impl Index {
    /// Makes the tables in an empty file; refuses any file but ours.
    pub(crate) fn prepare(&self) -> Result<(), Fault> {
        self.try_sql(self.connection.busy_timeout(BUSY_WAIT))?;
        let version = self.pragma("user_version")?;
        let application = self.pragma("application_id")?;
        let tables: i64 = self.try_sql(self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)))?;
        if (version, application, tables) == (0, 0, 0) {
            let script = format!(
                "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; COMMIT;"
            );
            self.try_sql(self.connection.execute_batch(&script))?;
        } else if application != APPLICATION {
            return Err(Fault::Damaged { path: self.path.clone(), why: "it is another program's database".into() });
        } else if version != VERSION {
            return Err(Fault::Version { path: self.path.clone(), found: version });
        }
        // What is deleted is overwritten, and the journal does not keep it either: erased means erased.
        self.try_sql(
            self.connection
                .execute_batch("PRAGMA secure_delete = ON; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL;"),
        )
    }

    fn pragma(&self, name: &str) -> Result<i64, Fault> {
        self.try_sql(self.connection.pragma_query_value(None, name, |row| row.get(0)))
    }
}
