//! The index from outside, on logs of made-up entries.

use std::convert::Infallible;
use std::fs;

use evidence::candidates::Candidates;
use evidence::clock::ClockReading;
use evidence::control::{Close, Control, Erase};
use evidence::observation::{Found, Purpose, Source, Times, Volume};
use evidence::run::{Fact, RunFact};
use evidence::{
    Attribution, Blind, Class, Content, Digest, Direction, Encryption, Entry, Exclusion, Grade, InfoHashV1, KeyId, Leaf, Mono,
    Now, Numbered, Observation, Outcome, Part, PortRole, RunId, Signature, Stamp, Tag, TargetIds, Transport, Utc, Version,
    opening, sha256,
};
use proptest::prelude::*;

use super::*;

const NOON_MS: i64 = 1_788_264_000_000;

fn stamp(ms: i64) -> Stamp {
    Now { mono: Mono::from_us(0), utc: Utc::from_ms(NOON_MS + ms) }.stamp()
}

fn run(n: u8) -> RunId {
    RunId::from([n; 8])
}

fn target(n: u8) -> TargetIds {
    TargetIds::of_v1(InfoHashV1::from([n; 20]))
}

fn observation(n: u64, grade: Grade, outcome: Outcome) -> Observation {
    let digest = Digest::from([1; 32]);
    let ip = if n.is_multiple_of(2) { format!("203.0.113.{}", n % 200) } else { format!("[2001:db8::{n}]") };
    Observation {
        attribution: Attribution {
            asn: Some(2856),
            class: Class::Fixed,
            isp: (n.is_multiple_of(3)).then(|| "bt".into()),
            prefix: None,
            tables: vec![],
        },
        challenges: Vec::new(),
        choke: Vec::new(),
        claim: None,
        config_sha256: digest,
        direction: Direction::Outgoing,
        dossier_sha256: None,
        encryption: Encryption::None,
        extension: None,
        found: (!n.is_multiple_of(4)).then(|| Found {
            at: stamp(0),
            index: 0,
            list: digest,
            source: Source::Tracker,
            via: "http://tracker.example/announce".into(),
        }),
        grade,
        laboratory: false,
        mandates_sha256: vec![],
        mse_secret: None,
        observer: "192.0.2.1:40000".parse().unwrap(),
        outcome,
        peer: format!("{ip}:51413").parse().unwrap(),
        peer_id: None,
        port_role: PortRole::Listening,
        purpose: if n % 5 == 4 {
            Purpose::Control { about: digest, info_hash: InfoHashV1::from([9; 20]) }
        } else {
            Purpose::Probe
        },
        release_sha256: digest,
        rendezvous: None,
        reserved: None,
        run: run(1 + (n % 2) as u8),
        software: None,
        spoken: Version::V1,
        target: target((n % 3) as u8),
        times: Times {
            began: stamp(n as i64),
            connected: None,
            ended: stamp(n as i64 + 5000),
            error_ms: None,
            first_block: None,
            handshake: None,
            last_block: (grade == Grade::Served).then(|| stamp(n as i64 + 1000)),
            last_byte: None,
        },
        transcript_sha256: None,
        transport: Transport::Utp,
        volume: Volume::default(),
    }
}

fn entry(index: u64, part: Part, commitment: Digest, content: Content) -> Entry {
    let leaf = Leaf {
        kid: KeyId::from([2; 8]),
        seq: index,
        prev: sha256(b"prev"),
        part,
        commitment,
        signature: Signature::from([3; 64]),
    };
    Entry { index, leaf, content }
}

fn opened<T: serde::Serialize>(index: u64, tag: Tag, body: T) -> Entry {
    let line = opening::seal(tag, &Blind::from([7; 32]), &Numbered { body, kid: KeyId::from([2; 8]), seq: index }).unwrap();
    entry(index, Part::Audit, opening::commitment(&line), Content::Opening(line))
}

fn noted(index: u64, control: &Control) -> Entry {
    let note = format!("{}\n\u{2014} log.example.org/root AAAA\n", control.text().unwrap());
    entry(index, Part::Ctl, sha256(note.as_bytes()), Content::Note(note))
}

