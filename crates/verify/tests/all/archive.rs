//! The same bundle as a folder and as an archive, and the ways in which either can be a trap.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::Path,
};

use verify::{Folder, Source, Zip};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use crate::{
    files::{Files, For, lay_out},
    mutations::expectations,
    story::{Plan, tell},
};

fn honest() -> Files {
    lay_out(&tell(&Plan::honest()), For::Isp)
}

fn options() -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(CompressionMethod::Deflated).last_modified_time(DateTime::default())
}

fn archive(files: &Files) -> Vec<u8> {
    pack(files.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice(), options())))
}

fn pack<'a>(entries: impl Iterator<Item = (&'a str, &'a [u8], SimpleFileOptions)>) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes, options) in entries {
        writer.start_file(path, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn unpack(files: &Files, folder: &Path) {
    for (path, bytes) in &files.0 {
        let place = folder.join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, bytes).unwrap();
    }
}

#[track_caller]
fn refused(bytes: Vec<u8>, why: &str) {
    let mut source = Zip::new(Cursor::new(bytes));
    let verdict = verify::bundle(&mut source, &expectations());
    let step = verdict.step("1.1").unwrap();
    assert!(!verdict.valid && step.faults.iter().any(|fault| fault.contains(why)), "{why}\n{verdict}");
    assert!(verdict.failures().count() == 1, "later steps are skipped: {verdict}");
}

/// Replaces every occurrence of `from`, in local headers and in the directory alike.
fn replaced(mut bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        bytes.windows(from.len()).enumerate().filter(|(_, window)| *window == from).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + to.len()].copy_from_slice(to);
    }
    bytes
}

#[test]
fn folder_and_archive_get_the_same_verdict() {
    let files = honest();
    let folder = tempfile::tempdir().unwrap();
    unpack(&files, folder.path());
    let mut of_memory = files.clone();
    let expected = verify::bundle(&mut of_memory, &expectations());
    assert!(expected.valid, "{expected}");
    assert_eq!(verify::bundle(&mut Folder::new(folder.path()), &expectations()), expected);
    assert_eq!(verify::bundle(&mut Zip::new(Cursor::new(archive(&files))), &expectations()), expected);

    let path = folder.path().join("bundle.zip");
    fs::write(&path, archive(&files)).unwrap();
    assert_eq!(verify::bundle(verify::open(&path).unwrap().as_mut(), &expectations()), expected);
    assert!(verify::open(&folder.path().join("nothing")).is_err());
    assert!(verify::open(&folder.path().join("bagit.txt")).is_err(), "neither folder nor archive");
}

#[cfg(unix)]
#[test]
fn folders_with_links_or_strange_names_are_refused() {
    let check = |prepare: &dyn Fn(&Path), why: &str| {
        let folder = tempfile::tempdir().unwrap();
        unpack(&honest(), folder.path());
        prepare(folder.path());
        let faults = Folder::new(folder.path()).list().unwrap_err();
        assert!(faults.iter().any(|fault| fault.contains(why)), "{why}: {faults:?}");
    };
    check(&|folder| std::os::unix::fs::symlink("/etc/hostname", folder.join("data/link")).unwrap(), "'data/link' is a link");
    check(
        &|folder| {
            fs::rename(folder.join("data/README.txt"), folder.join("README")).unwrap();
            std::os::unix::fs::symlink("../README", folder.join("data/README.txt")).unwrap();
        },
        "'data/README.txt' is a link",
    );
    check(&|folder| std::os::unix::fs::symlink("/", folder.join("data/up")).unwrap(), "'data/up' is a link");
    check(&|folder| fs::write(folder.join("data/a b"), "").unwrap(), "holds a character");
    check(&|folder| fs::write(folder.join("data/a\\b"), "").unwrap(), "holds a character");
    check(&|folder| fs::create_dir_all(folder.join("1/2/3/4/5/6/7/8/9/10")).unwrap(), "nested deeper");
    check(
        &|folder| {
            let long = fs::File::create(folder.join("data/long")).unwrap();
            long.set_len((1 << 30) + 1).unwrap();
        },
        "longer than 1 GiB",
    );
    let mut folder = Folder::new("/");
    assert!(folder.open("../etc/hostname").is_err() && folder.open("/etc/hostname").is_err());
}

