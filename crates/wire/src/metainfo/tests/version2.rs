//! Version 2 and hybrids, against an independent reading: the files laid out and hashed by their definition.

use alloc::collections::BTreeMap;

use super::*;
use crate::infohash::InfoHashV2;
use crate::merkle;

const PIECE: i64 = 32_768;

fn content(length: usize, seed: u8) -> Vec<u8> {
    (0..length).map(|at| (at / 3) as u8 ^ seed).collect()
}

fn leaf_item(content: &[u8]) -> Item {
    let leaves: Vec<_> = content.chunks(16_384).map(merkle::leaf).collect();
    let mut entry = Item::dict([("length", (content.len() as i64).into())]);
    if let Some(root) = merkle::root(&leaves, 0) {
        entry = with(entry, "pieces root", &root[..]);
    }
    Item::dict([("", entry)])
}

/// Puts a file into a tree of dictionaries.
fn plant(tree: &mut BTreeMap<Vec<u8>, Item>, path: &[&str], leaf: Item) {
    let (first, rest) = path.split_first().unwrap();
    if rest.is_empty() {
        tree.insert(first.as_bytes().to_vec(), leaf);
        return;
    }
    let folder = tree.entry(first.as_bytes().to_vec()).or_insert_with(|| Item::Dict(BTreeMap::new()));
    let Item::Dict(inner) = folder else { panic!("a file is in the way") };
    plant(inner, rest, leaf);
}

type Files<'a> = &'a [(&'a [&'a str], Vec<u8>)];

fn v2_info(files: Files<'_>) -> Item {
    let mut tree = BTreeMap::new();
    for (path, content) in files {
        plant(&mut tree, path, leaf_item(content));
    }
    Item::dict([
        ("file tree", Item::Dict(tree)),
        ("meta version", 2.into()),
        ("name", "folder".into()),
        ("piece length", PIECE.into()),
    ])
}

fn layers(files: Files<'_>) -> Item {
    let long = files.iter().filter(|(_, content)| content.len() as i64 > PIECE);
    let entry = |content: &Vec<u8>| {
        let leaves: Vec<_> = content.chunks(16_384).map(merkle::leaf).collect();
        let nodes = leaves.chunks(2).map(|pair| merkle::parent(&pair[0], pair.get(1).unwrap_or(&[0; 32])));
        (merkle::root(&leaves, 0).unwrap().to_vec(), Item::Bytes(nodes.flatten().collect()))
    };
    Item::Dict(long.map(|(_, content)| entry(content)).collect())
}

fn v2_torrent(files: Files<'_>) -> Item {
    with(torrent(v2_info(files)), "piece layers", layers(files))
}

/// The same files in version 1 as well, padded.
fn hybrid_info(files: Files<'_>) -> Item {
    let mut list = vec![];
    let mut at = 0;
    for (path, content) in files {
        let gap = at % PIECE;
        if gap > 0 && !content.is_empty() {
            let padding = with(file(&[".pad", "n"], PIECE - gap), "attr", "p");
            list.push(padding);
            at += PIECE - gap;
        }
        list.push(file(path, content.len() as i64));
        at += content.len() as i64;
    }
    let pieces = vec![9; 20 * (at as usize).div_ceil(PIECE as usize)];
    with(with(v2_info(files), "files", list), "pieces", Item::Bytes(pieces))
}

fn three() -> Vec<(&'static [&'static str], Vec<u8>)> {
    vec![(&["a", "long"], content(100_000, 1)), (&["a", "none"], vec![]), (&["b"], content(40, 2))]
}

#[test]
fn reads_version_2_alone() {
    let files = three();
    let bytes = v2_torrent(&files).encode();
    let metainfo = Metainfo::parse(&bytes).unwrap();
    let info = &metainfo.info;
    assert_eq!((info.v1(), info.v2()), (None, Some(InfoHashV2::of_info(info.raw()))));
    assert_eq!((info.layout(), info.piece_count(), info.total_length()), (Layout::Folder, 5, 4 * 32_768 + 40));
    let ranges: Vec<_> = info.files().iter().map(|file| (file.path.to_string(), file.range())).collect();
    let due = [("a/long", 0..100_000), ("a/none", 100_000..100_000), ("b", 131_072..131_112)];
    assert_eq!(ranges, due.map(|(path, range)| (path.to_string(), range)));
    assert_eq!(info.piece_range(3), Some(98_304..100_000), "a piece ends where its file ends");
    assert_eq!(info.data_range(4), Some(131_072..131_112));
    assert_eq!((info.data_range(5), info.piece_hash(0)), (None, None));
    assert_eq!(info.file_of(4).map(|file| file.path.to_string()).as_deref(), Some("b"));
    assert_eq!((info.block_count(3), info.block(3, 0)), (1, Some(Block { piece: 3, begin: 0, length: 1_696 })));
    assert_eq!(info.block_range(Block { piece: 3, begin: 0, length: 1_697 }), None);
    let root = info.files()[0].pieces_root.unwrap();
    assert_eq!(metainfo.piece_layers.of(&root).map(<[_]>::len), Some(4));
    assert_eq!(metainfo.piece_layers.of(&info.files()[2].pieces_root.unwrap()), None);
    assert_eq!(info.files()[1].pieces_root, None);
    assert_eq!(Info::parse(info.raw()).as_ref(), Ok(info));
}