/// An entry of any kind.
fn made_up(index: u64) -> Entry {
    match index % 7 {
        0 => noted(index, &Control::Close(Close { size: index, finals: vec![] })),
        1 => opened(
            index,
            Tag::Clock,
            ClockReading { at: stamp(1), error_ms: None, run: run(1), source: "adjtimex".into(), synchronised: false },
        ),
        2 => opened(
            index,
            Tag::Run,
            RunFact {
                at: stamp(2),
                fact: Fact::Ended { observations: 1, piece_bytes_out: 0, reason: "idle".into() },
                run: run(1),
            },
        ),
        3 | 4 => opened(index, Tag::Obs, observation(index, Grade::Served, Outcome::Served { blocks: 1, pieces: 1 })),
        5 => opened(index, Tag::Obs, observation(index, Grade::Listed, Outcome::Refused)),
        _ => opened(index, Tag::Obs, observation(index, Grade::Listed, Outcome::Excluded { rule: Exclusion::Own })),
    }
}

fn log(entries: u64) -> Vec<Entry> {
    (0..entries).map(made_up).collect()
}

fn all_right(entries: &[Entry]) -> impl Iterator<Item = Result<Entry, Infallible>> + '_ {
    entries.iter().cloned().map(Ok)
}

#[derive(Debug, thiserror::Error)]
#[error("unreadable")]
struct Unreadable;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.sqlite");
    (folder, path)
}

#[test]
fn rows_say_what_the_log_says() {
    let (_folder, path) = folder();
    let entries = log(60);
    let index = Index::rebuild(&path, all_right(&entries)).unwrap();
    assert_eq!(index.next_index().unwrap(), 60);
    assert!(index.contains(59).unwrap() && !index.contains(60).unwrap());

    let rows: Vec<_> = index.observations(&Filter::default()).map(Result::unwrap).collect();
    assert!(rows.iter().map(|row| row.index).eq((0..60).filter(|index| index % 7 > 2)));
    let row = &rows[0];
    assert_eq!((row.index, row.peer, row.grade), (3, "[2001:db8::3]:51413".parse().unwrap(), Grade::Served));
    assert_eq!((row.at, row.run, row.transport.as_str()), (Utc::from_ms(NOON_MS + 1003), run(2), "utp"));
    assert_eq!((row.outcome.as_str(), row.asn, row.isp.as_deref()), ("served", Some(2856), Some("bt")));
    assert_eq!(
        (row.target.clone(), row.purpose.as_str(), row.source.as_deref()),
        (target(0).to_string(), "probe", Some("tracker"))
    );
    assert_eq!(rows[2].at, Utc::from_ms(NOON_MS + 5));

    let last = index.last_entries(2).unwrap();
    assert_eq!(
        last.iter().map(|row| (row.index, row.seq, row.tag.as_deref())).collect::<Vec<_>>(),
        [(58, 58, Some("affiant.run/1")), (59, 59, Some("affiant.obs/1"))]
    );
    assert_eq!(last[1].commitment, entries[59].leaf.commitment);
    assert_eq!(last[1].leaf, sha256(&[b"\0", entries[59].leaf.line().as_bytes()].concat()));
    assert!(index.notes(Some("affiant.close/1")).unwrap().iter().map(|row| row.index).eq((0..60).step_by(7)));
    assert_eq!(index.notes(None).unwrap().len(), 9);
    assert_eq!(index.notes(Some("affiant.erase/1")).unwrap(), []);
    assert_eq!(index.run_facts(Some(run(1))).unwrap().len(), index.run_facts(None).unwrap().len());
    assert_eq!((index.run_facts(None).unwrap()[0].kind.as_str(), index.run_facts(Some(run(9))).unwrap().len()), ("ended", 0));
}