#[test]
fn archives_with_tricks_are_refused() {
    let files = honest();
    let good = archive(&files);

    refused(replaced(good.clone(), b"data/README.txt", b"../../README.md"), "component");
    refused(replaced(good.clone(), b"data/README.txt", b"/data/README.tx"), "component");
    refused(replaced(good.clone(), b"data/README.txt", b"data\\README.txt"), "holds a character");
    refused(replaced(good.clone(), b"bagit.txt", b"bag-in.tx"), "not sorted");
    // A second entry of one name: two readers could see two files.
    refused(
        replaced(pack(with(&files, "data/READMF.txt", b"other", options())), b"data/READMF.txt", b"data/README.txt"),
        "one name",
    );

    refused(pack(with(&files, "data/zeros", &vec![0; 8 << 20], options())), "200 times");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("data", options()).unwrap();
    refused(writer.finish().unwrap().into_inner(), "folder or a link");
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_symlink("data", "/etc", options()).unwrap();
    refused(writer.finish().unwrap().into_inner(), "folder or a link");
    let today = DateTime::from_date_and_time(2026, 9, 2, 0, 0, 0).unwrap();
    refused(pack(with(&files, "data/x", b"x", options().last_modified_time(today))), "1980-01-01");

    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.set_comment("hello").unwrap();
    refused(writer.finish().unwrap().into_inner(), "comment");
    refused([b"MZ".as_slice(), &good].concat(), "directory does not end where");
    refused([good.as_slice(), b"trailer"].concat(), "does not end with");
    refused(good[..good.len() - 1].to_vec(), "does not end with");
    refused(b"PK".to_vec(), "shorter than");
    refused(Vec::new(), "shorter than");

    // The last record promises more entries than a bag may have, or than its directory can hold.
    let end = good.len() - 22;
    let mut many = good.clone();
    many[end + 10..end + 12].copy_from_slice(&u16::MAX.to_le_bytes());
    refused(many, "64-bit record");
    let mut few = good.clone();
    few[end + 10..end + 12].copy_from_slice(&1_u16.to_le_bytes());
    refused(few, "longer than its entries");
}

#[test]
fn a_declared_size_is_a_promise() {
    let files = honest();
    let good = archive(&files);
    let bytes = files.0["data/shard/leaves.txt"].len() as u32;
    for stated in [bytes - 1, bytes + 1, 1 << 29] {
        let lie = replaced(good.clone(), &bytes.to_le_bytes(), &stated.to_le_bytes());
        let verdict = verify::bundle(&mut Zip::new(Cursor::new(lie)), &expectations());
        assert!(!verdict.valid, "{stated}: {verdict}");
    }
    // One bit of the packed bytes.
    let mut flipped = good.clone();
    flipped[2000] ^= 1;
    assert!(!verify::bundle(&mut Zip::new(Cursor::new(flipped)), &expectations()).valid);
}

#[test]
fn archives_cut_or_flipped_anywhere_give_a_verdict() {
    let good = archive(&honest());
    for at in (0..good.len()).step_by(97) {
        let mut flipped = good.clone();
        flipped[at] ^= 0x55;
        let _ = verify::bundle(&mut Zip::new(Cursor::new(flipped)), &expectations()).to_json();
        let _ = verify::bundle(&mut Zip::new(Cursor::new(good[..at].to_vec())), &expectations());
    }
}

fn with<'a>(
    files: &'a Files,
    path: &'a str,
    bytes: &'a [u8],
    options: SimpleFileOptions,
) -> impl Iterator<Item = (&'a str, &'a [u8], SimpleFileOptions)> {
    let mut entries: Vec<_> = files.0.iter().map(|(path, bytes)| (path.as_str(), bytes.as_slice(), self::options())).collect();
    entries.push((path, bytes, options));
    entries.sort_by_key(|(path, _, _)| *path);
    entries.into_iter()
}
