//! What each path of a bundle holds. A path that is not named here may not be in a bag.

use evidence::Digest;

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    /// One of the files that every bundle has, tag files included.
    Fixed,
    /// `data/process-report.pdf`, which a build may leave out.
    Pdf,
    /// `data/shard/checkpoints/<size>.txt`.
    Checkpoint(u64),
    /// `data/shard/control/<index>.note`.
    Note(u64),
    /// `data/recipient/transcripts/<sha256>`.
    Transcript(Digest),
    /// `data/tables/<sha256>`.
    Table(Digest),
    /// `data/dossiers/<SHA-256 of the dossier's note>/blocks.sha256`.
    Blocks(Digest),
    /// `data/cirs/<UIN>/cir.json`, `notice.txt` or `evidence.txt`.
    Report(String),
}

pub(crate) const TAG_FILES: [&str; 4] = ["bag-info.txt", "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"];

pub(crate) const FIXED_PAYLOAD: [&str; 8] = [
    "data/README.txt",
    "data/process-report.html",
    "data/process-report.json",
    "data/recipient/openings.txt",
    "data/recipient/part.txt",
    "data/shard/leaves.txt",
    "data/tables/tables.txt",
    "data/trust/anchor.txt",
];

pub(crate) const REPORT_FILES: [&str; 3] = ["cir.json", "evidence.txt", "notice.txt"];

/// What `path` holds, if it may be in a bundle.
pub(crate) fn place_of(path: &str) -> Option<Place> {
    if TAG_FILES.contains(&path) || FIXED_PAYLOAD.contains(&path) {
        return Some(Place::Fixed);
    }
    let path = path.strip_prefix("data/")?;
    if path == "process-report.pdf" {
        return Some(Place::Pdf);
    }
    if let Some(name) = path.strip_prefix("shard/checkpoints/") {
        return Some(Place::Checkpoint(number(name.strip_suffix(".txt")?)?));
    }
    if let Some(name) = path.strip_prefix("shard/control/") {
        return Some(Place::Note(number(name.strip_suffix(".note")?)?));
    }
    if let Some(name) = path.strip_prefix("recipient/transcripts/") {
        return Some(Place::Transcript(name.parse().ok()?));
    }
    if let Some(name) = path.strip_prefix("tables/") {
        return Some(Place::Table(name.parse().ok()?));
    }
    if let Some(name) = path.strip_prefix("dossiers/") {
        return Some(Place::Blocks(name.strip_suffix("/blocks.sha256")?.parse().ok()?));
    }
    let (uin, file) = path.strip_prefix("cirs/")?.split_once('/')?;
    (is_uin(uin) && REPORT_FILES.contains(&file)).then(|| Place::Report(uin.to_owned()))
}

/// A decimal without leading zeros.
pub(crate) fn number(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// `<YYYYMM>-<8 hex>-<index>`; whose they are is checked with the report.
fn is_uin(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let (Some(month), Some(log), Some(index)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    month.len() == 6
        && month.bytes().all(|byte| byte.is_ascii_digit())
        && log.len() == 8
        && log.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && number(index).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_a_bundle_have_a_place() {
        let digest = "00".repeat(32);
        assert_eq!(place_of("bagit.txt"), Some(Place::Fixed));
        assert_eq!(place_of("data/shard/checkpoints/12.txt"), Some(Place::Checkpoint(12)));
        assert_eq!(place_of("data/shard/control/0.note"), Some(Place::Note(0)));
        assert_eq!(place_of("data/cirs/202609-0a1b2c3d-7/cir.json"), Some(Place::Report("202609-0a1b2c3d-7".into())));
        assert!(place_of(&format!("data/tables/{digest}")).is_some());
        assert!(place_of(&format!("data/dossiers/{digest}/blocks.sha256")).is_some());
        for bad in [
            "README.txt",
            "data/x",
            "data/shard/checkpoints/012.txt",
            "data/shard/checkpoints/+1.txt",
            "data/shard/control/1.txt",
            "data/shard/control/a.note",
            "data/recipient/transcripts/abc",
            "data/cirs/x/cir.json",
            "data/cirs/202609-0a1b2c3d-7/cir.exe",
            "data/cirs/202609-0a1b2c3d-07/cir.json",
            "data/cirs/202609-0A1b2c3d-7/cir.json",
            "data/cirs/cir.json",
            "fetch.txt",
            "manifest-sha512.txt",
            "data/tables/table.tsv",
            "data/dossiers/blocks.sha256",
            "data/dossiers/x/blocks.sha256",
        ] {
            assert_eq!(place_of(bad), None, "{bad}");
        }
    }
}
