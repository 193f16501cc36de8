//! Every system call by which a ledger touches its files fails once, or is the last that its process makes.
//!
//! The work runs in a process of its own under strace, which makes the n-th call of a kind fail with EIO or ENOSPC, or
//! kills the process there. Afterwards the station is opened as usual: nothing that was acknowledged may be missing,
//! nothing half there, and `fsck` is clean.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::*;

/// The calls that change a file, or make it durable, or open it.
const CALLS: [&str; 10] = ["openat", "write", "fsync", "fdatasync", "syncfs", "rename", "mkdir", "unlink", "ftruncate", "flock"];
const FAULTS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];
const ME: &str = "ledger::tests::faults::the_work";
const STATION: &str = "AFFIANT_TEST_FAULTS_STATION";
const ACKS: &str = "AFFIANT_TEST_FAULTS_ACKS";

/// Founds a station, logs, checkpoints, opens it again and logs more; says what was acknowledged, and stops at the
/// first fault. Does nothing unless a test of this file starts it.
#[test]
fn the_work() {
    let (Some(station), Ok(acks)) = (std::env::var_os(STATION), std::env::var(ACKS)) else { return };
    // Not by a pipe or a file: writing to one is among the calls that fail.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(acks).unwrap();
    let say = |acked: &[Acked]| {
        for acked in acked {
            socket.send(format!("{} {}", acked.index, acked.leaf).as_bytes()).unwrap();
        }
    };
    if let Err(fault) = work(Path::new(&station), say) {
        socket.send(format!("fault {fault}").as_bytes()).unwrap();
    }
    socket.send(b"done").unwrap();
}

fn work(station: &Path, say: impl Fn(&[Acked])) -> Result<(), Fault> {
    let mut ledger = Ledger::create(station, founding())?;
    for round in 0..2 {
        say(&ledger.append_records((0..3).map(|n| served(10 * round + n)).collect())?);
        say(&ledger.append_records(vec![refused(90 + round), clock(1_000)])?);
        let person: AnalystKey = key(&format!("person {round}"));
        say(&[ledger.delegate(&key("root"), Role::Analyst, Some("A. Person"), &person.public())?]);
        ledger.checkpoint()?;
        drop(ledger);
        ledger = Ledger::open(station, NOON.plus_ms(60_000))?;
    }
    say(&[ledger.close(&key("root"))?]);
    ledger.checkpoint()?;
    Ok(())
}

/// What a process said before it ended.
struct Ran {
    acks: BTreeMap<u64, String>,
    faults: Vec<String>,
    is_done: bool,
    calls: BTreeMap<String, usize>,
}

/// Runs the work under strace, which sees only the calls that touch one of `paths`.
fn run(folder: &Path, paths: &BTreeSet<PathBuf>, inject: Option<&str>) -> Ran {
    let (station, log) = (folder.join("station"), folder.join("trace"));
    let listener = UdpSocket::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(&log).args(["-e", &format!("trace={}", CALLS.join(","))]);
    if let Some(inject) = inject {
        command.args(["-e", &format!("inject={inject}")]);
    }
    for path in paths {
        command.arg("-P").arg(station.join(path));
    }
    command.arg(std::env::current_exe().unwrap()).args(["--exact", ME, "--test-threads", "1"]);
    command.env(STATION, &station).env(ACKS, listener.local_addr().unwrap().to_string());
    let Output { stdout, stderr, .. } = command.output().expect("strace is installed");
    let said = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(!said.contains("panicked"), "{inject:?}: {said}");

    let mut ran = Ran { acks: BTreeMap::new(), faults: Vec::new(), is_done: false, calls: BTreeMap::new() };
    let mut bytes = [0; 4096];
    while let Ok(count) = listener.recv(&mut bytes) {
        match str::from_utf8(&bytes[..count]).unwrap().split_once(' ') {
            Some(("fault", why)) => ran.faults.push(why.into()),
            Some((index, leaf)) => drop(ran.acks.insert(index.parse().unwrap(), leaf.into())),
            None => ran.is_done = true,
        }
    }
    for line in fs::read_to_string(&log).unwrap().lines() {
        let call = line.split_once(' ').and_then(|(_, call)| call.trim_start().split_once('(')).map(|(name, _)| name);
        if let Some(name) = call.filter(|name| CALLS.contains(name)) {
            *ran.calls.entry(name.into()).or_default() += 1;
        }
    }
    ran
}

/// Everything below a folder, itself included, relative to it, and the name that each file has before it is finished.
fn paths_below(station: &Path) -> BTreeSet<PathBuf> {
    let mut paths = BTreeSet::from([PathBuf::new()]);
    let mut folders = vec![station.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path().strip_prefix(station).unwrap().to_path_buf();
            match entry.file_type().unwrap().is_dir() {
                true => folders.push(entry.path()),
                false => drop(paths.insert(PathBuf::from(format!("{}{}", path.display(), durable::UNFINISHED)))),
            }
            paths.insert(path);
        }
    }
    paths
}

/// Opens the station as the next process would, and compares it with what was acknowledged.
fn assert_recovers(station: &Path, ran: &Ran, what: &str) {
    match Ledger::open(station, NOON.plus_ms(60_000)) {
        Ok(ledger) => drop(ledger),
        // A founding that was interrupted acknowledged nothing.
        Err(fault) => {
            assert!(ran.acks.is_empty(), "{what}: {} were acknowledged, and then: {fault}", ran.acks.len());
            assert!(!station.join("log/2026-09/anchor.txt").exists(), "{what}: {fault}");
            return;
        }
    }
    let report = check(station);
    assert!(report.is_clean(), "{what}: {report}");
    let leaves = fs::read_to_string(station.join("log/2026-09/leaves.log")).unwrap();
    let leaves: Vec<String> = leaves.split_inclusive('\n').map(|line| leaf_hash(line.as_bytes()).to_string()).collect();
    for (index, leaf) in &ran.acks {
        let found = leaves.get(usize::try_from(*index).unwrap());
        assert_eq!(found, Some(leaf), "{what}: entry {index} was acknowledged");
    }
}

#[test]
fn every_call_that_touches_a_file_may_fail_or_be_the_last() {
    if Command::new("strace").arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "strace is missing");
        eprintln!("NOT RUN: strace is missing");
        return;
    }
    let first = folder();
    let ran = run(first.path(), &BTreeSet::new(), None);
    assert!(ran.is_done && ran.faults.is_empty(), "{:?}", ran.faults);
    assert_eq!(ran.acks.len(), 13);
    let paths = paths_below(&first.path().join("station"));

    let second = folder();
    let whole = run(second.path(), &paths, None);
    assert!(CALLS.iter().filter(|call| !["syncfs", "unlink", "ftruncate"].contains(call)).all(|call| whole.calls[*call] > 0));
    let mut runs = 0;
    for (call, count) in &whole.calls {
        for nth in 1..=*count {
            for fault in FAULTS {
                let folder = folder();
                let what = format!("{call} {nth} of {count}: {fault}");
                let ran = run(folder.path(), &paths, Some(&format!("{call}:{fault}:when={nth}")));
                match fault {
                    "signal=KILL" => assert!(!ran.is_done, "{what}: the process outlived its kill"),
                    // Nothing depends on a leftover that stays, or was never there.
                    _ if call == "unlink" => assert!(ran.is_done, "{what}"),
                    _ => assert!(!ran.faults.is_empty(), "{what}: passed over in silence"),
                }
                assert_recovers(&folder.path().join("station"), &ran, &what);
                runs += 1;
            }
        }
    }
    eprintln!("{runs} faults");
    assert!(runs > 300, "{runs}");
}