#[test]
fn every_filter_narrows_as_it_says() {
    let (_folder, path) = folder();
    let entries = log(200);
    let index = Index::rebuild(&path, all_right(&entries)).unwrap();
    let bodies: Vec<(u64, Observation)> = entries
        .iter()
        .filter_map(|entry| match &entry.content {
            Content::Opening(line) if line.starts_with("affiant.obs") => {
                Some((entry.index, evidence::Opening::parse(line).unwrap().decode::<Numbered<Observation>>().unwrap().body))
            }
            _ => None,
        })
        .collect();
    let at = |body: &Observation| body.times.last_block.unwrap_or(body.times.began).utc;
    let edge = Utc::from_ms(NOON_MS + 100);
    type Holds<'a> = Box<dyn Fn(&Observation) -> bool + 'a>;
    let cases: Vec<(Filter, Holds<'_>)> = vec![
        (Filter { run: Some(run(2)), ..Filter::default() }, Box::new(|body| body.run == run(2))),
        (Filter { target: Some(target(1)), ..Filter::default() }, Box::new(|body| body.target == target(1))),
        (Filter { at_least: Some(Grade::Connected), ..Filter::default() }, Box::new(|body| body.grade >= Grade::Connected)),
        (Filter { at_least: Some(Grade::Listed), ..Filter::default() }, Box::new(|_| true)),
        (Filter { outcome: Some("refused".into()), ..Filter::default() }, Box::new(|body| body.outcome == Outcome::Refused)),
        (Filter { isp: Some("bt".into()), ..Filter::default() }, Box::new(|body| body.attribution.isp.is_some())),
        (Filter { asn: Some(1), ..Filter::default() }, Box::new(|_| false)),
        (
            Filter { ip: Some("203.0.113.4".parse().unwrap()), ..Filter::default() },
            Box::new(|body| body.peer.ip().to_string() == "203.0.113.4"),
        ),
        (
            Filter { ip: Some("::ffff:203.0.113.4".parse().unwrap()), ..Filter::default() },
            Box::new(|body| body.peer.ip().to_string() == "203.0.113.4"),
        ),
        (Filter { port: Some(51413), ..Filter::default() }, Box::new(|_| true)),
        (Filter { from: Some(edge), ..Filter::default() }, Box::new(move |body| at(body) >= edge)),
        (Filter { before: Some(edge), ..Filter::default() }, Box::new(move |body| at(body) < edge)),
        (Filter { control: Some(true), ..Filter::default() }, Box::new(|body| body.purpose != Purpose::Probe)),
        (
            Filter { control: Some(false), run: Some(run(1)), ..Filter::default() },
            Box::new(|body| body.purpose == Purpose::Probe && body.run == run(1)),
        ),
    ];
    for (filter, holds) in cases {
        let expected: Vec<u64> = bodies.iter().filter(|(_, body)| holds(body)).map(|(index, _)| *index).collect();
        let got: Vec<u64> = index.observations(&filter).map(|row| row.unwrap().index).collect();
        assert_eq!(got, expected, "{filter:?}");
        let counted: u64 = index.counts(Counted::Outcome, &filter).unwrap().iter().map(|(_, count)| count).sum();
        assert_eq!(counted, expected.len() as u64, "{filter:?}");
    }
}

#[test]
fn counts_are_by_word() {
    let (_folder, path) = folder();
    let index = Index::rebuild(&path, all_right(&log(70))).unwrap();
    let counts = |by| index.counts(by, &Filter::default()).unwrap();
    assert_eq!(counts(Counted::Grade), [("listed".into(), 20), ("served".into(), 20)]);
    assert_eq!(counts(Counted::Outcome), [("excluded".into(), 10), ("refused".into(), 10), ("served".into(), 20)]);
    assert_eq!(counts(Counted::Isp).len(), 1);
    assert_eq!(counts(Counted::Target).len(), 3);
    assert_eq!(counts(Counted::Source)[0].0, "tracker");
    assert_eq!(counts(Counted::Run).iter().map(|(_, count)| count).sum::<u64>(), 40);
}

#[test]
fn long_answers_come_in_pages_without_gaps() {
    let (_folder, path) = folder();
    let entries: Vec<_> =
        (0..2048 + 3).map(|index| opened(index, Tag::Obs, observation(index, Grade::Listed, Outcome::Refused))).collect();
    let index = Index::rebuild(&path, all_right(&entries)).unwrap();
    assert!(index.observations(&Filter::default()).map(|row| row.unwrap().index).eq(0..2051));
    let (_folder, path) = folder();
    let index = Index::rebuild(&path, all_right(&entries[..2048])).unwrap();
    assert_eq!(index.observations(&Filter::default()).count(), 2048);
}

