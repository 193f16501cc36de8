use alloc::string::{String, ToString};
use alloc::vec;
use proptest::prelude::*;

use super::*;
use crate::bencode::Item;
use crate::infohash::InfoHashV1;
use crate::message::Block;

mod version2;

fn file(path: &[&str], length: i64) -> Item {
    let path: Vec<Item> = path.iter().map(|part| Item::from(*part)).collect();
    Item::dict([("length", length.into()), ("path", path.into())])
}

/// A folder of 3 files over 3 pieces of 32 KiB: 40000 bytes, 10 of padding, 30000.
fn folder_info() -> Item {
    let padding =
        Item::dict([("attr", "p".into()), ("length", 10.into()), ("path", vec![Item::from(".pad"), Item::from("10")].into())]);
    Item::dict([
        ("files", vec![file(&["a", "one.bin"], 40_000), padding, file(&["two.bin"], 30_000)].into()),
        ("name", "folder".into()),
        ("piece length", 32_768.into()),
        ("pieces", Item::Bytes(hashes(3))),
    ])
}

fn single_info() -> Item {
    Item::dict([
        ("length", 20_000.into()),
        ("name", "one.bin".into()),
        ("piece length", 16_384.into()),
        ("pieces", Item::Bytes(hashes(2))),
    ])
}

fn hashes(count: u8) -> Vec<u8> {
    (1..=count).flat_map(|piece| [piece; 20]).collect()
}

fn with(mut item: Item, key: &str, value: impl Into<Item>) -> Item {
    if let Item::Dict(entries) = &mut item {
        entries.insert(key.as_bytes().to_vec(), value.into());
    }
    item
}

fn without(mut item: Item, key: &str) -> Item {
    if let Item::Dict(entries) = &mut item {
        entries.remove(key.as_bytes());
    }
    item
}

fn torrent(info: Item) -> Item {
    Item::dict([("announce", "http://tracker.example/announce".into()), ("info", info)])
}

#[test]
fn reads_one_file() {
    let bytes = torrent(single_info()).encode();
    let metainfo = Metainfo::parse(&bytes).unwrap();
    let info = &metainfo.info;
    assert_eq!(info.raw(), single_info().encode());
    assert_eq!(info.v1(), Some(InfoHashV1::of_info(&single_info().encode())));
    assert_eq!(info.v2(), None);
    assert_eq!((info.name().text().as_ref(), info.layout()), ("one.bin", Layout::SingleFile));
    assert_eq!((info.piece_count(), info.piece_length(), info.total_length()), (2, 16_384, 20_000));
    assert_eq!((info.piece_size(1), info.piece_size(2)), (Some(3_616), None));
    assert_eq!((info.piece_hash(0), info.piece_hash(1), info.piece_hash(2)), (Some([1; 20]), Some([2; 20]), None));
    assert_eq!(info.files().len(), 1);
    assert_eq!(info.files()[0].path.to_string(), "one.bin");
    assert_eq!(metainfo.trackers().map(TrackerUrl::as_str).collect::<Vec<_>>(), ["http://tracker.example/announce"]);
    assert_eq!(Info::parse(info.raw()), Ok(info.clone()));
}

#[test]
fn the_info_hash_is_of_the_raw_bytes() {
    // Computed with `printf ... | sha1sum`.
    let raw = b"d6:lengthi1e4:name1:a12:piece lengthi1e6:pieces20:AAAAAAAAAAAAAAAAAAAAe";
    assert_eq!(Info::parse(raw).unwrap().v1().unwrap().to_string(), "7a26f5645adca49afa93cad939db971a17668a1e");
}

#[test]
fn maps_files_pieces_and_blocks() {
    let info = Info::parse(&folder_info().encode()).unwrap();
    assert_eq!(info.layout(), Layout::Folder);
    let ranges: Vec<_> = info.files().iter().map(|file| (file.path.to_string(), file.range(), file.padding)).collect();
    assert_eq!(
        ranges,
        [
            ("a/one.bin".to_string(), 0..40_000, false),
            (".pad/10".to_string(), 40_000..40_010, true),
            ("two.bin".to_string(), 40_010..70_010, false),
        ]
    );
    assert_eq!(info.piece_range(1), Some(32_768..65_536));
    assert_eq!(info.piece_range(2), Some(65_536..70_010));
    let names = |range| info.files_in(range).map(|file| file.path.to_string()).collect::<Vec<String>>();
    assert_eq!(names(32_768..65_536), ["a/one.bin", ".pad/10", "two.bin"]);
    assert_eq!(names(0..40_000), ["a/one.bin"]);
    assert_eq!(names(40_000..40_001), [".pad/10"]);
    assert_eq!(names(70_000..99_999), ["two.bin"]);
    assert_eq!(names(70_010..99_999), [""; 0]);
    assert_eq!(names(5..5), [""; 0]);
    assert_eq!((info.block_count(0), info.block_count(2), info.block_count(3)), (2, 1, 0));
    let last = Block { piece: 2, begin: 0, length: 4_474 };
    assert_eq!(info.block(2, 0), Some(last));
    assert_eq!((info.block(2, 1), info.block(3, 0), info.block(0, u32::MAX)), (None, None, None));
    assert_eq!(info.block_range(last), Some(65_536..70_010));
    assert_eq!(info.block_range(Block { length: 4_475, ..last }), None);
    assert_eq!(info.block_range(Block { length: 0, ..last }), None);
    assert_eq!(info.block_range(Block { begin: u32::MAX, length: u32::MAX, ..last }), None);
}

