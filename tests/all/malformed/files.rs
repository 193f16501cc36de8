//! What a user hands in: torrents, magnets, mandates, tables, registers.

use std::net::Ipv4Addr;

use super::{Bad, check, words};
use crate::{
    laboratory::Laboratory,
    station::{INVESTIGATOR, Station, mandate, today},
};

#[test]
fn torrents() {
    let laboratory = Laboratory::start(231);
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 31, 1));
    let honest = laboratory.torrent.metainfo().to_vec();
    let text = |bytes: &str| bytes.as_bytes().to_vec();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", Vec::new(), "the bencoded value ends too early"),
        ("a web page", text("<html><body>404</body></html>"), "a bencoded value must begin with i, l, d or a digit"),
        ("cut off", honest[..honest.len() / 2].to_vec(), "the bencoded value ends too early"),
        ("with bytes behind it", [&honest[..], b"x"].concat(), "there are bytes after the bencoded value"),
        ("a list", text("le"), "a torrent file must be a dictionary"),
        ("without info", text("d8:announce3:abce"), "a torrent file must have an info dictionary"),
        ("with info as text", text("d4:info3:abce"), "the info value must be a dictionary"),
        ("with keys out of order", text("d4:infode3:abci1ee"), "dictionary keys must be sorted"),
        ("with a key twice", text("d4:infode4:infodee"), "a dictionary key must not occur twice"),
        ("with a leading zero", text("d4:infod6:lengthi01eee"), "a bencoded integer must not have leading zeros or be -0"),
        ("nested deep", [vec![b'l'; 100_000], vec![b'e'; 100_000]].concat(), "nested deeper than the limit"),
        ("of a length beyond 64 bits", text("d4:infod6:lengthi99999999999999999999eee"), "must fit 64 bits"),
        (
            "without pieces",
            text("d4:infod6:lengthi1e4:name1:a12:piece lengthi16384eee"),
            "pieces must be a string of whole SHA-1 hashes",
        ),
        (
            "with a hash too few",
            text("d4:infod6:lengthi99999e4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee"),
            "the number of piece hashes must suit the total length and the piece length",
        ),
        (
            "with a piece length of 0",
            text("d4:infod6:lengthi1e4:name1:a12:piece lengthi0e6:pieces20:aaaaaaaaaaaaaaaaaaaaee"),
            "piece length must be an integer between 1 byte and the limit",
        ),
        (
            "with a file without a path",
            text("d4:infod5:filesld6:lengthi1e4:pathleee4:name1:a12:piece lengthi16384e6:pieces20:aaaaaaaaaaaaaaaaaaaaee"),
            "the path of a file must be a list of strings that is not empty",
        ),
    ];
    let mandate_file = station.write_input("mandate.toml", mandate(today(), today()));
    let document = station.input("authority.txt");
    let mut table = Vec::new();
    for (number, (what, bytes, rule)) in cases.iter().enumerate() {
        let name = format!("bad-{number}.torrent");
        let file = station.write_input(&name, bytes);
        // The names live as long as the table.
        let name: &str = name.leak();
        for line in [
            words(&["inspect", &file]),
            words(&["dossier", "build", &file, "--content", &document, "--by", INVESTIGATOR]),
            words(&["mandate", "add", &mandate_file, "--torrent", &file, "--document", &document, "--by", INVESTIGATOR]),
        ] {
            table.push(Bad { what, words: line, said: [name, rule] });
        }
    }
    let huge = station.input("huge.torrent");
    std::fs::File::create(&huge).unwrap().set_len((64 << 20) + 1).unwrap();
    table.push(Bad { what: "huge", words: words(&["inspect", &huge]), said: ["huge.torrent", "more than 64 MiB"] });
    let absent = station.input("absent.torrent");
    table.push(Bad { what: "absent", words: words(&["inspect", &absent]), said: ["absent.torrent", "No such file"] });
    check(&station, &table);
}

#[test]
fn magnets() {
    let laboratory = Laboratory::start(232);
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 32, 1));
    let hash = laboratory.torrent.info_hash().to_string();
    let long = format!("magnet:?xt=urn:btih:{hash}&dn={}", "a".repeat(70_000));
    let many = format!("magnet:?xt=urn:btih:{hash}{}", "&a=b".repeat(600));
    let cases = [
        ("magnet:".to_string(), "must begin with magnet:?"),
        ("magnet:?dn=film".into(), "must have an exact topic"),
        ("magnet:?xt=urn:btih:1234".into(), "info-hash"),
        (format!("magnet:?xt=urn:btih:{hash}&xt=urn:btih:{}", "0".repeat(40)), "must not name two torrents"),
        (format!("magnet:?xt=urn:btih:{hash}&dn=%zz"), "must be followed by two hexadecimal digits"),
        (format!("magnet:?xt=urn:btih:{hash}&dn=%ff"), "is not UTF-8"),
        (format!("magnet:?xt=urn:btih:{hash}&dn=a b"), "must be printable ASCII"),
        (format!("magnet:?xt=urn:btih:{hash}&x.pe=nowhere"), "x.pe must be host:port"),
        (format!("magnet:?xt=urn:btmh:1220{}", "g".repeat(64)), "an info-hash is written in lower-case hexadecimal digits"),
        (format!("magnet:?xt=urn:btmh:1114{}", "0".repeat(40)), "must be a SHA-256 multihash"),
        (long, "longer than the limit"),
        (many, "more parameters than the limit"),
    ];
    let bad = |(link, rule): &'static (String, &'static str)| Bad {
        what: rule,
        words: words(&["inspect", link]),
        said: ["magnet", rule],
    };
    // The table borrows from the cases for as long as the test runs.
    let cases: &'static [(String, &'static str)] = Vec::from(cases).leak();
    check(&station, &cases.iter().map(bad).collect::<Vec<_>>());
}