#[test]
fn entries_out_of_order_and_other_logs_are_refused() {
    let (_folder, path) = folder();
    let entries = log(10);
    let mut index = Index::open(&path).unwrap();
    assert!(matches!(index.catch_up(all_right(&entries[1..])), Err(Fault::OutOfOrder { expected: 0, found: 1 })));
    assert_eq!(index.catch_up(all_right(&entries[..4])).unwrap(), 4);
    assert_eq!(index.catch_up(all_right(&entries)).unwrap(), 6);
    assert_eq!(index.catch_up(all_right(&entries[9..])).unwrap(), 0);
    let gap = [entries[9].clone(), made_up(11)];
    assert!(matches!(index.catch_up(all_right(&gap)), Err(Fault::OutOfOrder { expected: 10, found: 11 })));
    let mut other = entries[9].clone();
    other.leaf.commitment = sha256(b"other");
    let fault = index.catch_up(all_right(&[other])).unwrap_err();
    assert!(matches!(fault, Fault::OtherLog { index: 9, .. }) && fault.to_string().contains("affiant log reindex"), "{fault}");
    assert_eq!(index.next_index().unwrap(), 10);
}

#[test]
fn an_unreadable_log_or_entry_is_told_and_leaves_the_old_index() {
    let (_folder, path) = folder();
    let entries = log(10);
    let digest = Index::rebuild(&path, all_right(&entries)).unwrap().digest().unwrap();
    let broken = entries.iter().cloned().map(Ok).chain([Err(Unreadable)]);
    assert!(matches!(Index::rebuild(&path, broken), Err(Fault::Log(_))));
    for content in [
        Content::Opening("affiant.obs/1 \n".into()),
        Content::Opening(format!("affiant.obs/1 {} {{}}\n", "0".repeat(64))),
        Content::Note("affiant.close/1\nsize 1\n".into()),
        Content::Note("affiant.other/1\n\n\u{2014} x AAAA\n".into()),
    ] {
        let bad = Entry { content, ..made_up(0) };
        let fault = Index::rebuild(&path, all_right(&[bad])).unwrap_err();
        assert!(matches!(fault, Fault::Entry { index: 0, .. }), "{fault}");
    }
    assert_eq!(Index::open(&path).unwrap().digest().unwrap(), digest);
}

#[test]
fn other_files_are_refused_with_the_way_out() {
    let (_folder, path) = folder();
    let refused = |path: &Path| {
        let fault = Index::open(path).unwrap_err();
        assert!(fault.to_string().contains("affiant log reindex"), "{fault}");
        fault
    };
    fs::write(&path, "not a database, and longer than the sixteen bytes of a header").unwrap();
    assert!(matches!(refused(&path), Fault::Damaged { .. }));
    Index::rebuild(&path, all_right(&log(3))).unwrap();

    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(refused(&path), Fault::Version { found: 99, .. }));
    connection.pragma_update(None, "application_id", 1).unwrap();
    assert!(matches!(refused(&path), Fault::Damaged { .. }));
    drop(connection);

    let (_folder, path) = folder();
    Index::rebuild(&path, all_right(&log(300))).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    bytes[4096..].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    let index = Index::open(&path).unwrap();
    let fault = index.digest().unwrap_err();
    assert!(fault.to_string().contains("affiant log reindex"), "{fault}");
    drop(index);
    Index::rebuild(&path, all_right(&log(300))).unwrap().digest().unwrap();
}

#[test]
fn what_is_forgotten_is_gone_from_the_file() {
    let (_folder, path) = folder();
    let mut entries = log(40);
    let mut index = Index::rebuild(&path, all_right(&entries)).unwrap();
    let address = b"2001:db8::3";
    let held = |path: &Path| {
        fs::read(path)
            .unwrap()
            .windows(address.len() + 1)
            .any(|bytes| bytes.starts_with(address) && !bytes[address.len()].is_ascii_hexdigit())
    };
    assert!(held(&path));
    index.forget(3).unwrap();
    assert!(!held(&path));
    assert_eq!(index.observations(&Filter::default()).next().unwrap().unwrap().index, 4);
    assert!(index.contains(3).unwrap());
    // The same as if the log had never shown the opening.
    entries[3].content = Content::Absent;
    let digest = index.digest().unwrap();
    assert_eq!(Index::rebuild(&path, all_right(&entries)).unwrap().digest().unwrap(), digest);
}

fn listed(index: u64, n: u8, peers: &[&str]) -> Entry {
    let list = Candidates {
        answer_sha256: sha256(b"answer"),
        at: stamp(9),
        dropped: 0,
        peers: peers.iter().map(|peer| peer.parse().unwrap()).collect(),
        run: run(n),
        source: Source::Dht,
        spoken: Some(Version::V1),
        target: target(n),
        via: "dht".into(),
    };
    opened(index, Tag::Cand, list)
}

