//! A bundle as a map of files: laid out from a story, edited by tests, read by the verifier.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read},
};

use evidence::{Leaf, Part, sha256};
use verify::{Listed, Source};

use crate::{
    keys::{self, ORIGIN},
    records,
    story::{Story, cir_json},
};

pub const LABORATORY_LINE: &str = "LABORATORY REPORT: simulated peers, synthetic content, nobody's notice\n";

#[derive(Clone)]
pub struct Files(pub BTreeMap<String, Vec<u8>>);

/// Whose bundle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum For {
    Isp,
    Audit,
}

impl Source for Files {
    fn list(&mut self) -> Result<Vec<Listed>, Vec<String>> {
        Ok(self.0.iter().map(|(path, bytes)| Listed { path: path.clone(), bytes: bytes.len() as u64 }).collect())
    }

    fn open(&mut self, path: &str) -> io::Result<Box<dyn Read + '_>> {
        let bytes = self.0.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes.as_slice())))
    }
}

pub fn lay_out(story: &Story, whose: For) -> Files {
    let shard = &story.shard;
    let mut files = Files(BTreeMap::new());
    let audit = whose == For::Audit;
    let (id, part) = if audit { ("audit", "all") } else { ("lab-isp", "as64496") };
    files.put("data/README.txt", "How to check this by hand.\n");
    files.put("data/trust/anchor.txt", &keys::anchor());
    files.put("data/shard/leaves.txt", &shard.leaves.concat());
    for (size, bytes) in &shard.checkpoints {
        files.0.insert(format!("data/shard/checkpoints/{size}.txt"), bytes.clone());
    }
    for (index, bytes) in &shard.notes {
        files.0.insert(format!("data/shard/control/{index}.note"), bytes.clone());
    }
    files.put("data/recipient/part.txt", &format!("affiant.part/1\nrecipient {id}\nissue {}\npart {part}\n", story.issue_index));
    let is_kept = |index: u64| {
        let leaf = Leaf::parse(&shard.leaves[index as usize]).unwrap();
        index != crate::story::ERASED && (audit || leaf.part == Part::As(64_496) && index != crate::story::WITHHELD)
    };
    let openings: String = shard.openings.iter().filter(|(index, _)| is_kept(**index)).map(|(_, line)| line.as_str()).collect();
    files.put("data/recipient/openings.txt", &openings);
    for (_, at_ms) in story.transcripts.iter().filter(|(index, _)| is_kept(*index)) {
        let transcript = records::transcript(*at_ms);
        files.put(&format!("data/recipient/transcripts/{}", sha256(transcript.as_bytes())), &transcript);
    }
    let folder = format!("data/cirs/{}", story.cir.uin);
    files.put(&format!("{folder}/cir.json"), &cir_json(&story.cir));
    let peer = story.cir.peer.address;
    files.put(
        &format!("{folder}/notice.txt"),
        &format!(
            "{}Report {}: address {} port {}.\n",
            if story.cir.profile == "laboratory/1" { LABORATORY_LINE } else { "" },
            story.cir.uin,
            peer.ip(),
            peer.port()
        ),
    );
    let mut evidence = String::from("The lines that this report rests on.\n\n");
    for entry in &story.cir.evidence {
        evidence.push_str(shard.openings.get(&entry.index).map_or("", String::as_str));
        evidence.push_str(shard.leaves.get(entry.index as usize).map_or("", String::as_str));
    }
    files.put(&format!("{folder}/evidence.txt"), &evidence);
    if audit {
        files.0.insert(format!("data/dossiers/{}/blocks.sha256", story.dossier), records::blocks());
    }
    let (prefixes, register) = (sha256(records::PREFIXES), sha256(records::REGISTER));
    files.put(
        "data/tables/tables.txt",
        &format!(
            "affiant.tables/1\n{prefixes} {} iptoasn 2026-08-31 laboratory\n{register} {} isp-register 2026-08-31 laboratory-register\n",
            records::PREFIXES.len(),
            records::REGISTER.len()
        ),
    );
    files.0.insert(format!("data/tables/{prefixes}"), records::PREFIXES.into());
    files.0.insert(format!("data/tables/{register}"), records::REGISTER.into());
    let sections: Vec<String> =
        (1..=16).map(|number| format!(r#"{{"blocks":[],"heading":"Section","number":{number}}}"#)).collect();
    files.put(
        "data/process-report.json",
        &format!(
            r#"{{"format":"affiant.document/1","meta":[],"notices":["Neither draft code was ever made."],"sections":[{}],"subtitle":"September 2026","title":"Process report"}}"#,
            sections.join(",")
        ),
    );
    files.put("data/process-report.html", "<!doctype html>\n<title>Process report</title>\n");
    files.put("bagit.txt", "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    files.rebag(&format!("{ORIGIN}/{}/{id}", story.issue_index));
    files
}

impl Files {
    pub fn put(&mut self, path: &str, text: &str) {
        self.0.insert(path.into(), text.into());
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.0[path].clone()).unwrap()
    }

    pub fn edit(&mut self, path: &str, change: impl FnOnce(String) -> String) {
        let before = self.text(path);
        let after = change(before.clone());
        assert_ne!(before, after, "the edit of {path} changed nothing");
        self.put(path, &after);
    }

    pub fn path_of(&self, ending: &str) -> String {
        self.0.keys().find(|path| path.ends_with(ending)).unwrap().clone()
    }

    /// Writes the bag's own files anew, as a forger would after an edit.
    pub fn reseal(&mut self) {
        let info = self.text("bag-info.txt");
        let identifier = info.lines().find_map(|line| line.strip_prefix("External-Identifier: ")).unwrap().to_owned();
        self.rebag(&identifier);
    }

    fn rebag(&mut self, identifier: &str) {
        let payload: Vec<(&String, &Vec<u8>)> = self.0.iter().filter(|(path, _)| path.starts_with("data/")).collect();
        let bytes: usize = payload.iter().map(|(_, bytes)| bytes.len()).sum();
        let info = format!(
            "Bag-Software-Agent: affiant 0.1.0\nBagging-Date: 2026-09-02\nExternal-Identifier: {identifier}\nPayload-Oxum: {bytes}.{}\n",
            payload.len()
        );
        let manifest: String = payload.iter().map(|(path, bytes)| format!("{}  {path}\n", sha256(bytes))).collect();
        self.put("bag-info.txt", &info);
        self.put("manifest-sha256.txt", &manifest);
        let tags: String = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt"]
            .iter()
            .map(|path| format!("{}  {path}\n", sha256(&self.0[*path])))
            .collect();
        self.put("tagmanifest-sha256.txt", &tags);
    }
}