#[test]
fn an_empty_file_is_in_no_range() {
    let files = vec![file(&["a"], 0), file(&["b"], 5), file(&["c"], 0), file(&["d"], 5), file(&["e"], 0)];
    let info = with(with(folder_info(), "files", files), "pieces", Item::Bytes(hashes(1)));
    let info = Info::parse(&info.encode()).unwrap();
    let names: Vec<_> = info.files_in(0..10).map(|file| file.path.to_string()).collect();
    assert_eq!(names, ["b", "d"]);
}

#[test]
fn refuses_bad_info_naming_the_rule() {
    let single = single_info;
    let folder = folder_info;
    let text_list = |texts: &[&str]| Item::List(texts.iter().map(|text| Item::from(*text)).collect());
    let one_file = |file: Item| with(folder(), "files", vec![file]);
    let deep: Vec<Item> = (0..65).map(|_| Item::from("x")).collect();
    let cases: Vec<(Item, Rule)> = vec![
        (Item::Int(1), Rule::InfoNotADict),
        (without(single(), "name"), Rule::Name),
        (with(single(), "name", ""), Rule::Name),
        (with(single(), "name", 5), Rule::Name),
        (without(single(), "piece length"), Rule::PieceLength),
        (with(single(), "piece length", 0), Rule::PieceLength),
        (with(single(), "piece length", -1), Rule::PieceLength),
        (with(single(), "piece length", (256 << 20) + 1), Rule::PieceLength),
        (with(single(), "piece length", "16384"), Rule::PieceLength),
        (without(single(), "pieces"), Rule::Pieces),
        (with(single(), "pieces", Item::Bytes(vec![0; 39])), Rule::Pieces),
        (with(single(), "pieces", Item::Bytes(hashes(1))), Rule::PieceCount),
        (with(single(), "pieces", Item::Bytes(hashes(3))), Rule::PieceCount),
        (with(single(), "pieces", Item::Bytes(vec![])), Rule::PieceCount),
        (without(single(), "length"), Rule::LengthOrFiles),
        (with(folder(), "length", 5), Rule::LengthOrFiles),
        (with(single(), "length", -1), Rule::FileLength),
        (with(single(), "length", "5"), Rule::FileLength),
        (with(single(), "length", 0), Rule::Empty),
        (with(single(), "length", i64::MAX), Rule::PieceCount),
        (with(single(), "attr", 5), Rule::Attr),
        (with(single(), "private", 2), Rule::Private),
        (with(single(), "private", "1"), Rule::Private),
        (with(folder(), "files", 5), Rule::FileEntry),
        (with(folder(), "files", Item::List(vec![])), Rule::FileEntry),
        (one_file(Item::Int(5)), Rule::FileEntry),
        (one_file(without(file(&["x"], 5), "length")), Rule::FileLength),
        (one_file(file(&["x"], -5)), Rule::FileLength),
        (one_file(without(file(&["x"], 5), "path")), Rule::FilePath),
        (one_file(with(file(&["x"], 5), "path", "x")), Rule::FilePath),
        (one_file(file(&[], 5)), Rule::FilePath),
        (one_file(with(file(&["x"], 5), "path", vec![Item::Int(5)])), Rule::FilePath),
        (one_file(with(file(&["x"], 5), "path", deep)), Rule::PathTooDeep),
        (one_file(with(file(&["x"], 5), "path.utf-8", text_list(&["x", "y"]))), Rule::PathUtf8),
        (one_file(with(file(&["x"], 5), "path.utf-8", vec![Item::Bytes(vec![0xff])])), Rule::PathUtf8),
        (one_file(file(&["x"], 0)), Rule::Empty),
        (with(folder(), "files", vec![file(&["x"], i64::MAX), file(&["y"], 1)]), Rule::TooLarge),
        (with(single(), "meta version", 3), Rule::MetaVersion),
        (with(single(), "meta version", 2), Rule::MetaVersion),
    ];
    for (info, rule) in cases {
        let got = Info::parse(&info.encode()).unwrap_err();
        assert_eq!(got.rule, rule, "{:?}: {got}", info.encode().escape_ascii().to_string());
        let file = torrent(info).encode();
        assert_eq!(Metainfo::parse(&file).unwrap_err().rule, rule);
    }
}

