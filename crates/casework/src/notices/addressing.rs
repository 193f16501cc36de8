//! Who writes to whom.

use std::{fmt, str::FromStr};

/// Longest mailbox (RFC 5321, 4.5.3.1.3, less the angle brackets).
const MAX_MAILBOX_BYTES: usize = 254;
/// Longest local part (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL_BYTES: usize = 64;
/// Longest label of a domain (RFC 1035).
const MAX_LABEL_BYTES: usize = 63;

/// The two ends of the correspondence about a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addressing {
    /// Who sends, and answers questions.
    pub from: Sender,
    /// The provider's desk, from the ISP register or the configuration.
    pub to: Mailbox,
}

/// Who sends reports, and how to reach them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// The organisation.
    pub organisation: String,
    /// The person or desk that answers.
    pub contact: String,
    /// Their mailbox. It is the same in every mail, so that a desk can file by it.
    pub mailbox: Mailbox,
    /// The organisation's postal address, on one line.
    pub address: String,
    /// A telephone number, if one is given.
    pub phone: Option<String>,
}

/// An e-mail address of ASCII letters, digits and a few marks, which can stand in a header as it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mailbox(String);

impl Mailbox {
    /// The part after the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text is not `local@domain` in the one form that is accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a mailbox of the form notices@example.org in ASCII letters, digits and . _ + -")]
pub struct NotAMailbox;

impl FromStr for Mailbox {
    type Err = NotAMailbox;

    fn from_str(text: &str) -> Result<Self, NotAMailbox> {
        let (local, domain) = text.split_once('@').ok_or(NotAMailbox)?;
        let is_atom = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'-'))
        };
        let is_label = |part: &str| {
            (1..=MAX_LABEL_BYTES).contains(&part.len())
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !part.starts_with('-')
                && !part.ends_with('-')
        };
        let holds = text.len() <= MAX_MAILBOX_BYTES
            && local.len() <= MAX_LOCAL_BYTES
            && local.split('.').all(is_atom)
            && domain.contains('.')
            && domain.split('.').all(is_label);
        if holds { Ok(Self(text.into())) } else { Err(NotAMailbox) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_mailboxes_are_read() {
        let good: Mailbox = "a.b+c_d-e@mail.example.org".parse().unwrap();
        assert_eq!(good.domain(), "mail.example.org");
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "",
            "@",
            "a",
            "a@",
            "@b.example",
            "a@b",
            "a@b.example\r\nBcc: c@d.example",
            "a b@c.example",
            "\"a\"@b.example",
            "a@[192.0.2.1]",
            "a@@b.example",
            "a..b@c.example",
            "a@-b.example",
            "a@b..example",
            "é@b.example",
            "<a@b.example>",
            &long,
        ] {
            assert_eq!(bad.parse::<Mailbox>(), Err(NotAMailbox), "{bad:?}");
        }
    }
}
