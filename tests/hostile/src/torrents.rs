//! Torrents, as files and as the info dictionaries that peers send. BEP 3, 9, 12, 27, 47, 52.

use wire::bencode::{Item, Strictness};
use wire::metainfo::{Info, Limits, Metainfo, Name};

use crate::{Seed, magnets};

/// Limits that small inputs meet.
const SMALL: Limits = Limits {
    bytes_max: 2_048,
    items_max: 200,
    files_max: 8,
    path_parts_max: 4,
    piece_length_max: 1 << 20,
    trackers_max: 4,
    strictness: Strictness::Peer,
};

pub(crate) fn run(data: &[u8]) {
    for limits in [Limits { strictness: Strictness::Strict, ..Limits::default() }, SMALL] {
        match Metainfo::parse_within(data, &limits) {
            Ok(metainfo) => {
                metainfo.trackers().for_each(|url| magnets::url::check(url, url.as_str().as_bytes()));
                assert!(metainfo.trackers().count() <= limits.trackers_max);
                check(&metainfo.info, &limits);
            }
            Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
        }
        match Info::parse_within(data, &limits) {
            Ok(info) => {
                assert_eq!(info.raw(), data);
                check(&info, &limits);
            }
            Err(fault) => assert!(fault.offset <= data.len(), "a fault lies within the input: {fault}"),
        }
    }
}

fn check(info: &Info, limits: &Limits) {
    let again = Info::parse_within(info.raw(), limits).expect("an info dictionary can be read alone");
    assert_eq!(again.raw(), info.raw());
    assert_eq!((again.v1(), again.v2()), (info.v1(), info.v2()), "a torrent is named by its bytes alone");
    let total = info.total_length();
    let pieces = info.piece_count();
    assert!(total > 0 && pieces > 0);
    assert!(info.files().len() <= limits.files_max);
    let mut end = 0;
    for file in info.files() {
        assert_eq!(file.offset, end, "files follow each other");
        end = file.range().end;
        assert!(file.path.parts().len() <= limits.path_parts_max);
        file.path.parts().iter().for_each(check_name);
    }
    assert_eq!(end, total);
    check_name(info.name());
    for piece in [0, pieces / 2, pieces - 1] {
        let range = info.piece_range(piece).expect("a piece that there is");
        assert!(range.start < range.end && range.end <= total && info.piece_hash(piece).is_some());
        assert_eq!(info.piece_size(piece).map(u64::from), Some(range.end - range.start));
        let blocks = info.block_count(piece);
        for index in [0, blocks - 1] {
            let block = info.block(piece, index).expect("a block that there is");
            let bytes = info.block_range(block).expect("a block lies within its piece");
            assert!(range.start <= bytes.start && bytes.end <= range.end);
            let held: u64 = info
                .files_in(bytes.clone())
                .map(|file| {
                    let held = file.range().start.max(bytes.start)..file.range().end.min(bytes.end);
                    held.end - held.start
                })
                .sum();
            assert_eq!(held, bytes.end - bytes.start, "every byte of a block is in a file");
        }
        assert!(info.block(piece, blocks).is_none());
    }
    assert!(info.piece_range(pieces).is_none() && info.piece_hash(pieces).is_none());
}

/// What a name is written as when it becomes a file's name or is shown.
fn check_name(name: &Name) {
    let safe = name.sanitised();
    assert!(!safe.is_empty() && safe != "." && safe != "..", "a name that means a place: {safe:?}");
    assert!(!safe.contains(['/', '\\', '\0']) && !safe.chars().any(char::is_control), "a name that leads elsewhere: {safe:?}");
    assert!(!name.text().is_empty() || name.raw().is_empty());
    let _ = (name.hazards(), name.to_string());
}

pub(crate) fn seeds() -> Vec<Seed> {
    let announce = Item::from("http://tracker.example/announce");
    let tiers = Item::List(vec![
        Item::List(vec![announce.clone(), Item::from("udp://tracker.example:6969")]),
        Item::List(vec![Item::from("wss://x")]),
    ]);
    let whole =
        |info: Item| Item::dict([("announce", announce.clone()), ("announce-list", tiers.clone()), ("info", info)]).encode();
    let named = [
        ("single-file", whole(single())),
        ("folder", whole(folder())),
        ("hybrid", whole(hybrid())),
        ("info-single-file", single().encode()),
        ("info-folder", folder().encode()),
        ("info-hybrid", hybrid().encode()),
        ("info-private", with(single(), "private", Item::Int(1)).encode()),
        ("info-empty", with(single(), "length", Item::Int(0)).encode()),
        ("info-too-few-pieces", with(single(), "length", Item::Int(100_000)).encode()),
        ("info-length-negative", with(single(), "length", Item::Int(-1)).encode()),
        ("info-piece-length-zero", with(single(), "piece length", Item::Int(0)).encode()),
        ("info-up-the-tree", with(single(), "name", Item::from("..")).encode()),
        ("info-name-of-a-device", with(single(), "name", Item::from("CON\u{202e}.\u{1b}[2J/\\")).encode()),
    ];
    named.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

fn with(item: Item, key: &str, value: Item) -> Item {
    let Item::Dict(mut entries) = item else { panic!("a dictionary") };
    entries.insert(key.as_bytes().to_vec(), value);
    Item::Dict(entries)
}

/// Two pieces of 32 KiB.
pub(crate) fn single() -> Item {
    Item::dict([
        ("length", Item::Int(40_000)),
        ("name", Item::from("synthetic.bin")),
        ("piece length", Item::Int(32_768)),
        ("pieces", Item::Bytes(vec![9; 40])),
    ])
}

fn folder() -> Item {
    let file = |length: i64, path: &[&str]| {
        Item::dict([("length", Item::Int(length)), ("path", Item::List(path.iter().map(|part| Item::from(*part)).collect()))])
    };
    let padding = with(file(2_768, &[".pad", "2768"]), "attr", Item::from("p"));
    let files = vec![file(30_000, &["a", "synthetic.bin"]), padding, file(0, &["empty"]), file(5_000, &["b", "..", "etc"])];
    Item::dict([
        ("files", Item::List(files)),
        ("name", Item::from("synthetic")),
        ("piece length", Item::Int(32_768)),
        ("pieces", Item::Bytes(vec![9; 40])),
    ])
}

fn hybrid() -> Item {
    let leaf = Item::dict([("", Item::dict([("length", Item::Int(40_000)), ("pieces root", Item::Bytes(vec![5; 32]))]))]);
    with(with(single(), "meta version", Item::Int(2)), "file tree", Item::dict([("synthetic.bin", leaf)]))
}
