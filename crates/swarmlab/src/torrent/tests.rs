use std::collections::BTreeSet;

use super::*;

const PIECE: u32 = 64 << 10;

fn file(seed: u64, length: u64) -> SyntheticTorrent {
    SyntheticTorrent::new("film.mkv", seed, Shape::File { length }, PIECE, &["http://127.0.0.1:1/announce"]).unwrap()
}

#[test]
fn every_piece_matches_its_hash() {
    for length in [1, 16_384, 65_536, 65_537, 700_001] {
        let torrent = file(1, length);
        let info = torrent.info();
        assert_eq!(info.total_length(), length);
        for piece in 0..info.piece_count() {
            let range = info.piece_range(piece).unwrap();
            let mut bytes = vec![0; (range.end - range.start) as usize];
            torrent.read(range.start, &mut bytes);
            assert_eq!(info.piece_hash(piece).unwrap(), <[u8; 20]>::from(Sha1::digest(&bytes)));
        }
    }
}

#[test]
fn the_same_words_make_the_same_torrent_and_another_seed_another() {
    assert_eq!(file(1, 70_000).metainfo(), file(1, 70_000).metainfo());
    assert_ne!(file(1, 70_000).info_hash(), file(2, 70_000).info_hash());
}

#[test]
fn no_block_occurs_twice_and_none_is_constant() {
    let torrent = file(3, 4 << 20);
    let info = torrent.info();
    let mut seen = BTreeSet::new();
    for piece in 0..info.piece_count() {
        for index in 0..info.block_count(piece) {
            let block = torrent.block(info.block(piece, index).unwrap()).unwrap();
            assert!(block.iter().any(|byte| *byte != block[0]));
            assert!(seen.insert(block));
        }
    }
    assert_eq!(seen.len(), 256);
}

#[test]
fn padding_is_zeros_and_the_nfo_has_a_piece_of_its_own() {
    let torrent = SyntheticTorrent::new("pack", 5, Shape::film_with_nfo(100_000, PIECE), PIECE, &[]).unwrap();
    let info = torrent.info();
    let [film, padding, nfo] = info.files() else { panic!("three files") };
    assert!(padding.padding && !film.padding && !nfo.padding);
    assert_eq!(nfo.offset % u64::from(PIECE), 0);
    let mut bytes = vec![1; padding.length as usize + 2];
    torrent.read(padding.offset - 1, &mut bytes);
    assert!(bytes[1..=padding.length as usize].iter().all(|byte| *byte == 0));
    assert_eq!(info.files_in(info.piece_range(2).unwrap()).count(), 1);
}

#[test]
fn what_is_written_is_what_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let torrent = SyntheticTorrent::new("pack", 5, Shape::film_with_nfo(600_000, PIECE), PIECE, &[]).unwrap();
    torrent.write_to(dir.path()).unwrap();
    for (name, file) in [("film.mkv", &torrent.info().files()[0]), ("film.nfo", &torrent.info().files()[2])] {
        let mut due = vec![0; file.length as usize];
        torrent.read(file.offset, &mut due);
        assert!(std::fs::read(dir.path().join("pack").join(name)).unwrap() == due, "{name}");
    }
    assert!(!dir.path().join("pack/.pad").exists());
}

#[test]
fn a_name_that_leads_elsewhere_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let spec = FileSpec { path: "../x".to_owned(), length: 1, padding: false };
    let torrent = SyntheticTorrent::new("pack", 5, Shape::Folder(vec![spec]), PIECE, &[]).unwrap();
    assert!(torrent.write_to(dir.path()).is_err());
    assert!(!dir.path().join("x").exists());
}

#[test]
fn a_magnet_names_hash_and_trackers() {
    let torrent = file(1, 10);
    let magnet = torrent.magnet(&["http://127.0.0.1:1/announce"]);
    let read = wire::magnet::Magnet::parse(&magnet).unwrap();
    assert_eq!(read.v1, Some(torrent.info_hash()));
    assert_eq!(read.trackers[0].as_str(), "http://127.0.0.1:1/announce");
}

#[test]
fn nonsense_is_refused() {
    assert!(SyntheticTorrent::new("x", 1, Shape::File { length: 0 }, PIECE, &[]).is_err());
    assert!(SyntheticTorrent::new("x", 1, Shape::File { length: 9 }, 0, &[]).is_err());
    assert!(SyntheticTorrent::new("", 1, Shape::File { length: 9 }, PIECE, &[]).is_err());
}
