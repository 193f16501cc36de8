//! Torrents, as files and as the info dictionaries that peers send. BEP 3, 9, 12, 27, 47, 52.

use wire::bencode::{Item, Strictness};
use wire::merkle;
use wire::metainfo::{Info, Limits, Metainfo, Name};

use crate::{Seed, magnets};

/// Limits that small inputs meet.
const SMALL: Limits = Limits {
    bytes_max: 2_048,
    items_max: 200,
    files_max: 8,
    path_parts_max: 4,
    pieces_max: 40,
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
                check_layers(&metainfo);
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
    assert_eq!(&again, info, "a torrent is what its bytes say alone");
    assert!(info.v1().is_some() || info.v2().is_some());
    assert_eq!(info.is_aligned(), info.v2().is_some());
    assert!(info.files().len() <= limits.files_max);
    let mut end = 0;
    for file in info.files() {
        assert!(file.offset >= end && (info.v1().is_none() || file.offset == end), "files follow each other");
        assert!(info.v1().is_some() || file.length == 0 || file.offset % u64::from(info.piece_length()) == 0);
        end = file.range().end;
        assert!(file.path.parts().len() <= limits.path_parts_max);
        file.path.parts().iter().for_each(check_name);
    }
    assert_eq!(end, info.total_length());
    check_name(info.name());
    let pieces = info.piece_count();
    assert!(info.total_length() > 0 && pieces > 0);
    for piece in [0, pieces / 2, pieces - 1] {
        check_piece(info, piece);
    }
    assert!(info.piece_range(pieces).is_none() && info.data_range(pieces).is_none() && info.piece_hash(pieces).is_none());
}

fn check_piece(info: &Info, piece: u32) {
    let range = info.piece_range(piece).expect("a piece that there is");
    let data = info.data_range(piece).expect("a piece that there is");
    assert!(range.start == data.start && data.start < data.end && data.end <= range.end && range.end <= info.total_length());
    assert_eq!(info.piece_hash(piece).is_some(), info.v1().is_some());
    assert_eq!(info.piece_size(piece).map(u64::from), Some(data.end - data.start));
    let blocks = info.block_count(piece);
    for index in [0, blocks - 1] {
        let block = info.block(piece, index).expect("a block that there is");
        let bytes = info.block_range(block).expect("a block lies within its piece");
        assert!(data.start <= bytes.start && bytes.end <= data.end);
        let held = info.files_in(bytes.clone()).map(|file| file.range().end.min(bytes.end) - file.range().start.max(bytes.start));
        assert_eq!(held.sum::<u64>(), bytes.end - bytes.start, "every byte of a block is in a file");
    }
    assert!(info.block(piece, blocks).is_none());
    if let Some(file) = info.file_of(piece) {
        assert!(file.range().start <= data.start && data.end <= file.range().end, "a piece belongs to one file");
    }
}

/// A file of version 2 that is longer than a piece has a hash for each.
fn check_layers(metainfo: &Metainfo) {
    let piece_length = u64::from(metainfo.info.piece_length());
    for file in metainfo.info.files().iter().filter(|file| file.length > piece_length) {
        let Some(root) = file.pieces_root else { continue };
        let hashes = metainfo.piece_layers.of(&root).map(<[_]>::len);
        assert_eq!(hashes.map(|hashes| hashes as u64), Some(file.length.div_ceil(piece_length)));
    }
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
    let with_info = |info: Item| Item::dict([("announce", announce.clone()), ("announce-list", tiers.clone()), ("info", info)]);
    let layers = || Item::Dict([(root().to_vec(), Item::Bytes(LAYER.concat()))].into());
    let whole = |info: Item| with_info(info).encode();
    let whole_2 = |info: Item| with(with_info(info), "piece layers", layers()).encode();
    let named = [
        ("single-file", whole(single())),
        ("folder", whole(folder())),
        ("hybrid", whole_2(hybrid())),
        ("version-2", whole_2(version_2())),
        ("layers-missing", whole(version_2())),
        ("layers-of-nobody", with(with_info(single()), "piece layers", layers()).encode()),
        ("info-single-file", single().encode()),
        ("info-folder", folder().encode()),
        ("info-hybrid", hybrid().encode()),
        ("info-version-2", version_2().encode()),
        ("info-hybrid-torn", with(hybrid(), "length", Item::Int(39_999)).encode()),
        ("info-piece-length-of-a-byte", with(version_2(), "piece length", Item::Int(1)).encode()),
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
    with(with(single(), "meta version", Item::Int(2)), "file tree", tree(&root()))
}

/// Version 2 only: the same file.
fn version_2() -> Item {
    let Item::Dict(mut entries) = hybrid() else { panic!("a dictionary") };
    entries.retain(|key, _| key != b"pieces" && key != b"length");
    Item::Dict(entries)
}

fn tree(root: &merkle::Hash) -> Item {
    let file = Item::dict([("length", Item::Int(40_000)), ("pieces root", Item::from(&root[..]))]);
    Item::dict([("synthetic.bin", Item::dict([("", file)]))])
}

/// The nodes above the two pieces.
const LAYER: [merkle::Hash; 2] = [[5; 32], [6; 32]];

fn root() -> merkle::Hash {
    merkle::root(&LAYER, 1).expect("a tree with leaves has a root")
}
