//! `affiant watch` is killed at random points, on one station all along: nothing that it acknowledged is ever lost.
//!
//! The program prints each acknowledgement (`--print-acks`), so what it promised is known from outside.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Read as _},
    net::Ipv4Addr,
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use evidence::{Digest, Leaf, run::Fact};
use swarmlab::behaviour::Mix;

use crate::{laboratory::Laboratory, station::Station};

const KILLS: usize = 50;
/// Makes the delays.
const SEED: u64 = 0x5eed_0221;
/// One kill in this many falls anywhere from the start of the program on; the others once records are in flight.
const EARLY_EVERY: usize = 5;

#[test]
fn nothing_acknowledged_is_lost_to_a_kill() {
    let laboratory = Laboratory::start(221);
    let crowd = laboratory.crowd(200, Mix::demo().with_seed(221));
    let station = Station::ready(&laboratory, Ipv4Addr::new(127, 2, 21, 1));
    let mut chance = Chance(SEED);
    let mut promised: BTreeMap<u64, Digest> = BTreeMap::new();
    let mut kept = leaves(&station);
    for round in 0..KILLS {
        let before = promised.len();
        let is_early = round % EARLY_EVERY == EARLY_EVERY - 1;
        let killed = watch_and_kill(&station, &mut chance, is_early);
        let first = killed.acks.first().map_or(u64::MAX, |(index, _)| *index);
        for (index, commitment) in killed.acks {
            let earlier = promised.insert(index, commitment);
            assert_eq!(earlier, None, "round {round}: entry {index} was acknowledged twice");
        }
        let awaited = killed.awaited;
        assert!(promised.len() >= before + awaited, "round {round}: the run ended after fewer than {awaited}: {}", killed.stderr);

        // The log goes on where it was: every line of the last round is still there, and new ones come after.
        let found = leaves(&station);
        assert!(found.starts_with(&kept), "round {round}: lines of the log changed or vanished");
        assert!(first >= line_count(&kept), "round {round}: entry {first} was promised again");
        assert_promises(round, &found, &promised);
        // This recovers as the next run would; what was promised survives that too.
        station.assert_sound();
        let recovered = leaves(&station);
        assert!(found.starts_with(&recovered) && recovered.starts_with(&kept), "round {round}: recovery changed the past");
        assert_promises(round, &recovered, &promised);
        kept = recovered;
    }
    assert!(promised.len() > 10 * KILLS, "only {} records were acknowledged", promised.len());

    let watched = station.watch();
    assert_eq!((&watched["reason"], &watched["peers"]), (&"idle".into(), &200.into()));
    station.assert_sound();
    let ended = station.facts().into_iter().filter(|fact| matches!(fact.fact, Fact::Ended { .. })).count();
    assert_eq!(ended, 1, "only the last run ended in order");
    assert_eq!(station.yes(["status"])["entries"], watched["entries"]);
    assert!(leaves(&station).starts_with(&kept));
    assert!(crowd.farm.report().nothing_was_offered());
}

/// What a run said before it was killed.
struct Killed {
    /// How many acknowledgements the kill waited for.
    awaited: usize,
    acks: Vec<(u64, Digest)>,
    stderr: String,
}

fn watch_and_kill(station: &Station, chance: &mut Chance, is_early: bool) -> Killed {
    let mut command = station.command(["watch", "--print-acks", "--for", "60s"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = read_acks(&mut child);
    let mut acks = Vec::new();
    let awaited = if is_early {
        thread::sleep(Duration::from_millis(chance.below(1_000)));
        0
    } else {
        // However busy the machine is, records are in flight by then: a run logs more than 200.
        let awaited = usize::try_from(5 + chance.below(40)).unwrap();
        // Fewer come if the program ended by itself, which the caller then shows.
        let mut come = (0..awaited).map_while(|_| lines.recv_timeout(Duration::from_secs(60)).ok());
        acks.extend(&mut come);
        thread::sleep(Duration::from_millis(20 + chance.below(381)));
        awaited
    };
    child.kill().unwrap();
    child.wait().unwrap();
    acks.extend(lines.iter());
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert!(!stderr.contains("panicked"), "{stderr}");
    Killed { awaited, acks, stderr }
}

/// Reads acknowledgements as they come. The last line may be torn by the kill, and then promises nothing.
fn read_acks(child: &mut Child) -> Receiver<(u64, Digest)> {
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut line = String::new();
        while stdout.read_line(&mut line).is_ok_and(|read| read > 0) && line.ends_with('\n') {
            let mut words = line.split_whitespace();
            assert_eq!(words.next(), Some("ack"), "{line}");
            let index = words.next().unwrap().parse().unwrap();
            let commitment = words.next().unwrap().parse().unwrap();
            if sender.send((index, commitment)).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// The whole lines of `leaves.log`.
fn leaves(station: &Station) -> String {
    let shard = ledger::Reader::of_station(&station.dir()).unwrap().shard();
    let mut text = std::fs::read_to_string(shard.join("leaves.log")).unwrap();
    text.truncate(text.rfind('\n').map_or(0, |end| end + 1));
    text
}

fn line_count(text: &str) -> u64 {
    text.lines().count() as u64
}

fn assert_promises(round: usize, leaves: &str, promised: &BTreeMap<u64, Digest>) {
    let lines: Vec<&str> = leaves.split_inclusive('\n').collect();
    for (index, commitment) in promised {
        let line = lines.get(usize::try_from(*index).unwrap());
        let leaf = line.map(|line| Leaf::parse(line).unwrap().commitment);
        assert_eq!(leaf, Some(*commitment), "round {round}: entry {index} was acknowledged and is not in the log");
    }
}

/// Numbers from a seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}
