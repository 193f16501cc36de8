//! Whole bundles, as folders of edited files and as archives: `verify` reads what a stranger hands it.
//!
//! The first byte of an input says which. An archive is its bytes. Otherwise the input is a list of edits of the vectors'
//! bundle for an ISP; where asked for, the bag's own lists of digests are written anew, so that the edits are reached.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read, Write as _};
use std::path::Path;
use std::sync::OnceLock;

use evidence::sha256;
use verify::{Expectations, Listed, Source, Zip};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::vectors;
use crate::Seed;
use crate::script::{Script, chunk};

type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn run(data: &[u8]) {
    let mut script = Script::new(data);
    match script.byte() & 1 {
        0 => drop(judge(&mut Zip::new(Cursor::new(script.rest().to_vec())))),
        _ => {
            let mut files = honest().clone();
            let is_sealed = script.byte() & 1 != 0;
            while !script.is_over() {
                edit(&mut files, &mut script);
            }
            if is_sealed {
                seal(&mut files);
            }
            let is_honest = &files == honest();
            let valid = judge(&mut Memory(files));
            assert!(!is_honest || valid, "the bundle of the vectors is sound");
        }
    }
}

fn judge(source: &mut dyn Source) -> bool {
    let verdict = verify::bundle(source, &Expectations::default());
    let _ = verdict.to_string();
    verdict.valid
}

/// One edit: of which file, where, how many bytes go, what comes in.
fn edit(files: &mut Files, script: &mut Script<'_>) {
    let number = usize::from(script.byte()) % files.len();
    let at = usize::from(script.short());
    let out = usize::from(script.byte());
    let new = script.chunk();
    let file = files.values_mut().nth(number).expect("a number below their count");
    let start = at.min(file.len());
    let end = (start + out).min(file.len());
    file.splice(start..end, new.iter().copied());
}

/// Writes the bag's own files anew, as whoever makes a bundle would.
fn seal(files: &mut Files) {
    let digests = |files: &Files, is_listed: &dyn Fn(&str) -> bool| -> Vec<u8> {
        let listed = files.iter().filter(|(path, _)| is_listed(path));
        listed.flat_map(|(path, bytes)| format!("{}  {path}\n", sha256(bytes)).into_bytes()).collect()
    };
    let payload = files.iter().filter(|(path, _)| path.starts_with("data/"));
    let (count, bytes) = payload.fold((0_usize, 0_usize), |(count, bytes), (_, file)| (count + 1, bytes + file.len()));
    let info = String::from_utf8_lossy(files.get("bag-info.txt").map_or(&[][..], Vec::as_slice)).into_owned();
    let oxum = |line: &str| match line.strip_prefix("Payload-Oxum: ") {
        Some(_) => format!("Payload-Oxum: {bytes}.{count}\n"),
        None => format!("{line}\n"),
    };
    files.insert("bag-info.txt".into(), info.lines().map(oxum).collect::<String>().into_bytes());
    files.insert("manifest-sha256.txt".into(), digests(files, &|path| path.starts_with("data/")));
    let tags = digests(files, &|path| !path.starts_with("data/") && path != "tagmanifest-sha256.txt");
    files.insert("tagmanifest-sha256.txt".into(), tags);
}

/// The vectors' bundle for an ISP.
fn honest() -> &'static Files {
    static HONEST: OnceLock<Files> = OnceLock::new();
    HONEST.get_or_init(|| {
        let mut files = Files::new();
        read(&vectors::root().join("bundle/isp"), "", &mut files);
        files
    })
}

fn read(folder: &Path, prefix: &str, files: &mut Files) {
    for entry in std::fs::read_dir(folder).expect("the vectors' bundle is there") {
        let path = entry.expect("a folder that can be read").path();
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            read(&path, &format!("{name}/"), files);
        } else {
            files.insert(name, std::fs::read(&path).expect("the vectors' bundle can be read"));
        }
    }
}

/// A bundle that is nowhere but here.
struct Memory(Files);

impl Source for Memory {
    fn list(&mut self) -> Result<Vec<Listed>, Vec<String>> {
        Ok(self.0.iter().map(|(path, bytes)| Listed { path: path.clone(), bytes: bytes.len() as u64 }).collect())
    }

    fn open(&mut self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(path).ok_or_else(|| io::Error::other("there is no such file"))?;
        Ok(Box::new(&bytes[..]))
    }
}

pub(crate) fn seeds() -> Vec<Seed> {
    let small: Files =
        [("bagit.txt", &b"BagIt-Version: 1.0\n"[..]), ("data/a.txt", b"synthetic"), ("data/b.txt", &[b'x'; 3_000])]
            .into_iter()
            .map(|(path, bytes)| (path.to_owned(), bytes.to_vec()))
            .collect();
    let whole = archive(&small);
    let edit = |file: u8, at: u16, out: u8, new: &[u8]| [&[file][..], &at.to_be_bytes(), &[out], &chunk(new)].concat();
    let edits = |sealed: u8, edits: &[Vec<u8>]| [&[1, sealed][..], &edits.concat()].concat();
    let numbers = 0..honest().len() as u8;
    let mut seeds = vec![
        ("archive".to_owned(), [&[0][..], &whole].concat()),
        ("archive-cut".to_owned(), [&[0][..], &whole[..whole.len() - 30]].concat()),
        ("archive-empty".to_owned(), [&[0][..], &archive(&Files::new())].concat()),
        ("honest".to_owned(), edits(0, &[])),
        ("honest-sealed-again".to_owned(), edits(1, &[])),
        ("every-file-shorter".to_owned(), edits(1, &numbers.clone().map(|file| edit(file, 40, 1, b"")).collect::<Vec<_>>())),
    ];
    // A byte of each file: the lists of digests are right, so that what reads the file sees it.
    seeds.extend(numbers.map(|file| (format!("edited-{file:02}"), edits(1, &[edit(file, 60, 1, b"9")]))));
    seeds
}

fn archive(files: &Files) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
        archive.start_file(path.as_str(), options).expect("an archive in memory");
        archive.write_all(bytes).expect("an archive in memory");
    }
    archive.finish().expect("an archive in memory").into_inner()
}
