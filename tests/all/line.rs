//! From a swarm to verified bundles, by the commands of the built program.

use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    time::Duration,
};

use evidence::{Cir, Grade, run::Fact};
use serde_json::Value;
use swarmlab::behaviour::{Behaviour, Mix};

use crate::{
    laboratory::Laboratory,
    station::{APPROVER, INVESTIGATOR, REVIEWERS, Station, today},
};

fn monitor(test: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 2, test, 1)
}

fn issue(station: &Station, out: &str, more: &[&str]) -> Vec<String> {
    let words = ["issue", "--by", INVESTIGATOR, "--approver", APPROVER, "--out", &station.beside(out)];
    words.iter().chain(more).map(ToString::to_string).collect()
}

/// The peers that the reports of a bundle name.
fn reported(bundle: &Path) -> BTreeSet<SocketAddr> {
    let folders = std::fs::read_dir(bundle.join("data/cirs")).unwrap();
    let cirs = folders.map(|folder| std::fs::read_to_string(folder.unwrap().path().join("cir.json")).unwrap());
    cirs.map(|text| serde_json::from_str::<Cir>(&text).unwrap().peer.address).collect()
}

/// Folder and zip of each bundle that was issued.
fn places(issued: &Value) -> Vec<String> {
    let bundles = issued["bundles"].as_array().unwrap().iter();
    bundles.flat_map(|bundle| [&bundle["folder"], &bundle["zip"]].map(|place| place.as_str().unwrap().to_string())).collect()
}

/// The sum of the values of an object.
fn sum(object: &Value) -> u64 {
    object.as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
}

/// The index's coverage is that of the process report, which is the log's, and both count everybody once.
fn same_coverage(coverage: &Value, audit: &Path, sharers: u64) {
    let [torrent] = &coverage.as_array().unwrap()[..] else { panic!("one torrent was watched: {coverage}") };
    let (funnel, missed) = (&torrent["funnel"], &torrent["missed"]);
    assert_eq!((&funnel["heard"], &funnel["reported"]), (&120.into(), &sharers.into()), "{torrent:#}");
    let (heard, reached) = (funnel["heard"].as_u64().unwrap(), funnel["reached"].as_u64().unwrap());
    assert_eq!(missed["missed"].as_u64().unwrap(), heard - reached);
    assert_eq!(sum(&missed["reasons"]), heard - reached);
    assert_eq!(torrent["by_source"]["tracker"]["funnel"]["served"], funnel["served"]);
    let hours = torrent["hours"].as_array().unwrap();
    assert_eq!(hours.iter().map(|hour| hour["new"].as_u64().unwrap()).sum::<u64>(), heard);
    assert!(hours.iter().all(|hour| hour["took_part"]["estimate"]["none"].is_string()), "trackers alone: {hours:#?}");

    let report: Value = serde_json::from_slice(&std::fs::read(audit.join("data/process-report.json")).unwrap()).unwrap();
    let section = report["sections"].as_array().unwrap().iter().find(|section| section["number"] == 16).unwrap();
    let figures = section["blocks"].as_array().unwrap().iter().filter(|block| block["block"] == "figures");
    let figures: Vec<&Value> = figures.flat_map(|block| block["figures"].as_array().unwrap()).collect();
    for (label, count) in [
        ("Heard of, and free to be contacted", heard),
        ("Reached", reached),
        ("Missed: never reached by any means", heard - reached),
    ] {
        let figure = figures.iter().find(|figure| figure["label"] == label).unwrap();
        assert_eq!(figure["value"], count.to_string(), "{label}");
    }
}

#[test]
fn a_swarm_becomes_verified_bundles() {
    let laboratory = Laboratory::start(201);
    let crowd = laboratory.crowd(120, Mix::demo().with_seed(201));
    let sharers = crowd.truth.sharers().count() as u64;
    let station = Station::ready(&laboratory, monitor(1));

    let watched = station.watch();
    assert_eq!(watched["reason"], "idle");
    assert_eq!(watched["peers"], 120);
    assert!(crowd.farm.report().nothing_was_offered());
    station.assert_sound();

    let status = station.yes(["status"]);
    assert_eq!(status["entries"], watched["entries"]);
    assert_eq!(status["mandates_in_force"], serde_json::json!(["laboratory-film"]));
    assert_eq!((&status["dossiers_approved"], &status["closed"]), (&1.into(), &false.into()));
    assert!(status["probes_by_grade"]["served"].as_u64().unwrap() >= sharers, "{status}");
    assert_eq!(status["due"]["reported"], 0);

    let same_person = ["issue", "--by", APPROVER, "--approver", APPROVER, "--out", &station.beside("never")];
    station.refused(same_person, "cannot approve the issue: it needs another person");
    let stranger = ["issue", "--by", INVESTIGATOR, "--approver", "N. Obody", "--out", &station.beside("never")];
    station.refused(stranger, "belongs to the approver 'N. Obody'");

    let dry = station.yes(issue(&station, "bundles", &["--dry-run"]));
    assert_eq!(dry["reports"], sharers, "{dry}");
    assert!(!Path::new(&station.beside("bundles")).exists() && !Path::new(&station.beside("never")).exists());
    assert_eq!(station.yes(["status"])["entries"], watched["entries"], "a dry run logs nothing");

    let issued = station.yes(issue(&station, "bundles", &[]));
    assert_eq!((&issued["reports"], &issued["refused"]), (&dry["reports"], &dry["refused"]));
    assert_eq!(sum(&issued["reports_by_isp"]), sharers);
    let confusion = crowd.truth.confusion(reported(Path::new(&station.beside("bundles/audit"))));
    assert!(confusion.is_perfect(), "{confusion:#?}");

    let anchor = station.anchor_sha256();
    assert_eq!(places(&issued).len(), 2 * 6, "five ISPs and the auditor, each as a folder and a zip");
    for place in places(&issued) {
        let verdict = station.yes(["verify", &place, "--anchor-sha256", &anchor]);
        assert_eq!((&verdict["valid"], &verdict["state"]), (&true.into(), &"interim".into()), "{place}: {verdict:#}");
    }
    let another = "0".repeat(64);
    assert_eq!(station.no(["verify", &places(&issued)[0], "--anchor-sha256", &another])["valid"], false);

    let status = station.yes(["status", "--last-run"]);
    assert_eq!(status["due"]["reported"], sharers);
    same_coverage(&status["coverage"], Path::new(&station.beside("bundles/audit")), sharers);
    assert_eq!(station.no(issue(&station, "second", &[]))["reports"], 0);
    assert!(!Path::new(&station.beside("second")).exists());
    station.assert_sound();
}