#[test]
fn the_offset_points_at_the_culprit() {
    let bytes = torrent(with(single_info(), "private", 7)).encode();
    let fault = Metainfo::parse(&bytes).unwrap_err();
    assert_eq!(&bytes[fault.offset..fault.offset + 3], b"i7e");
    assert_eq!(fault.to_string(), alloc::format!("private must be 0 or 1 (at byte {})", fault.offset));
}

#[test]
fn refuses_bad_files_around_a_good_info() {
    let good = || torrent(single_info());
    let cases: Vec<(Vec<u8>, Rule)> = vec![
        (Item::List(vec![]).encode(), Rule::NotADict),
        (without(good(), "info").encode(), Rule::NoInfo),
        (with(good(), "announce", 5).encode(), Rule::Announce),
        (with(good(), "announce-list", "x").encode(), Rule::Announce),
        (with(good(), "announce-list", vec![Item::from("x")]).encode(), Rule::Announce),
        (with(good(), "announce-list", vec![Item::List(vec![Item::Int(1)])]).encode(), Rule::Announce),
        (with(good(), "url-list", 5).encode(), Rule::WebSeeds),
        (with(good(), "url-list", vec![Item::Int(5)]).encode(), Rule::WebSeeds),
        (b"".to_vec(), Rule::Bencode(bencode::Rule::Truncated)),
        (b"<html>".to_vec(), Rule::Bencode(bencode::Rule::UnknownType)),
        ([good().encode(), b"\n".to_vec()].concat(), Rule::Bencode(bencode::Rule::Trailing)),
        (b"d4:infode8:announce0:e".to_vec(), Rule::Bencode(bencode::Rule::KeyOrder)),
    ];
    for (bytes, rule) in cases {
        assert_eq!(Metainfo::parse(&bytes).unwrap_err().rule, rule, "{:?}", bytes.escape_ascii().to_string());
    }
}

#[test]
fn limits_hold() {
    let bytes = torrent(folder_info()).encode();
    let refused = |limits| Metainfo::parse_within(&bytes, &limits).unwrap_err().rule;
    let limits = Limits::default();
    assert_eq!(refused(Limits { files_max: 2, ..limits }), Rule::TooManyFiles);
    assert_eq!(refused(Limits { path_parts_max: 1, ..limits }), Rule::PathTooDeep);
    assert_eq!(refused(Limits { piece_length_max: 32_767, ..limits }), Rule::PieceLength);
    assert_eq!(refused(Limits { trackers_max: 0, ..limits }), Rule::TooManyTrackers);
    assert_eq!(refused(Limits { bytes_max: 100, ..limits }), Rule::Bencode(bencode::Rule::TooLong));
    assert_eq!(refused(Limits { items_max: 10, ..limits }), Rule::Bencode(bencode::Rule::TooMany));
}

#[test]
fn deep_nesting_is_refused_before_the_stack_is_spent() {
    let too_deep = Rule::Bencode(bencode::Rule::TooDeep);
    assert_eq!(Metainfo::parse(&vec![b'l'; 1 << 20]), Err(Fault::at(160, too_deep)));
    let deepest = [vec![b'l'; 160], vec![b'e'; 160]].concat();
    assert_eq!(Metainfo::parse(&deepest), Err(Fault::at(0, Rule::NotADict)));
}

#[test]
fn unsorted_keys_are_refused_unless_tolerated() {
    let raw = b"d4:name1:a6:lengthi1e12:piece lengthi1e6:pieces20:AAAAAAAAAAAAAAAAAAAAe";
    assert_eq!(Info::parse(raw).unwrap_err().rule, Rule::Bencode(bencode::Rule::KeyOrder));
    let lenient = Limits { strictness: Strictness::Peer, ..Limits::default() };
    assert_eq!(Info::parse_within(raw, &lenient).unwrap().v1(), Some(InfoHashV1::of_info(raw)));
}