#[test]
fn a_lone_file_of_the_torrents_name_has_no_folder() {
    let layout = |path: &[&str]| {
        let bytes = with(v2_info(&[(path, content(5, 0))]), "name", "one.bin").encode();
        Info::parse(&bytes).unwrap().layout()
    };
    assert_eq!(layout(&["one.bin"]), Layout::SingleFile);
    assert_eq!(layout(&["other.bin"]), Layout::Folder);
    assert_eq!(layout(&["one.bin", "one.bin"]), Layout::Folder);
}

#[test]
fn reads_a_hybrid_as_one_torrent() {
    let files = three();
    let info = Info::parse(&hybrid_info(&files).encode()).unwrap();
    assert_eq!(info.v1(), Some(InfoHashV1::of_info(info.raw())));
    assert_eq!(info.v2(), Some(InfoHashV2::of_info(info.raw())));
    let ranges: Vec<_> = info.files().iter().map(|file| (file.path.to_string(), file.range(), file.padding)).collect();
    let due = [
        ("a/long", 0..100_000, false),
        ("a/none", 100_000..100_000, false),
        (".pad/n", 100_000..131_072, true),
        ("b", 131_072..131_112, false),
    ];
    assert_eq!(ranges, due.map(|(path, range, padding)| (path.to_string(), range, padding)));
    // What version 1 hashes has the padding in it; what can be asked for has not.
    assert_eq!((info.piece_range(3), info.data_range(3)), (Some(98_304..131_072), Some(98_304..100_000)));
    assert_eq!((info.piece_hash(4), info.piece_size(4)), (Some([9; 20]), Some(40)));
    let alone = Info::parse(&v2_info(&files).encode()).unwrap();
    let data = |info: &Info| (0..5).map(|piece| info.data_range(piece).unwrap()).collect::<Vec<_>>();
    assert_eq!(data(&info), data(&alone));
    let roots = |info: &Info| info.files().iter().filter_map(|file| file.pieces_root).collect::<Vec<_>>();
    assert_eq!(roots(&info), roots(&alone));
}

#[test]
fn padding_after_the_last_file_is_suffered_within_its_piece() {
    let hybrid = |padding: i64, pieces: usize| {
        let padding = with(file(&[".pad", "n"], padding), "attr", "p");
        let info = with(hybrid_info(&[(&["b"], content(40, 2))]), "files", vec![file(&["b"], 40), padding]);
        Info::parse(&with(info, "pieces", Item::Bytes(vec![9; 20 * pieces])).encode())
    };
    let info = hybrid(PIECE - 40, 1).unwrap();
    assert_eq!((info.piece_range(0), info.data_range(0)), (Some(0..32_768), Some(0..40)));
    assert_eq!(hybrid(PIECE, 2).unwrap_err().rule, Rule::Hybrid);
}

