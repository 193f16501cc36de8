//! A ledger in a passing folder, and what is in it after a run.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crawler::{Clock, Progress, Summary, WatchError, WatchPlan, stopper, watch};
use evidence::candidates::Candidates;
use evidence::run::{Fact, RunFact};
use evidence::{Attribution, Content, Digest, Entry, Numbered, Observation, Opening, Tag, Utc, opening};
use ledger::{Founding, Keys, Ledger, Month, Reader, Writer};

pub struct Station {
    pub folder: tempfile::TempDir,
    pub clock: Arc<dyn Clock>,
    writer: Writer,
    pub appender: ledger::Appender,
}

impl Station {
    pub fn found() -> Self {
        Self::with(super::clock())
    }

    pub fn with(clock: Arc<dyn Clock>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let now = clock.now().utc;
        let month: Month = now.date().to_string()[..7].parse().unwrap();
        let founding = Founding {
            name: "log.example.org".into(),
            month,
            now,
            not_before: now.plus_ms(-3_600_000),
            not_after: now.plus_ms(3_600_000),
            keys: Keys::generate().unwrap(),
            witnesses: Vec::new(),
            quorum: 0,
        };
        let ledger = Ledger::create(folder.path(), founding).unwrap();
        let (writer, appender) = Writer::start(ledger).unwrap();
        Self { folder, clock, writer, appender }
    }

    /// Runs a plan to its own end.
    pub async fn watch(self, plan: WatchPlan) -> (Result<Summary, WatchError>, Log) {
        self.attributed(plan, super::nowhere).await
    }

    /// The same, with an attribution of the test's own.
    pub async fn attributed(
        self,
        plan: WatchPlan,
        attribute: impl Fn(IpAddr, Utc) -> Attribution + Send + Sync + 'static,
    ) -> (Result<Summary, WatchError>, Log) {
        let (_stopper, stop) = stopper();
        let result = watch(plan, self.appender.clone(), attribute, Arc::clone(&self.clock), stop, |_: &Progress| {}).await;
        (result, self.close().await)
    }

    pub async fn close(self) -> Log {
        self.writer.finish().await.unwrap();
        Log::read(self.folder.path())
    }
}

/// All records, in order, with their commitments.
#[derive(Default)]
pub struct Log {
    pub observations: Vec<(Digest, Observation)>,
    pub lists: Vec<(Digest, Candidates)>,
    pub facts: Vec<Fact>,
    pub clocks: usize,
    /// `l` for a list, `o` for an observation, in log order.
    pub order: Vec<(char, Digest)>,
    pub transcripts: BTreeMap<Digest, Vec<u8>>,
}

impl Log {
    pub fn read(folder: &std::path::Path) -> Self {
        let reader = Reader::of_station(folder).unwrap();
        let mut log = Self::default();
        for entry in reader.entries().unwrap() {
            let Entry { content: Content::Opening(line), .. } = entry.unwrap() else { continue };
            let commitment = opening::commitment(&line);
            let opening = Opening::parse(&line).unwrap();
            match opening.tag {
                Tag::Obs => {
                    let body = opening.decode::<Numbered<Observation>>().unwrap().body;
                    if let Some(digest) = body.transcript_sha256 {
                        log.transcripts.insert(digest, reader.transcript(digest).unwrap().expect("an attachment"));
                    }
                    log.order.push(('o', commitment));
                    log.observations.push((commitment, body));
                }
                Tag::Cand => {
                    log.order.push(('l', commitment));
                    log.lists.push((commitment, opening.decode::<Numbered<Candidates>>().unwrap().body));
                }
                Tag::Run => log.facts.push(opening.decode::<Numbered<RunFact>>().unwrap().body.fact),
                Tag::Clock => log.clocks += 1,
            }
        }
        log
    }

    /// The observations of one peer, probes first.
    pub fn of(&self, peer: SocketAddr) -> Vec<&Observation> {
        self.observations.iter().map(|(_, observation)| observation).filter(|observation| observation.peer == peer).collect()
    }
}
