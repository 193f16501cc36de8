//! Step 2: the trust anchor. Its digest is the only thing that must be had from elsewhere.

use evidence::{Digest, sha256};
use tlog::{KeyKind, Policy, VerifierKey};

use crate::{bag::read_whole, findings::Findings, place::number, source::Source, steps::Check};

const PATH: &str = "data/trust/anchor.txt";
const MAX_BYTES: u64 = 64 * 1024;

/// Whom the bundle asks to be judged by.
#[derive(Debug)]
pub(crate) struct Anchor {
    /// `<name>` of `<name>/root` and `<name>/<YYYY-MM>`.
    pub(crate) name: String,
    pub(crate) root: VerifierKey,
    /// The log's key, the witnesses and the quorum.
    pub(crate) policy: Policy,
    /// `YYYYMM` of the shard.
    pub(crate) month: String,
}

impl Anchor {
    /// The log's origin.
    pub(crate) fn origin(&self) -> &str {
        self.policy.log().name().as_str()
    }
}

/// Reads the anchor and compares its digest. `None` if there is nothing to judge by.
pub(crate) fn check(source: &mut dyn Source, expected: Option<Digest>, findings: &mut Findings) -> Option<Anchor> {
    findings.count(Check::AnchorForm);
    let bytes = match read_whole(source, PATH, MAX_BYTES) {
        Ok(bytes) => bytes,
        Err(fault) => {
            findings.fail(Check::AnchorForm, || fault);
            return None;
        }
    };
    let actual = sha256(&bytes);
    match expected {
        None => findings.warn(
            Check::AnchorDigest,
            format!("no digest was given: whoever made the bundle also chose the keys; ask the log's operator for the anchor's SHA-256 and compare it with {actual}"),
        ),
        Some(expected) => {
            findings.check(Check::AnchorDigest, actual == expected, || format!("the anchor's SHA-256 is {actual}, the one given is {expected}"));
        }
    }
    let anchor = std::str::from_utf8(&bytes).map_err(|_| "it is not UTF-8".to_owned()).and_then(parse);
    match anchor {
        Ok(anchor) => Some(anchor),
        Err(fault) => {
            findings.fail(Check::AnchorForm, || format!("{PATH} is refused: {fault}"));
            None
        }
    }
}

/// Reads the text of an anchor.
pub(crate) fn parse(text: &str) -> Result<Anchor, String> {
    let mut lines = text.strip_suffix('\n').ok_or("its last line does not end")?.split('\n').peekable();
    if lines.next() != Some("affiant.anchor/1") {
        return Err("it does not begin with 'affiant.anchor/1'".into());
    }
    let key = |name: &str, line: Option<&str>| -> Result<VerifierKey, String> {
        let value = line
            .and_then(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .ok_or(format!("line '{name}' is missing or out of order"))?;
        value.parse().map_err(|fault| format!("line '{name}': {fault}"))
    };
    let root = key("root", lines.next())?;
    let log = key("log", lines.next())?;
    let quorum =
        lines.next().and_then(|line| number(line.strip_prefix("quorum ")?)).ok_or("line 'quorum' is missing or not a number")?;
    let mut witnesses = Vec::new();
    while let Some(line) = lines.next_if(|line| line.starts_with("witness ")) {
        witnesses.push(key("witness", Some(line))?);
    }
    let mut authorities: Vec<Digest> = Vec::new();
    for line in lines {
        let digest =
            line.strip_prefix("tsa ").and_then(|digest| digest.parse().ok()).ok_or(format!("line '{line}' is not known here"))?;
        if authorities.contains(&digest) {
            return Err("a timestamp authority is named twice".into());
        }
        authorities.push(digest);
    }

    let name = root.name().as_str().strip_suffix("/root").ok_or("root's key name does not end with '/root'")?.to_owned();
    let month = log.name().as_str().strip_prefix(&name).and_then(|rest| month_of(rest.strip_prefix('/')?));
    let month = month.ok_or("the log's key name is not '<name>/<YYYY-MM>' with root's name")?;
    if root.kind() != KeyKind::Note {
        return Err("root's key is not of type 0x01".into());
    }
    let all = witnesses.iter().chain([&log]).map(VerifierKey::public_key);
    if all.into_iter().any(|other| other == root.public_key()) {
        return Err("root's key serves twice".into());
    }
    let quorum = usize::try_from(quorum).map_err(|_| "the quorum is more than there are witnesses")?;
    let policy = Policy::new(log, witnesses, quorum).map_err(|fault| fault.to_string())?;
    Ok(Anchor { name, root, policy, month })
}

/// `2026-09` → `202609`.
fn month_of(text: &str) -> Option<String> {
    let day: evidence::Date = format!("{text}-01").parse().ok()?;
    let (year, month, _) = day.civil();
    Some(format!("{year:04}{month:02}"))
}