#[test]
fn refuses_bad_version_2_naming_the_rule() {
    let one = |path: &'static [&'static str]| v2_info(&[(path, content(40, 2))]);
    let tree = |tree: Item| with(one(&["b"]), "file tree", tree);
    let entry = |entry: Item| tree(Item::dict([("b", Item::dict([("", entry)]))]));
    let root = || Item::Bytes(vec![1; 32]);
    let of = |length: i64| Item::dict([("length", length.into()), ("pieces root", root())]);
    let empty = || Item::dict([]);
    let hybrid = |files: Vec<Item>| with(hybrid_info(&three()), "files", files);
    let padding = || with(file(&[".pad", "n"], 31_072), "attr", "p");
    let mut nested = Item::dict([("", of(5))]);
    for _ in 0..65 {
        nested = Item::dict([("x", nested)]);
    }
    let cases: Vec<(Item, Rule)> = vec![
        (with(one(&["b"]), "meta version", 1), Rule::MetaVersion),
        (with(one(&["b"]), "meta version", 3), Rule::MetaVersion),
        (with(one(&["b"]), "meta version", "2"), Rule::MetaVersion),
        (without(one(&["b"]), "meta version"), Rule::MetaVersion),
        (without(one(&["b"]), "file tree"), Rule::MetaVersion),
        (with(one(&["b"]), "piece length", 16_383), Rule::PieceLengthV2),
        (with(one(&["b"]), "piece length", 8_192), Rule::PieceLengthV2),
        (with(one(&["b"]), "piece length", 49_152), Rule::PieceLengthV2),
        (tree(Item::Int(1)), Rule::FileTree),
        (tree(empty()), Rule::FileTree),
        (tree(Item::dict([("", of(5))])), Rule::FileTree),
        (tree(Item::dict([("b", Item::Int(1))])), Rule::FileTree),
        (tree(Item::dict([("b", empty())])), Rule::FileTree),
        (tree(Item::dict([("b", Item::dict([("", of(5)), ("c", Item::dict([("", of(5))]))]))])), Rule::FileTree),
        (entry(Item::Int(1)), Rule::FileTree),
        (entry(Item::dict([("pieces root", root())])), Rule::FileLength),
        (entry(of(-1)), Rule::FileLength),
        (entry(with(of(5), "length", "5")), Rule::FileLength),
        (entry(Item::dict([("length", 5.into())])), Rule::PiecesRoot),
        (entry(of(0)), Rule::PiecesRoot),
        (entry(with(of(5), "pieces root", Item::Bytes(vec![1; 31]))), Rule::PiecesRoot),
        (entry(with(of(5), "pieces root", 5)), Rule::PiecesRoot),
        (entry(with(of(5), "attr", "p")), Rule::TreePadding),
        (entry(with(of(5), "attr", 5)), Rule::Attr),
        (entry(of(i64::MAX)), Rule::TooManyPieces),
        (tree(Item::dict([("a", Item::dict([("", of(5))])), ("b", Item::dict([("", of(i64::MAX))]))])), Rule::TooLarge),
        (entry(Item::dict([("length", 0.into())])), Rule::Empty),
        (tree(nested), Rule::PathTooDeep),
        // Half a version 1.
        (with(one(&["b"]), "pieces", Item::Bytes(vec![0; 20])), Rule::LengthOrFiles),
        (with(one(&["b"]), "files", vec![file(&["b"], 40)]), Rule::Pieces),
        // The two versions disagree: a file more, less, longer, elsewhere, of another name, or without its padding.
        (hybrid(vec![file(&["a", "long"], 100_000), file(&["a", "none"], 0), padding(), file(&["c"], 40)]), Rule::Hybrid),
        (hybrid(vec![file(&["a", "long"], 100_000), padding(), file(&["a", "none"], 0), file(&["b"], 41)]), Rule::Hybrid),
        (hybrid(vec![file(&["a", "long"], 100_000), padding(), file(&["b"], 40)]), Rule::Hybrid),
        (
            hybrid(vec![file(&["a", "long"], 100_000), file(&["a", "none"], 0), padding(), file(&["b"], 20), file(&["c"], 20)]),
            Rule::Hybrid,
        ),
        (hybrid(vec![file(&["a", "long"], 100_000), file(&["a", "none"], 0), file(&["b"], 40)]), Rule::Hybrid),
        (hybrid(vec![file(&["b"], 40), file(&["a", "none"], 0), padding(), file(&["a", "long"], 100_000)]), Rule::Hybrid),
        (with(without(hybrid_info(&[(&["folder"], content(40, 2))]), "files"), "length", 41), Rule::Hybrid),
        (with(without(hybrid_info(&[(&["other"], content(40, 2))]), "files"), "length", 40), Rule::Hybrid),
    ];
    for (info, rule) in cases {
        let got = Info::parse(&info.encode()).unwrap_err();
        assert_eq!(got.rule, rule, "{:?}: {got}", info.encode().escape_ascii().to_string());
    }
    let single = with(without(hybrid_info(&[(&["folder"], content(40, 2))]), "files"), "length", 40);
    assert_eq!(Info::parse(&single.encode()).map(|info| info.layout()), Ok(Layout::SingleFile));
}