#[test]
fn mandates() {
    let laboratory = Laboratory::start(233);
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 33, 1));
    let honest = mandate(today(), today());
    let day = |text: &str| format!("from = \"{text}\"");
    let today = day(&today().to_string());
    let edit = |from: &str, to: &str| {
        assert!(honest.contains(from), "{from}");
        honest.replace(from, to)
    };
    let cases = [
        ("no TOML", "id = ".to_string(), "line 1"),
        ("empty", String::new(), "missing field `id`"),
        ("a key that nobody knows", format!("{honest}speed = 3\n"), "unknown field `speed`"),
        ("a day that is none", edit(&today, &day("2026-02-30")), "2026-02-30"),
        ("an id with a space", edit("\"laboratory-film\"", "\"Laboratory Film\""), "the id is not 1 to 64 of a–z, 0–9 and -"),
        ("no title", edit("title = \"Laboratory Film\"", "title = \" \""), "the work has no title"),
        ("no postcode", edit("postcode = \"N1 1AA\"", "postcode = \"\""), "the owner's name or registered address is incomplete"),
        ("a nature that is none", edit("nature = \"film\"", "nature = \"stew\""), "unknown variant `stew`"),
        ("a target that is none", edit("targets = []", "targets = ['12']"), "target '12' is not 40 or 64 hexadecimal digits"),
        ("a country that is none", edit("territory = [\"GB\"]", "territory = [\"Britain\"]"), "two-letter country codes"),
        ("dates the wrong way round", honest.replacen(&today, &day("2099-01-01"), 1), "the mandate ends before it begins"),
        (
            "more than was authorised",
            honest.replacen(&today, &day("2020-01-01"), 1),
            "the authority does not cover the whole mandate",
        ),
    ];
    let (torrent, document) = (station.input("film.torrent"), station.input("authority.txt"));
    let mut table = Vec::new();
    for (number, (what, text, rule)) in cases.iter().enumerate() {
        let name: &str = format!("bad-{number}.toml").leak();
        let file = station.write_input(name, text);
        let line = words(&["mandate", "add", &file, "--torrent", &torrent, "--document", &document, "--by", INVESTIGATOR]);
        table.push(Bad { what, words: line, said: [name, rule] });
    }
    let file = station.write_input("good.toml", &honest);
    let add = |more: &[&str]| words(&[&["mandate", "add", &file, "--by", INVESTIGATOR], more].concat());
    table.push(Bad { what: "no torrent", words: add(&["--document", &document]), said: ["good.toml", "no torrent is named"] });
    let nowhere = station.input("absent.pdf");
    table.push(Bad {
        what: "no document",
        words: add(&["--torrent", &torrent, "--document", &nowhere]),
        said: ["absent.pdf", "No such file"],
    });
    let stranger = words(&["mandate", "add", &file, "--torrent", &torrent, "--document", &document, "--by", "N. Obody"]);
    table.push(Bad { what: "a stranger", words: stranger, said: ["nobody named 'N. Obody'", "affiant people add"] });
    check(&station, &table);
}

#[test]
fn tables_and_registers() {
    let laboratory = Laboratory::start(234);
    let station = Station::founded(&laboratory, Ipv4Addr::new(127, 2, 34, 1));
    let mut table = Vec::new();
    let tables = [
        ("empty.tsv", "iptoasn", "", "the table holds no row"),
        ("columns.tsv", "iptoasn", "127.0.0.0\t127.0.0.255\n", "line 1 of the table"),
        ("address.tsv", "iptoasn", "127.0.0.x\t127.0.0.255\t1\tZZ\tA\n", "line 1 of the table"),
        ("backwards.tsv", "iptoasn", "127.0.0.255\t127.0.0.0\t1\tZZ\tA\n", "line 1 of the table"),
        ("number.tsv", "iptoasn", "127.0.0.0\t127.0.0.255\tone\tZZ\tA\n", "line 1 of the table"),
        (
            "crossing.tsv",
            "iptoasn",
            "127.0.0.0\t127.0.0.255\t1\tZZ\tA\n127.0.0.128\t127.0.1.255\t2\tZZ\tB\n",
            "the range crosses that of line",
        ),
        ("noise.mmdb", "mmdb", "this is not a database", "the MaxMind database is refused"),
    ];
    for (name, kind, text, rule) in tables {
        let file = station.write_input(name, text);
        let line = words(&["tables", "add", &file, "--kind", kind, "--name", "other", "--built", "2026-01-01"]);
        table.push(Bad { what: rule, words: line, said: [name, rule] });
    }
    let honest = std::fs::read_to_string(station.input("isp-register.toml")).unwrap();
    let registers = [
        ("empty.toml", String::new(), "missing field"),
        ("form.toml", honest.replace("isp-register/1", "isp-register/9"), "its format is not 'affiant.isp-register/1'"),
        ("unknown.toml", honest.replace("kind = \"fixed\"", "kind = \"carrier pigeon\""), "unknown variant"),
        ("twice.toml", honest.replace("asns = [64497]", "asns = [64496]"), "both claim AS64496"),
        ("day.toml", honest.replace("from = \"2026-01-01\"", "from = \"yesterday\""), "yesterday"),
    ];
    for (name, text, rule) in &registers {
        let file = station.write_input(name, text);
        table.push(Bad { what: rule, words: words(&["tables", "register", &file]), said: [name, rule] });
    }
    let before = std::fs::read(station.dir().join("affiant.toml")).unwrap();
    check(&station, &table);
    assert_eq!(std::fs::read(station.dir().join("affiant.toml")).unwrap(), before, "a refused file was taken into use");
}