#[test]
fn announce_list_goes_before_announce_and_bad_urls_are_set_aside() {
    let tier = |urls: &[&str]| Item::List(urls.iter().map(|url| Item::from(*url)).collect());
    let list = vec![
        tier(&["udp://a.example:1/", "wss://b.example/"]),
        tier(&[]),
        tier(&["http://c.example/announce\n"]),
        tier(&["https://d.example/announce"]),
    ];
    let bytes = with(torrent(single_info()), "announce-list", list).encode();
    let metainfo = Metainfo::parse(&bytes).unwrap();
    let tiers: Vec<Vec<_>> = metainfo.tiers.iter().map(|tier| tier.iter().map(TrackerUrl::as_str).collect()).collect();
    assert_eq!(tiers, [["udp://a.example:1/"], ["https://d.example/announce"]]);
    let refused: Vec<_> = metainfo.refused_trackers.iter().map(|one| (&one.raw[..], one.fault.rule)).collect();
    assert_eq!(
        refused,
        [(&b"wss://b.example/"[..], tracker_url::Rule::Scheme), (b"http://c.example/announce\n", tracker_url::Rule::Character),]
    );
    let bytes = with(torrent(single_info()), "announce-list", vec![tier(&[""])]).encode();
    assert_eq!(Metainfo::parse(&bytes).unwrap().trackers().count(), 1, "announce stands in for an unusable list");
}

#[test]
fn odd_names_are_kept_flagged_and_harmless() {
    let evil = with(
        folder_info(),
        "files",
        vec![
            file(&["..", "..", "etc", "passwd"], 5),
            with(file(&["x"], 5), "path", vec![Item::Bytes(b"caf\xe9".to_vec())]),
            with(with(file(&["x"], 5), "path", vec![Item::Bytes(b"caf\xe9".to_vec())]), "path.utf-8", vec![Item::from("café")]),
        ],
    );
    let info = Info::parse(&with(evil, "pieces", Item::Bytes(hashes(1))).encode()).unwrap();
    let paths: Vec<_> = info.files().iter().map(|file| file.path.to_string()).collect();
    assert_eq!(paths, ["__/__/etc/passwd", "caf\u{fffd}", "café"]);
    assert!(info.files()[0].path.hazards().contains(&Hazard::Traversal));
    assert_eq!(info.files()[0].path.parts()[0].raw(), b"..");
    assert!(info.files()[1].path.hazards().contains(&Hazard::NotUtf8));
    assert!(info.files()[2].path.hazards().is_empty());
}

#[test]
fn other_fields_are_claims() {
    let bytes = with(with(torrent(with(single_info(), "private", 1)), "comment", "hello"), "creation date", 1_700_000_000);
    let bytes = with(with(bytes, "created by", Item::Bytes(vec![0xff])), "url-list", "http://seed.example/");
    let metainfo = Metainfo::parse(&bytes.encode()).unwrap();
    assert!(metainfo.info.is_private());
    assert_eq!((metainfo.comment.as_deref(), metainfo.created_by), (Some("hello"), None));
    assert_eq!(metainfo.created_at_s, Some(1_700_000_000));
    assert_eq!(metainfo.web_seeds, [b"http://seed.example/"]);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
        let _ = Metainfo::parse(&bytes);
        let _ = Info::parse(&bytes);
    }

    #[test]
    fn a_damaged_torrent_never_panics(at in 0usize..400, byte: u8, cut in 0usize..400) {
        let mut bytes = torrent(folder_info()).encode();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Metainfo::parse(&bytes);
        bytes.truncate(cut % bytes.len());
        prop_assert!(Metainfo::parse(&bytes).is_err());
    }

    #[test]
    fn pieces_and_blocks_tile_the_content(lengths in prop::collection::vec(0i64..100_000, 1..6), piece_length in 1_000i64..50_000) {
        let total: i64 = lengths.iter().sum();
        prop_assume!(total > 0);
        let files: Vec<Item> = lengths.iter().map(|length| file(&["f"], *length)).collect();
        let pieces = vec![7; 20 * (total as u64).div_ceil(piece_length as u64) as usize];
        let info = with(with(folder_info(), "files", files), "piece length", piece_length);
        let info = Info::parse(&with(info, "pieces", Item::Bytes(pieces)).encode()).unwrap();
        let mut at = 0;
        for piece in 0..info.piece_count() {
            for index in 0..info.block_count(piece) {
                let range = info.block_range(info.block(piece, index).unwrap()).unwrap();
                prop_assert_eq!(range.start, at);
                let touched: u64 = info.files_in(range.clone())
                    .map(|file| file.range().end.min(range.end) - file.offset.max(range.start)).sum();
                prop_assert_eq!(touched, range.end - range.start);
                at = range.end;
            }
        }
        prop_assert_eq!(at, info.total_length());
    }
}
