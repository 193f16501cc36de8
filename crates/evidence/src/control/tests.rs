use super::*;
use crate::sha256;
use proptest::prelude::*;

/// `evidence-format.md` section 11, without its signature.
const EXAMPLE: &str = "affiant.delegation/1
role worker
key ed25519 d5fe1cd45ebead53cb4d64a7a8d491d6fef0e0e22f3a2891a4328c8cd6a0841c
kid ba29f59ba00a8cea
serial 2
not-before 2026-09-01T00:00:00Z
not-after 2026-09-09T00:00:00Z
";

const ANALYST: &str = "affiant.delegation/1
role analyst
holder A. Reviewer
key ed25519 d5fe1cd45ebead53cb4d64a7a8d491d6fef0e0e22f3a2891a4328c8cd6a0841c
kid ba29f59ba00a8cea
serial 3
not-before 2026-09-01T00:00:00Z
not-after 2026-09-09T00:00:00Z
";

const CLOSE: &str = "affiant.close/1\nsize 9\nfinal 0000000000000001 4\nfinal 0000000000000002 5\n";
const REVOKE: &str = "affiant.revoke/1\nkid 0000000000000001\nfrom-index 7\nreason lost laptop\n";

#[test]
fn good_texts_round_trip() {
    let erase = "affiant.erase/1\nindex 3\nleaf dc6ead02064aa661fdbef639dab277ae047bfcd5128f792502419900921deaf9\nbasis retention 30 days\n";
    let approval =
        Control::Approval(Approval { at: Utc::from_ms(0), dossier_note_sha256: sha256(b""), statement: "watched".into() })
            .text()
            .unwrap();
    for text in [EXAMPLE, ANALYST, CLOSE, REVOKE, erase, &approval] {
        assert_eq!(Control::parse(text).unwrap().text().unwrap(), text);
    }
}

#[test]
fn other_texts_are_refused() {
    for (text, from, to) in [
        (EXAMPLE, "delegation/1", "delegation/2"),
        (EXAMPLE, "affiant.", "other."),
        (EXAMPLE, "role worker", "role root"),
        (EXAMPLE, "role worker", "role worker "),
        (EXAMPLE, "role worker", "role worker\nholder B"),
        (EXAMPLE, "role worker", "role analyst"),
        (ANALYST, "holder A. Reviewer\n", ""),
        (ANALYST, "holder A. Reviewer", "holder "),
        (ANALYST, "holder A", "holder A\u{7}"),
        (EXAMPLE, "ed25519 ", "rsa "),
        (EXAMPLE, "kid ba29", "kid ba28"),
        (EXAMPLE, "serial 2", "serial 02"),
        (EXAMPLE, "serial 2", "serial +2"),
        (EXAMPLE, "2026-09-09T00:00:00Z", "2026-09-09T00:00:00.000Z"),
        (EXAMPLE, "2026-09-09", "2026-08-09"),
        (EXAMPLE, "2026-09-09T00:00:00Z\n", "2026-09-09T00:00:00Z\nscope everything\n"),
        (EXAMPLE, "not-after 2026-09-09T00:00:00Z\n", ""),
        (EXAMPLE, "serial 2\n", "serial 2\n\n"),
        (CLOSE, "0002 5", "0002 05"),
        (CLOSE, "final 0000000000000002", "final 0000000000000000"),
        (CLOSE, "final 0000000000000002", "final 0000000000000001"),
        (REVOKE, "lost laptop", " lost laptop"),
        (REVOKE, "lost laptop", ""),
    ] {
        let bad = text.replace(from, to);
        assert_ne!(bad, text, "{from}");
        assert!(Control::parse(&bad).is_err(), "{from} -> {to}");
    }
    assert_eq!(Control::parse(EXAMPLE.trim_end()), Err(Fault::Line { name: "last" }));
    assert_eq!(Control::parse(&"x".repeat(MAX_TEXT_BYTES + 1)), Err(Fault::TooLong));
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "(affiant\\.(delegation|close|revoke|mandate)/1\n)?\\PC*(size|kid|final)? ?[0-9a-f]*\n?") {
        let _ = Control::parse(&text);
    }
}