#[test]
fn the_last_issue_of_a_shard_is_complete() {
    let laboratory = Laboratory::start(202);
    let crowd = laboratory.crowd(10, Mix::only(Behaviour::Seed));
    let station = Station::ready(&laboratory, monitor(2));
    station.watch();
    let issued = station.yes(issue(&station, "bundles", &["--close"]));
    assert_eq!(issued["reports"], 10);
    assert!(crowd.truth.confusion(reported(Path::new(&station.beside("bundles/audit")))).is_perfect());
    let anchor = station.anchor_sha256();
    for place in places(&issued) {
        let verdict = station.yes(["verify", &place, "--anchor-sha256", &anchor]);
        assert_eq!((&verdict["valid"], &verdict["state"]), (&true.into(), &"complete".into()), "{place}: {verdict:#}");
    }
    assert_eq!(station.yes(["status"])["closed"], true);
    station.refused(["watch", "--for", "1s"], "the shard is closed");
    station.assert_sound();
}

/// Whoever else would write, or check what is being written, is refused; an interrupt ends the run in order.
#[test]
fn a_run_has_the_station_to_itself_and_ends_when_asked() {
    let laboratory = Laboratory::start(207);
    let _crowd = laboratory.crowd(10, Mix::only(Behaviour::Seed));
    let station = Station::ready(&laboratory, monitor(7));
    let mut run = station.command(["watch"]).stdout(Stdio::piped()).spawn().unwrap();
    while laboratory.tracker.log().is_empty() {
        assert!(run.try_wait().unwrap().is_none(), "the run ended by itself");
        std::thread::sleep(Duration::from_millis(50));
    }
    for words in [&["log", "fsck"][..], &["log", "checkpoint"], &["watch", "--for", "1s"], &["people", "add", "D. Reviewer"]] {
        station.refused(words, "another process works on this folder");
    }
    station.yes(["status"]);
    rustix::process::kill_process(rustix::process::Pid::from_child(&run), rustix::process::Signal::INT).unwrap();
    let ended = run.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(summary["reason"], "stopped");
    let last = station.facts().pop().unwrap().fact;
    assert!(matches!(&last, Fact::Ended { reason, .. } if reason == "stopped"), "{last:?}");
    assert_eq!(station.yes(["status"])["checkpoint_size"], summary["entries"], "everything is under a checkpoint");
    station.assert_sound();
}

#[test]
fn one_approval_reports_nothing() {
    let laboratory = Laboratory::start(203);
    let crowd = laboratory.crowd(10, Mix::only(Behaviour::Seed));
    let station = Station::founded(&laboratory, monitor(3));
    station.mandate(today().plus_days(-1), today().plus_days(30));
    let dossier = station.build();
    station.approve(&dossier, REVIEWERS[0]);
    let twice = ["dossier", "approve", &dossier, "--by", REVIEWERS[0], "--statement", "again"];
    station.refused(twice, "the second reviewer must be somebody else");

    station.watch();
    let probes = station.probes();
    assert_eq!(probes.iter().map(|seen| seen.peer).collect::<BTreeSet<_>>().len(), 10);
    assert_eq!(probes.iter().map(|seen| seen.grade).max(), Some(Grade::Claimed));
    assert_eq!(crowd.farm.report().total.requests, 0, "without a reference nothing is asked for");
    assert_eq!(station.no(issue(&station, "bundles", &[]))["reports"], 0);
    station.assert_sound();
}

#[test]
fn without_a_mandate_in_force_nobody_is_contacted() {
    let laboratory = Laboratory::start(204);
    let crowd = laboratory.crowd(10, Mix::only(Behaviour::Seed));
    let station = Station::founded(&laboratory, monitor(4));
    let refusal = "no mandate in force today";
    station.refused(["watch", "--for", "1s"], refusal);
    // One that is over is as good as none.
    station.mandate(today().plus_days(-60), today().plus_days(-2));
    station.refused(["watch", "--for", "1s"], refusal);
    assert_eq!(crowd.farm.report().total.connects, 0);
    assert!(laboratory.tracker.log().is_empty(), "the tracker was asked");
    assert!(station.observations().is_empty() && station.facts().is_empty());
    station.assert_sound();
}

#[test]
fn a_torrent_that_no_mandate_names_gets_no_dossier() {
    let laboratory = Laboratory::start(205);
    let station = Station::founded(&laboratory, monitor(5));
    let rule = "a dossier is built only of mandated torrents";
    station.refused(station.build_words(), rule);
    // Another torrent's mandate does not help.
    let other = crate::laboratory::film(206, &[]);
    station.write_input("film.torrent", other.metainfo());
    station.mandate(today(), today().plus_days(1));
    station.write_input("film.torrent", laboratory.torrent.metainfo());
    station.refused(station.build_words(), rule);
    station.assert_sound();
}
