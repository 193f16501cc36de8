//! Bundles that were changed: by the edits of `vectors/README.md`, and at random.

use std::{collections::BTreeMap, path::Path};

use evidence::sha256;
use tempfile::TempDir;

/// The files of a bundle.
#[derive(Clone)]
pub struct Edited {
    pub name: String,
    pub anchor_sha256: String,
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Edited {
    pub fn base(name: &str, folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        read(folder, "", &mut files);
        let anchor_sha256 = sha256(&files["data/trust/anchor.txt"]).to_string();
        Self { name: name.into(), anchor_sha256, files }
    }

    /// The same on disk.
    pub fn stored(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in &self.files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        folder
    }

    /// Writes the bag's own files anew, as somebody who changes a bundle would.
    fn sealed(mut self) -> Self {
        let payload = |files: &BTreeMap<String, Vec<u8>>| -> Vec<String> {
            files.keys().filter(|path| path.starts_with("data/")).cloned().collect()
        };
        let paths = payload(&self.files);
        let bytes: usize = paths.iter().map(|path| self.files[path].len()).sum();
        let info = String::from_utf8(self.files["bag-info.txt"].clone()).unwrap();
        let kept: String = info.split_inclusive('\n').take(3).collect();
        self.files.insert("bag-info.txt".into(), format!("{kept}Payload-Oxum: {bytes}.{}\n", paths.len()).into());
        let digests = |files: &BTreeMap<String, Vec<u8>>, paths: &[String]| -> Vec<u8> {
            paths.iter().map(|path| format!("{}  {path}\n", sha256(&files[path]))).collect::<String>().into()
        };
        let manifest = digests(&self.files, &paths);
        self.files.insert("manifest-sha256.txt".into(), manifest);
        let tags = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"].map(String::from);
        let manifest = digests(&self.files, &tags);
        self.files.insert("tagmanifest-sha256.txt".into(), manifest);
        self
    }

    fn edit(&mut self, line: &str) {
        let unescaped = |text: &str| text.replace("\\n", "\n").into_bytes();
        let mut words = line.splitn(3, ' ');
        let (verb, path, rest) = (words.next().unwrap(), words.next().unwrap().to_string(), words.next().unwrap_or(""));
        match verb {
            "replace" => {
                let [_, from, to, _] = rest.split('/').collect::<Vec<_>>()[..] else { panic!("{line}") };
                let text = String::from_utf8(self.files[&path].clone()).unwrap();
                assert!(text.contains(from), "{line}");
                self.files.insert(path, text.replacen(from, to, 1).into());
            }
            "remove" => drop(self.files.remove(&path)),
            "append" => self.files.get_mut(&path).unwrap().extend(unescaped(rest)),
            "write" => drop(self.files.insert(path, unescaped(rest))),
            "copy" => drop(self.files.insert(rest.into(), self.files[&path].clone())),
            "drop-line" => {
                let number: usize = rest.parse().unwrap();
                let lines = self.files[&path].split_inclusive(|byte| *byte == b'\n');
                let kept =
                    lines.enumerate().filter(|(place, _)| place + 1 != number).flat_map(|(_, line)| line.to_vec()).collect();
                self.files.insert(path, kept);
            }
            _ => panic!("{line}"),
        }
    }

    /// One small change at a place that the seed chooses, in most cases with the bag's own files written anew.
    pub fn mutated(&self, seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        let mut edited = self.clone();
        let path = edited.files.keys().nth(random.below(edited.files.len())).unwrap().clone();
        let bytes = edited.files.get_mut(&path).unwrap();
        let at = random.below(bytes.len().max(1));
        let verb = random.below(6);
        match verb {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.insert(at.min(bytes.len()), b"0a \",\n"[random.below(6)]),
            3 => bytes.truncate(at),
            _ => {
                let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
                if !lines.is_empty() {
                    let (one, other) = (random.below(lines.len()), random.below(lines.len()));
                    match verb {
                        4 => drop(lines.remove(one)),
                        _ => lines.swap(one, other),
                    }
                }
                *bytes = lines.concat();
            }
        }
        edited.name = format!("{} changed by seed {seed}: verb {verb} at {at} of {path}", self.name);
        let seals = path.starts_with("data/") && random.below(4) > 0;
        if seals { edited.sealed() } else { edited }
    }
}

/// The bundles of the vectors whose expectation is in a file `*.txt`.
pub fn vectors(folder: &Path, bases: &[Edited]) -> Vec<Edited> {
    let mut bundles = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (head, edits) = text.split_once("\n\n").unwrap();
        let value = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap();
        let mut edited = bases.iter().find(|base| base.name == value("base")).unwrap().clone();
        edited.name = path.display().to_string();
        edits.lines().filter(|line| !line.is_empty()).for_each(|line| edited.edit(line));
        bundles.push(if value("sealed") == "yes" { edited.sealed() } else { edited });
    }
    bundles
}

fn read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        if entry.file_type().unwrap().is_dir() {
            read(&entry.path(), &format!("{path}/"), files);
        } else {
            files.insert(path, std::fs::read(entry.path()).unwrap());
        }
    }
}

/// xorshift64: what it chooses must be the same everywhere, and nothing more.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        for (left, shift) in [(true, 13), (false, 7), (true, 17)] {
            self.0 ^= if left { self.0 << shift } else { self.0 >> shift };
        }
        usize::try_from(self.0 >> 16).unwrap() % bound
    }
}
