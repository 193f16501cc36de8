//! `notice.eml`: one mail for one report, in the layout that every receiver tried can parse.
//!
//! Part 1 is text: the letter and the XML between two marks, to be signed as clear text. Part 2 is the same XML
//! as an attachment, in base64 so that a reader of the raw mail finds exactly one XML text in it.

use evidence::{Cir, Utc, hex, sha256};

use super::{
    acns::{Retraction, acns_retraction, acns_xml},
    addressing::Addressing,
    identifiers::{message_id, retraction_id, token},
    letter::{letter, retraction_letter},
    mime,
    shown::text,
};

/// The line before the XML in part 1.
const START: &str = "---Start ACNS XML";
/// The line after it.
const END: &str = "---End ACNS XML";
/// Display names are cut here.
const DISPLAY_CHARS: usize = 120;
/// Lines of the letter are broken here: GnuPG cannot verify a line of 20,000 bytes, and a title may be longer.
const LETTER_LINE_CHARS: usize = 400;

/// A mail that lacks only the signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    headers: Vec<(&'static str, String)>,
    to_sign: String,
    xml: String,
    attachment: String,
}

impl Mail {
    /// The mail that carries a notice.
    pub fn notice(cir: &Cir, addressing: &Addressing) -> Self {
        let id = message_id(cir, &addressing.from.mailbox);
        let subject = format!("Notice of apparent copyright infringement {}", token(cir));
        let headers = headers(cir, addressing, cir.issued_at, &id, subject);
        Self::new(headers, &letter(cir, addressing), acns_xml(cir, addressing), token(cir))
    }

    /// The mail that retracts it, as an answer to it.
    pub fn retraction(cir: &Cir, addressing: &Addressing, retraction: &Retraction<'_>) -> Self {
        let id = retraction_id(cir, &addressing.from.mailbox);
        let subject = format!("Retraction of copyright notice {}", token(cir));
        let mut headers = headers(cir, addressing, retraction.at, &id, subject);
        let notice = format!("<{}>", message_id(cir, &addressing.from.mailbox));
        headers.push(("In-Reply-To", notice.clone()));
        headers.push(("References", notice));
        let xml = acns_retraction(cir, addressing, retraction);
        Self::new(headers, &retraction_letter(cir, addressing, retraction), xml, format!("{}-retraction", token(cir)))
    }

    fn new(headers: Vec<(&'static str, String)>, letter: &str, xml: String, stem: String) -> Self {
        let letter: String = unmistakable(letter).lines().map(broken).collect();
        let body = format!("{letter}\n{START}\n{xml}{END}\n");
        // Clear text is signed without the spaces at the ends of lines, and implementations differ in which.
        let to_sign = body.lines().map(|line| line.trim_end().to_string() + "\n").collect();
        Self { headers, to_sign, xml, attachment: format!("{stem}.xml") }
    }

    /// The text of part 1: UTF-8, lines end with LF. An OpenPGP clear-text signature of it goes to
    /// [`assemble`](Self::assemble).
    pub fn to_sign(&self) -> &str {
        &self.to_sign
    }

    /// The mail with `text` as part 1: what came back from signing, or [`to_sign`](Self::to_sign) itself where
    /// nothing signs. Lines of the mail end with CRLF.
    pub fn assemble(&self, text: &[u8]) -> Vec<u8> {
        let boundary = format!("=_{}", hex::encode(&sha256(&[text, self.xml.as_bytes()].concat()).as_bytes()[..24]));
        let mut mail = String::new();
        for (name, value) in &self.headers {
            mail.push_str(&format!("{name}: {value}\r\n"));
        }
        mail.push_str(&format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n--{boundary}\r\n"
        ));
        let (encoding, part) = if mime::is_seven_bit(text) {
            ("7bit", mime::with_crlf(text))
        } else {
            ("quoted-printable", mime::quoted_printable(text))
        };
        mail.push_str(&format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"));
        let attachment = format!(
            "\r\n--{boundary}\r\nContent-Type: application/xml; name=\"{name}\"\r\nContent-Transfer-Encoding: base64\r\n\
             Content-Disposition: attachment; filename=\"{name}\"\r\n\r\n",
            name = self.attachment,
        );
        let end = format!("--{boundary}--\r\n");
        [mail.as_bytes(), &part, attachment.as_bytes(), &mime::base64_lines(self.xml.as_bytes()), end.as_bytes()].concat()
    }
}

fn headers(cir: &Cir, addressing: &Addressing, at: Utc, id: &str, subject: String) -> Vec<(&'static str, String)> {
    let person =
        |name: &str, mailbox| format!("{}\r\n <{mailbox}>", mime::display_name(&unmistakable(&text(name, DISPLAY_CHARS))));
    vec![
        ("From", person(&addressing.from.organisation, &addressing.from.mailbox)),
        ("To", person(&cir.isp.name, &addressing.to)),
        ("Date", mime::date(at)),
        ("Message-ID", format!("<{id}>")),
        ("Subject", subject),
        ("Auto-Submitted", "auto-generated".into()),
    ]
}

/// The line, with its end; what is too long goes on in indented lines, which no reader takes for labelled ones.
fn broken(line: &str) -> String {
    let mut out = String::with_capacity(line.len() + 1);
    for (at, character) in line.chars().enumerate() {
        if at > 0 && at % LETTER_LINE_CHARS == 0 {
            out.push_str("\n    ");
        }
        out.push(character);
    }
    out.push('\n');
    out
}

/// Receivers look for the marks and for `<?xml` anywhere in the text and in any case, so a stranger's file name
/// must not hold them: in the letter they are escaped as `Claimed` escapes what acts.
fn unmistakable(letter: &str) -> String {
    let mut out = String::with_capacity(letter.len());
    for (at, character) in letter.char_indices() {
        let rest = &letter[at..];
        let begins_a_mark = || rest.strip_prefix("---").is_some_and(|after| after.starts_with(char::is_alphabetic));
        match character {
            '<' => out.push_str("\\u{3c}"),
            '-' if begins_a_mark() => out.push_str("\\u{2d}"),
            _ => out.push(character),
        }
    }
    out
}
