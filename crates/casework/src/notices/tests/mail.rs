//! The mail, taken apart as receivers take it apart.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::generated::{CASES, addressing, cir, plain};
use crate::notices::{Mail, Retraction, acns_xml, letter, message_id, xarf_json};

#[test]
fn the_mail_comes_apart_into_what_went_in() {
    for seed in 0..CASES {
        let (mut cir, addressing) = (cir(seed), addressing(seed));
        if seed % 2 == 0 {
            // Half of the letters have only ASCII in them, where the names allow it.
            cir.description = "The monitor received blocks.".into();
        }
        let mail = Mail::notice(&cir, &addressing);
        let bytes = mail.assemble(mail.to_sign().as_bytes());
        let text = String::from_utf8(bytes).unwrap();
        assert!(
            text.is_ascii() && text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])),
            "seed {seed}"
        );

        let (headers, body) = text.split_once("\r\n\r\n").unwrap();
        let headers = headers.replace("\r\n ", " ");
        let header = |name: &str| {
            let mut found = headers.split("\r\n").filter_map(|line| line.strip_prefix(&format!("{name}: ")));
            let value = found.next().unwrap_or_else(|| panic!("no {name}"));
            assert_eq!(found.next(), None, "{name} stands once");
            value.to_string()
        };
        assert_eq!(headers.split("\r\n").count(), 8, "no value adds a header");
        assert!(header("From").ends_with(" <notices@monitor.example.org>"));
        assert!(header("To").ends_with(" <abuse@isp.example.net>"));
        assert_eq!(header("Message-ID"), format!("<{}@monitor.example.org>", cir.uin));
        assert_eq!(header("Subject"), format!("Notice of apparent copyright infringement {}", cir.uin));
        assert_eq!(header("Auto-Submitted"), "auto-generated");
        assert!(header("Date").ends_with(" +0000"));

        let boundary = header("Content-Type").split('"').nth(1).unwrap().to_string();
        let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
        let [before, letter, attachment, after] = parts[..] else { panic!("two parts") };
        assert_eq!((before, after), ("", "--\r\n"));
        assert_eq!(decoded(letter), mail.to_sign());
        let xml = decoded(attachment);
        assert_eq!(xml, acns_xml(&cir, &addressing));
        assert!(attachment.contains(&format!("application/xml; name=\"{}.xml\"", cir.uin)));

        assert_eq!(text.matches("<?xml").count(), 1, "one XML text in the raw mail");
        assert!(mail.to_sign().lines().all(|line| line.len() < 20_000), "GnuPG verifies no longer line");

        // The two ways in which receivers cut the XML out of the signed text.
        let signed = mail.to_sign();
        assert_eq!(signed.to_lowercase().matches("---start acns xml").count(), 1, "seed {seed}");
        assert_eq!(signed.to_lowercase().matches("---end acns xml").count(), 1, "seed {seed}");
        let (_, rest) = signed.split_once("\n---Start ACNS XML\n").unwrap();
        assert_eq!(rest.split_once("---End ACNS XML\n"), Some((xml.as_str(), "")));
        let (first, last) = (signed.find("<?xml").unwrap(), signed.rfind("</Infringement>").unwrap());
        assert_eq!(format!("{}\n", &signed[first..last + "</Infringement>".len()]), xml);
        assert!(signed.lines().all(|line| line.trim_end() == line), "nothing at line ends that signing would lose");
    }
}

#[test]
fn a_plain_record_travels_unencoded() {
    let (cir, addressing) = plain();
    let mail = Mail::notice(&cir, &addressing);
    let text = String::from_utf8(mail.assemble(mail.to_sign().as_bytes())).unwrap();
    assert!(text.contains("\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"));
    assert!(
        text.replace("\r\n", "\n").contains(&format!("\n\n{}\n--=_", mail.to_sign())),
        "the signed text stands in the mail as it is"
    );
    assert!(text.starts_with("From: \"Example Monitor Ltd\"\r\n <notices@monitor.example.org>\r\nTo: \"Example Broadband plc\"\r\n <abuse@isp.example.net>\r\n"));
}

#[test]
fn no_form_accuses_threatens_or_asks_for_money() {
    let (cir, addressing) = plain();
    for text in [letter(&cir, &addressing), acns_xml(&cir, &addressing), xarf_json(&cir, &addressing)] {
        let text = text.to_lowercase().replace("http://www.acns.net/acns", "").replace('\n', " ");
        for word in [
            concat!("infr", "inger"),
            concat!("offen", "der"),
            concat!("pir", "ate"),
            "settle",
            "pay ",
            "payment",
            "lawsuit",
            "prosecut",
            "guilty",
            "http:",
            "https:",
            "you ",
        ] {
            assert!(!text.contains(word), "{word:?} in {text}");
        }
        assert!(text.contains("and not a person"));
    }
}

#[test]
fn a_retraction_answers_the_notice() {
    let (cir, addressing) = (cir(1), addressing(1));
    let mail = Mail::retraction(&cir, &addressing, &Retraction { at: cir.issued_at.plus_ms(1), reason: "wrong clock" });
    let text = String::from_utf8(mail.assemble(mail.to_sign().as_bytes())).unwrap();
    let id = message_id(&cir, &addressing.from.mailbox);
    assert!(text.contains(&format!("\r\nIn-Reply-To: <{id}>\r\nReferences: <{id}>\r\n")));
    assert!(text.contains("\r\nMessage-ID: <202609-1a2b3c4d-1.retraction@monitor.example.org>\r\n"));
    assert!(mail.to_sign().contains("Retracted at: ") && !mail.to_sign().contains("appears to have been"));
}

#[test]
fn a_record_cannot_write_headers() {
    let mut cir = cir(1);
    cir.uin = "1\r\nBcc: x@example.org".into();
    let mail = Mail::notice(&cir, &addressing(1));
    let text = String::from_utf8(mail.assemble(b"signed\n")).unwrap();
    assert!(!text.contains("\r\nBcc") && text.contains("\r\n\r\nsigned\r\n"));
}

/// What a part holds, by the encoding that it names.
fn decoded(part: &str) -> String {
    let (headers, body) = part.split_once("\r\n\r\n").unwrap();
    let body = body.strip_suffix("\r\n").unwrap();
    let bytes = if headers.contains("Transfer-Encoding: base64") {
        STANDARD.decode(body.replace("\r\n", "")).unwrap()
    } else if headers.contains("quoted-printable") {
        let joined = body.replace("=\r\n", "");
        let mut rest = joined.as_str();
        let mut bytes = Vec::new();
        while let Some((before, after)) = rest.split_once('=') {
            bytes.extend_from_slice(before.as_bytes());
            bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
            rest = &after[2..];
        }
        bytes.extend_from_slice(rest.as_bytes());
        bytes
    } else {
        assert!(headers.contains("Transfer-Encoding: 7bit"));
        body.as_bytes().to_vec()
    };
    String::from_utf8(bytes).unwrap().replace("\r\n", "\n").trim_end_matches('\n').to_string() + "\n"
}
