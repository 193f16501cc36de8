//! Bundles that are none, and bundles that were damaged: as folders and as archives.

use std::{fs, net::Ipv4Addr, path::Path};

use swarmlab::behaviour::{Behaviour, Mix};

use crate::{
    laboratory::Laboratory,
    station::{APPROVER, INVESTIGATOR, Station, copy_folder},
};

/// A change to a copy of a bundle's folder, and a word of the verdict that must fail it.
type Damage = (&'static str, fn(&Path), &'static str);

const DAMAGES: [Damage; 8] = [
    ("no bagit.txt", |bundle| fs::remove_file(bundle.join("bagit.txt")).unwrap(), "bagit.txt"),
    ("no anchor", |bundle| fs::remove_file(bundle.join("data/trust/anchor.txt")).unwrap(), "anchor.txt"),
    ("no leaves", |bundle| fs::remove_file(bundle.join("data/shard/leaves.txt")).unwrap(), "leaves.txt"),
    ("a file too many", |bundle| fs::write(bundle.join("data/extra.txt"), "x").unwrap(), "extra.txt"),
    ("a manifest of noise", |bundle| fs::write(bundle.join("manifest-sha256.txt"), "noise\n").unwrap(), "manifest"),
    (
        "openings that are not UTF-8",
        |bundle| fs::write(bundle.join("data/recipient/openings.txt"), [0xff, 0xfe]).unwrap(),
        "openings.txt",
    ),
    ("an anchor of noise", |bundle| fs::write(bundle.join("data/trust/anchor.txt"), "noise\n").unwrap(), "anchor"),
    (
        "a link out of the bundle",
        |bundle| std::os::unix::fs::symlink("/etc/hostname", bundle.join("data/link.txt")).unwrap(),
        "link.txt",
    ),
];

#[test]
fn damaged_bundles_get_a_verdict_and_the_rest_is_refused() {
    let laboratory = Laboratory::start(251);
    let _crowd = laboratory.crowd(5, Mix::only(Behaviour::Seed));
    let station = Station::ready(&laboratory, Ipv4Addr::new(127, 2, 51, 1));
    station.watch();
    let out = station.beside("bundles");
    station.yes(["issue", "--by", INVESTIGATOR, "--approver", APPROVER, "--out", &out]);
    let anchor = station.anchor_sha256();
    let honest = Path::new(&out).join("audit");

    let mut found = Vec::new();
    for (what, damage, word) in DAMAGES {
        let copy = station.beside("copy");
        let _ = fs::remove_dir_all(&copy);
        copy_folder(&honest, Path::new(&copy));
        damage(Path::new(&copy));
        let ran = station.run(["verify", &copy, "--anchor-sha256", &anchor]);
        let verdict = ran.json();
        let steps = verdict["steps"].as_array().unwrap();
        let is_named = steps.iter().any(|step| step["result"] == "fail" && step.to_string().contains(word));
        if ran.code != Some(1) || verdict["valid"] != false || !is_named {
            found.push(format!("{what}, expected '{word}': {ran}"));
        }
    }

    // An archive: cut off, and with a byte of it changed.
    let zip = fs::read(honest.with_extension("zip")).unwrap();
    let mut flipped = zip.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for (name, bytes) in [("cut.zip", &zip[..zip.len() / 2]), ("flipped.zip", &flipped[..]), ("head.zip", &zip[..64])] {
        let place = station.write_input(name, bytes);
        let ran = station.run(["verify", &place, "--anchor-sha256", &anchor]);
        if ran.code != Some(1) || ran.json()["valid"] != false {
            found.push(format!("{name}: {ran}"));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));

    for (name, bytes) in [("empty.zip", &b""[..]), ("noise.zip", b"this is not an archive"), ("page.html", b"<html></html>")] {
        let place = station.write_input(name, bytes);
        station.refused(["verify", &place], name);
    }
    station.refused(["verify", &station.beside("nowhere")], "nowhere");
    let place = honest.to_str().unwrap();
    station.refused(["verify", place, "--newer-checkpoint", &station.beside("nowhere.txt")], "nowhere.txt");
    let noise = station.write_input("checkpoint.txt", "noise");
    assert_eq!(station.no(["verify", place, "--anchor-sha256", &anchor, "--newer-checkpoint", &noise])["valid"], false);
    assert_eq!(station.yes(["verify", place, "--anchor-sha256", &anchor])["valid"], true);
}
