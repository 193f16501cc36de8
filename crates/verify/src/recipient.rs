//! Step 7.1: whose bundle it is.

use evidence::Part;

use crate::{bag::read_text, findings::Findings, place::number, source::Source, steps::Check};

const PATH: &str = "data/recipient/part.txt";
/// The recipient of the bundle that holds every opening.
pub(crate) const AUDIT: &str = "audit";

/// Who gets the bundle, of which issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) id: String,
    /// Index of the issue note.
    pub(crate) issue: u64,
    parts: Parts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Parts {
    All,
    As(Vec<u32>),
}

impl Recipient {
    /// Whether the recipient gets every opening.
    pub(crate) fn is_audit(&self) -> bool {
        self.parts == Parts::All
    }

    /// Whether the recipient is owed the opening of a leaf with this part.
    pub(crate) fn is_owed(&self, part: Part) -> bool {
        match (&self.parts, part) {
            (_, Part::Ctl) => false,
            (Parts::All, _) => true,
            (Parts::As(listed), Part::As(asn)) => listed.binary_search(&asn).is_ok(),
            (Parts::As(_), Part::Audit) => false,
        }
    }
}

pub(crate) fn check(source: &mut dyn Source, findings: &mut Findings) -> Option<Recipient> {
    let read =
        read_text(source, PATH, 64 * 1024).and_then(|text| parse(&text).map_err(|fault| format!("{PATH} is refused: {fault}")));
    findings.count(Check::Recipient);
    match read {
        Ok(recipient) => Some(recipient),
        Err(fault) => {
            findings.fail(Check::Recipient, || fault);
            None
        }
    }
}

/// Reads the text of `part.txt`.
pub(crate) fn parse(text: &str) -> Result<Recipient, String> {
    let mut lines = text.strip_suffix('\n').ok_or("its last line does not end")?.split('\n');
    if lines.next() != Some("affiant.part/1") {
        return Err("it does not begin with 'affiant.part/1'".into());
    }
    let id = lines
        .next()
        .and_then(|line| line.strip_prefix("recipient "))
        .filter(|id| is_id(id))
        .ok_or("line 'recipient' is missing or no identifier")?;
    let issue =
        lines.next().and_then(|line| number(line.strip_prefix("issue ")?)).ok_or("line 'issue' is missing or not a number")?;
    let parts: Vec<&str> =
        lines.map(|line| line.strip_prefix("part ")).collect::<Option<_>>().ok_or("a line other than 'part' follows")?;
    let parts = if id == AUDIT {
        if parts != ["all"] {
            return Err("the audit bundle does not have the one line 'part all'".into());
        }
        Parts::All
    } else {
        let numbers = parts.iter().map(|part| match part.parse() {
            Ok(Part::As(asn)) => Ok(asn),
            _ => Err(format!("'{part}' is not the part of an AS")),
        });
        let numbers = numbers.collect::<Result<Vec<u32>, _>>()?;
        if numbers.is_empty() || !numbers.is_sorted_by(|a, b| a < b) {
            return Err("the parts are missing or not ascending".into());
        }
        Parts::As(numbers)
    };
    Ok(Recipient { id: id.to_owned(), issue, parts })
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}
