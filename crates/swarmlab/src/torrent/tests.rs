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

/// libtorrent describes the same files with the same roots, layers and order.
#[test]
fn libtorrent_makes_the_same_of_the_same_files() {
    let Some(found) = crate::clients::Client::Libtorrent.find() else {
        assert!(std::env::var_os("CI").is_none(), "libtorrent is not in target/pypi");
        eprintln!("!!! SKIPPED !!! libtorrent is not in target/pypi");
        return;
    };
    const PROGRAM: &str = "
import sys, libtorrent as lt
folder, name, piece, flags = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
fs = lt.file_storage()
lt.add_files(fs, folder + '/' + name)
made = lt.create_torrent(fs, piece, lt.create_torrent.v2_only) if flags == 'two' else lt.create_torrent(fs, piece)
lt.set_piece_hashes(made, folder)
sys.stdout.buffer.write(lt.bencode(made.generate()))
";
    let file = |path: &str, length| FileSpec { path: path.to_owned(), length, padding: false };
    let folder = || {
        // Of a folder `b` and a file `b.bin` libtorrent 2.1.1 makes a hybrid whose two lists differ in order.
        let paths = ["a/long.bin", "b/bin", "b/none", "b/short", "c.bin"];
        Shape::Folder(paths.iter().zip([300_000, 65_536, 0, 40, 16_385]).map(|(path, length)| file(path, length)).collect())
    };
    for (versions, word) in [(Versions::Two, "two"), (Versions::Both, "both")] {
        for shape in [Shape::File { length: 200_001 }, folder()] {
            let ours = SyntheticTorrent::of(versions, "thing", 5, shape.clone(), 32 << 10, &[]).unwrap();
            let dir = tempfile::tempdir().unwrap();
            ours.write_to(dir.path()).unwrap();
            let theirs = std::process::Command::new(&found.program)
                .args(["-I", "-W", "ignore", "-c", PROGRAM, dir.path().to_str().unwrap(), "thing", "32768", word])
                .output()
                .unwrap();
            assert!(theirs.status.success(), "{}", String::from_utf8_lossy(&theirs.stderr));
            let theirs = Metainfo::parse(&theirs.stdout).unwrap_or_else(|fault| panic!("{word}: {fault}"));
            let ours = Metainfo::parse(ours.metainfo()).unwrap();
            let told = |info: &Info| {
                let files = info.files().iter().filter(|file| file.length > 0 && !file.padding);
                let files: Vec<_> = files.map(|file| (file.path.clone(), file.range(), file.pieces_root)).collect();
                // libtorrent fills up the last piece of a hybrid folder as well, which neither BEP asks for.
                let pieces: Vec<_> = (0..info.piece_count() - 1).map(|piece| info.piece_hash(piece)).collect();
                (files, pieces, info.layout(), info.v1().is_some(), info.v2().is_some())
            };
            assert_eq!(told(&ours.info), told(&theirs.info), "{word} {shape:?}");
            assert_eq!(ours.piece_layers, theirs.piece_layers, "{word} {shape:?}");
        }
    }
}