#[test]
fn whoever_a_list_named_is_kept_until_the_list_is_erased() {
    let (_folder, path) = folder();
    let mut entries = vec![listed(0, 1, &["203.0.113.7:1", "[2001:db8::7]:2"]), listed(1, 2, &["203.0.113.8:1"])];
    let mut index = Index::open(&path).unwrap();
    index.catch_up(all_right(&entries)).unwrap();
    let seen = |index: &Index, run| {
        let mut rows = Vec::new();
        index.sightings(run, |row| rows.push(row.clone())).unwrap();
        rows
    };
    let rows = seen(&index, None);
    assert_eq!(rows.iter().map(|row| (row.index, row.place)).collect::<Vec<_>>(), [(0, 0), (0, 1), (1, 0)]);
    let SightingRow { at, peer, target: about, source, .. } = &rows[1];
    assert_eq!((*at, peer.to_string().as_str()), (Utc::from_ms(NOON_MS + 9), "[2001:db8::7]:2"));
    assert_eq!((about.as_str(), source.as_str()), (target(1).to_string().as_str(), "dht"));
    assert_eq!(seen(&index, Some(run(2))), rows[2..]);

    entries.push(noted(2, &Control::Erase(Erase { index: 0, leaf: sha256(b""), basis: "retention".into() })));
    index.catch_up(all_right(&entries)).unwrap();
    assert_eq!(seen(&index, None), rows[2..]);
    let digest = index.digest().unwrap();
    entries[0].content = Content::Absent;
    assert_eq!(Index::rebuild(&path, all_right(&entries)).unwrap().digest().unwrap(), digest);
}

#[test]
fn an_observation_says_how_and_when_it_began() {
    let (_folder, path) = folder();
    let mut body = observation(3, Grade::Served, Outcome::Excluded { rule: Exclusion::Own });
    (body.direction, body.encryption) = (Direction::Incoming, Encryption::MseRc4);
    let index = Index::rebuild(&path, all_right(&[opened(0, Tag::Obs, body)])).unwrap();
    let row = index.observations(&Filter::default()).next().unwrap().unwrap();
    assert_eq!((row.direction, row.is_covered, row.rule.as_deref()), (Direction::Incoming, true, Some("own")));
    assert_eq!((row.began, row.at, row.listening_port), (Utc::from_ms(NOON_MS + 3), Utc::from_ms(NOON_MS + 1003), None));
}

#[test]
fn an_erase_note_makes_the_index_forget() {
    let (_folder, path) = folder();
    let mut entries = log(6);
    entries.push(noted(6, &Control::Erase(Erase { index: 3, leaf: sha256(b""), basis: "retention".into() })));
    let mut index = Index::open(&path).unwrap();
    index.catch_up(all_right(&entries)).unwrap();
    assert!(index.observations(&Filter::default()).all(|row| row.unwrap().index != 3));
    let digest = index.digest().unwrap();
    entries[3].content = Content::Absent;
    assert_eq!(Index::rebuild(&path, all_right(&entries)).unwrap().digest().unwrap(), digest);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keeping_up_and_starting_over_give_the_same_rows(steps in prop::collection::vec(0_u64..40, 1..6), reopen in any::<bool>()) {
        let entries = log(steps.iter().sum());
        let (_folder, path) = folder();
        let mut index = Index::open(&path).unwrap();
        let mut end = 0;
        for step in steps {
            end += step as usize;
            if reopen {
                drop(index);
                index = Index::open(&path).unwrap();
            }
            prop_assert_eq!(index.catch_up(all_right(&entries[..end])).unwrap(), step);
        }
        let (_other_folder, other) = folder();
        let rebuilt = Index::rebuild(&other, all_right(&entries)).unwrap();
        prop_assert_eq!(index.digest().unwrap(), rebuilt.digest().unwrap());
        if let Some(last) = entries.len().checked_sub(1) {
            rebuilt.connection.execute("UPDATE entries SET seq = seq + 1 WHERE idx = ?1", [last as i64]).unwrap();
            prop_assert_ne!(index.digest().unwrap(), rebuilt.digest().unwrap());
        }
    }
}