#[test]
fn refuses_bad_piece_layers() {
    let files = three();
    let good = || v2_torrent(&files);
    let Item::Dict(entries) = layers(&files) else { panic!("layers are a dictionary") };
    let (root, Item::Bytes(nodes)) = entries.into_iter().next().unwrap() else { panic!("an entry is bytes") };
    let layer = |root: &[u8], nodes: &[u8]| Item::Dict(BTreeMap::from([(root.to_vec(), Item::from(nodes))]));
    let mut two = BTreeMap::from([(root.clone(), Item::from(&nodes[..]))]);
    two.insert(vec![7; 32], Item::from(&nodes[..]));
    let mut changed = nodes.clone();
    changed[40] ^= 1;
    let cases = [
        (without(good(), "piece layers"), Rule::PieceLayers),
        (with(good(), "piece layers", 5), Rule::PieceLayers),
        (with(good(), "piece layers", Item::dict([])), Rule::PieceLayers),
        (with(good(), "piece layers", layer(&[7; 32], &nodes)), Rule::PieceLayers),
        (with(good(), "piece layers", layer(&root[..31], &nodes)), Rule::PieceLayers),
        (with(good(), "piece layers", Item::Dict(BTreeMap::from([(root.clone(), Item::Int(5))]))), Rule::PieceLayers),
        (with(good(), "piece layers", Item::Dict(two)), Rule::PieceLayers),
        (with(good(), "piece layers", layer(&root, &nodes[..96])), Rule::LayerLength),
        (with(good(), "piece layers", layer(&root, &nodes[..127])), Rule::LayerLength),
        (with(good(), "piece layers", layer(&root, &[&nodes[..], &[0; 32]].concat())), Rule::LayerLength),
        (with(good(), "piece layers", layer(&root, &changed)), Rule::LayerRoot),
        (with(torrent(single_info()), "piece layers", Item::dict([])), Rule::PieceLayers),
    ];
    for (torrent, rule) in cases {
        assert_eq!(Metainfo::parse(&torrent.encode()).unwrap_err().rule, rule);
    }
    let bare = without(good(), "piece layers").encode();
    assert!(Metainfo::parse_without_layers(&bare).is_ok());
    let wrong = with(good(), "piece layers", layer(&root, &changed)).encode();
    assert_eq!(Metainfo::parse_without_layers(&wrong).unwrap_err().rule, Rule::LayerRoot);
    let short: Files<'_> = &[(&["b"], content(40, 2))];
    assert!(Metainfo::parse(&torrent(v2_info(short)).encode()).is_ok(), "nothing is longer than a piece, so no layer is due");
}

#[test]
fn version_2_limits_hold() {
    let bytes = v2_torrent(&three()).encode();
    let refused = |limits| Metainfo::parse_within(&bytes, &limits).unwrap_err().rule;
    let limits = Limits::default();
    assert_eq!(refused(Limits { files_max: 2, ..limits }), Rule::TooManyFiles);
    assert_eq!(refused(Limits { path_parts_max: 1, ..limits }), Rule::PathTooDeep);
    assert_eq!(refused(Limits { pieces_max: 4, ..limits }), Rule::TooManyPieces);
}

#[test]
fn names_in_a_tree_are_kept_flagged_and_harmless() {
    let info = Info::parse(&v2_info(&[(&["..", "a/b"], content(5, 0))]).encode()).unwrap();
    let path = &info.files()[0].path;
    assert_eq!(path.to_string(), "__/a_b");
    assert!(path.hazards().is_superset(&[Hazard::Traversal, Hazard::Separator].into()));
}

proptest! {
    #[test]
    fn blocks_tile_the_files_and_nothing_else(lengths in prop::collection::vec(0usize..120_000, 1..6), hybrid: bool) {
        prop_assume!(lengths.iter().any(|length| *length > 0));
        let names = ["a", "b", "c", "d", "e", "f"].map(|name| [name]);
        let files: Vec<(&[&str], Vec<u8>)> =
            lengths.iter().zip(&names).map(|(length, name)| (&name[..], content(*length, 5))).collect();
        let item = if hybrid { hybrid_info(&files) } else { v2_info(&files) };
        let info = Info::parse(&item.encode()).unwrap();
        // An independent layout: pieces counted file by file.
        let mut due = vec![];
        let mut piece = 0u64;
        for (_, content) in &files {
            due.extend((0..content.len()).step_by(16_384).map(|at| (piece * 32_768 + at as u64, (content.len() - at).min(16_384))));
            piece += (content.len() as u64).div_ceil(32_768);
        }
        prop_assert_eq!(u64::from(info.piece_count()), piece);
        let blocks = (0..info.piece_count()).flat_map(|piece| (0..info.block_count(piece)).map(move |index| (piece, index)));
        let blocks: Vec<_> = blocks.map(|(piece, index)| {
            let range = info.block_range(info.block(piece, index).unwrap()).unwrap();
            assert!(info.files_in(range.clone()).all(|file| !file.padding && file.range().end >= range.end));
            (range.start, (range.end - range.start) as usize)
        }).collect();
        prop_assert_eq!(blocks, due);
    }

    #[test]
    fn a_damaged_version_2_torrent_never_panics(at in 0usize..600, byte: u8, cut in 0usize..600) {
        let mut bytes = v2_torrent(&three()).encode();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = Metainfo::parse(&bytes);
        bytes.truncate(cut % bytes.len());
        prop_assert!(Metainfo::parse(&bytes).is_err());
    }
}
