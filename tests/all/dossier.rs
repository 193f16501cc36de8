//! Dossiers without a copy at hand: the content downloaded with upload disabled, the metadata asked of a magnet's peers.

use std::net::Ipv4Addr;

use swarmlab::behaviour::{Behaviour, Mix};

use crate::{
    laboratory::Laboratory,
    station::{INVESTIGATOR, Station, today},
};

/// Builds a dossier without `--content` and returns the digest of the block digests.
fn downloaded(station: &Station, torrent: &str) -> Vec<u8> {
    let built = station.yes(["dossier", "build", torrent, "--map", "*.mkv=laboratory-film", "--by", INVESTIGATOR]);
    let note = built["note_sha256"].as_str().unwrap();
    let folder = station.dir().join("dossiers");
    assert!(!folder.join(".download").exists(), "the copy is deleted once it is checked");
    std::fs::read(folder.join(note).join("blocks.sha256")).unwrap()
}

#[test]
fn a_reference_copy_is_downloaded_and_nothing_is_uploaded() {
    let laboratory = Laboratory::start(221);
    let crowd = laboratory.crowd(6, Mix::only(Behaviour::Seed));
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 21, 1));
    station.mandate(today().plus_days(-30), today().plus_days(300));
    let local = station.build();
    let expected = std::fs::read(station.dir().join("dossiers").join(local).join("blocks.sha256")).unwrap();

    assert_eq!(downloaded(&station, &station.input("film.torrent")), expected);
    let magnet = laboratory.torrent.magnet(&[&laboratory.tracker.http_url()]);
    assert_eq!(downloaded(&station, &magnet), expected);
    // librqbit unchokes whoever is interested; with upload disabled it claims nothing and sends nothing.
    let total = crowd.farm.report().total;
    assert_eq!((total.pieces_received, total.claims_received), (0, 0));
    station.assert_sound();
}

#[test]
fn a_magnet_without_a_mandate_contacts_nobody() {
    let laboratory = Laboratory::start(222);
    let crowd = laboratory.crowd(6, Mix::only(Behaviour::Seed));
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 22, 1));
    let magnet = laboratory.torrent.magnet(&[&laboratory.tracker.http_url()]);
    station.refused(["dossier", "build", &magnet, "--by", INVESTIGATOR], "no mandate in force names");
    assert_eq!(crowd.farm.report().total.connects, 0);
    assert!(laboratory.tracker.log().is_empty());
}

#[test]
fn the_peers_of_a_magnet_are_asked_for_its_metadata_its_copy_and_in_every_run() {
    let laboratory = Laboratory::start(223);
    let crowd = laboratory.crowd(2, Mix::only(Behaviour::Seed));
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 23, 1));
    station.mandate(today().plus_days(-30), today().plus_days(300));
    let seed = crowd.truth.sharers().next().unwrap();
    // No tracker: nobody else can have named anybody.
    let magnet = format!("{}&x.pe={seed}", laboratory.torrent.magnet(&[]));
    downloaded(&station, &magnet);
    let watched = station.watch();
    assert_eq!(watched["lists"], 1, "{watched:#}");
    let found: Vec<_> = station.probes().into_iter().map(|probe| (probe.peer, probe.found.unwrap().source)).collect();
    assert_eq!(found, [(seed, evidence::observation::Source::Magnet)]);
    assert!(laboratory.tracker.log().is_empty());
}

#[test]
fn the_status_names_private_torrents() {
    let laboratory = Laboratory::start(224);
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 24, 1));
    let info = laboratory.torrent.info().raw();
    let private = [&info[..info.len() - 1], b"7:privatei1ee"].concat();
    let file = std::fs::read(station.input("film.torrent")).unwrap();
    let at = file.windows(info.len()).position(|window| window == info).unwrap();
    station.write_input("film.torrent", [&file[..at], &private, &file[at + info.len()..]].concat());
    station.mandate(today().plus_days(-30), today().plus_days(300));
    assert_eq!(station.yes(["status"])["private_targets"], serde_json::json!([]), "no dossier says so yet");
    station.build();
    let hash = wire::infohash::InfoHashV1::of_info(&private).to_string();
    assert_eq!(station.yes(["status"])["private_targets"], serde_json::json!([hash]));
}
