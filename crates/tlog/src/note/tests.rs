//! Notes: the vectors of Go's `sumdb/note` and of C2SP, and bad ones.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use ed25519_dalek::{Signer as _, SigningKey};

use super::*;

const TEXT: &str = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETER_LINE: &str =
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const ENOCH_LINE: &str =
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn key(text: &str) -> VerifierKey {
    text.parse().unwrap()
}

fn parse(text: &str) -> Result<Note, NoteError> {
    Note::parse(text.as_bytes())
}

#[test]
fn the_reference_vectors_verify() {
    let whole = format!("{TEXT}\n{PETER_LINE}{ENOCH_LINE}");
    let note = parse(&whole).unwrap();
    assert_eq!(note.text(), TEXT);
    assert_eq!(note.verify(&key(PETER)), Ok(()));
    assert_eq!(note.verify(&key(ENOCH)), Ok(()));
    assert_eq!(note.to_bytes(), whole.as_bytes());

    let c2sp = "This is an example message.\n\n— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
    let foo = key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k");
    assert_eq!(parse(c2sp).unwrap().verify(&foo), Ok(()));
}

#[test]
fn a_changed_text_or_another_key_does_not_verify() {
    let changed = parse(&format!("{}\n{PETER_LINE}", TEXT.replace("crypto", "Crypto"))).unwrap();
    assert_eq!(changed.verify(&key(PETER)), Err(NoteError::Refused(Refused::BadSignature)));
    let note = parse(&format!("{TEXT}\n{PETER_LINE}")).unwrap();
    assert_eq!(note.verify(&key(ENOCH)), Err(NoteError::NotSigned));
    // The same name under another key has another id.
    let namesake = VerifierKey::new(key(PETER).name().clone(), KeyKind::Note, *key(ENOCH).public_key()).unwrap();
    assert_eq!(note.verify(&namesake), Err(NoteError::NotSigned));
    let witness = VerifierKey::new(key(PETER).name().clone(), KeyKind::Cosignature, *key(PETER).public_key()).unwrap();
    assert_eq!(note.verify(&witness), Err(NoteError::WrongKind));
}

#[test]
fn a_signature_of_another_length_is_read_and_does_not_verify() {
    // Other types have other lengths, so the parser lets them stand; only the key decides.
    let short = format!("{TEXT}\n— PeterNeumann {}\n", crate::canonical::to_base64(&[0xc7, 0x4f, 0x20, 0xa3, 1]));
    let note = parse(&short).unwrap();
    assert_eq!(note.verify(&key(PETER)), Err(NoteError::Refused(Refused::BadSignature)));
}

#[test]
fn the_last_blank_line_ends_the_text() {
    for text in ["\n", "a\n", "a\n\nb\n", "a\n\n", "\n\n\n", "— a AAAAAAA=\n\nb\n"] {
        let note = parse(&format!("{text}\n{PETER_LINE}")).unwrap();
        assert_eq!(note.text(), text);
    }
}

#[test]
fn bad_notes_are_refused() {
    let good = format!("{TEXT}\n{PETER_LINE}");
    let with_line = |line: &str| format!("{TEXT}\n{line}");
    for (bad, error) in [
        (String::new(), NoteError::NoSignatures),
        (TEXT.to_string(), NoteError::NoSignatures),
        (PETER_LINE.to_string(), NoteError::NoSignatures),
        (format!("{TEXT}\n"), NoteError::BadSignatureLine),
        (good.trim_end().to_string(), NoteError::BadSignatureLine),
        (format!("{good}\n"), NoteError::BadSignatureLine),
        (format!("{good}junk\n"), NoteError::BadSignatureLine),
        (format!("{good}{PETER_LINE}"), NoteError::SignedTwice),
        (good.replace('\n', "\r\n"), NoteError::NotText),
        (good.replace("If", "I\u{0}f"), NoteError::NotText),
        (good.replace("If", "I\tf"), NoteError::NotText),
        (good.replace("If", "I\u{7f}f"), NoteError::NotText),
        (good.replace("If", "I\u{9b}f"), NoteError::NotText),
        (with_line(&PETER_LINE.replace('—', "-")), NoteError::BadSignatureLine),
        (with_line(&PETER_LINE.replace('—', "–")), NoteError::BadSignatureLine),
        (with_line(&PETER_LINE.replace("— ", "—  ")), NoteError::BadSignatureLine),
        (with_line(&PETER_LINE.replace("— ", "—")), NoteError::BadSignatureLine),
        (with_line(&PETER_LINE.replace(" x08", "  x08")), NoteError::BadSignatureLine),
        (with_line(&PETER_LINE.replace("=\n", "= \n")), NoteError::BadSignatureLine),
        (with_line(&PETER_LINE.replace("=\n", "\n")), NoteError::BadSignatureLine),
        (with_line(&PETER_LINE.replace("M=\n", "N=\n")), NoteError::BadSignatureLine),
        (with_line(&PETER_LINE.replace("Neumann", "+Neumann")), NoteError::BadSignatureLine),
        (with_line("— PeterNeumann\n"), NoteError::BadSignatureLine),
        (with_line("— PeterNeumann \n"), NoteError::BadSignatureLine),
        (with_line("— PeterNeumann x08go w==\n"), NoteError::BadSignatureLine),
        (with_line("— PeterNeumann x08gow==\n"), NoteError::BadSignatureLine),
        (with_line("— PeterNeumann x08g\n"), NoteError::BadSignatureLine),
    ] {
        assert_eq!(parse(&bad), Err(error), "{bad:?}");
    }
    assert_eq!(Note::parse(b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n"), Err(NoteError::NotText));
}

#[test]
fn the_limits_hold() {
    let lines = |count: usize| -> String { (0..count).map(|n| format!("— n{n} AAAAAAA=\n")).collect() };
    assert!(parse(&format!("a\n\n{}", lines(MAX_SIGNATURES))).is_ok());
    assert_eq!(parse(&format!("a\n\n{}", lines(MAX_SIGNATURES + 1))), Err(NoteError::TooManySignatures));

    let room = MAX_NOTE_BYTES - PETER_LINE.len() - 2;
    assert!(parse(&format!("{}\n\n{PETER_LINE}", "a".repeat(room))).is_ok());
    assert_eq!(parse(&format!("{}\n\n{PETER_LINE}", "a".repeat(room + 1))), Err(NoteError::TooLong));
}

#[test]
fn signing_makes_what_parsing_reads() {
    let private = SigningKey::from_bytes(&[0; 32]);
    // Go's tests make Enoch's key from a seed of zeroes.
    let enoch = key(ENOCH);
    let mut note = Note::sign(TEXT, &enoch, |message| private.sign(message).to_bytes()).unwrap();
    assert_eq!(note.to_bytes(), format!("{TEXT}\n{ENOCH_LINE}").into_bytes());
    assert_eq!(Note::parse(&note.to_bytes()), Ok(note.clone()));

    let again = note.add_signature(&enoch, |message| private.sign(message).to_bytes());
    assert_eq!(again, Err(NoteError::SignedTwice));
    let faulty = note.add_signature(&key(PETER), |message| private.sign(message).to_bytes());
    assert_eq!(faulty, Err(NoteError::Refused(Refused::BadSignature)));
    assert_eq!(note.signatures().len(), 1);
}

#[test]
fn a_text_that_is_no_text_is_not_signed() {
    let private = SigningKey::from_bytes(&[0; 32]);
    for bad in ["", "a", "a\r\n", "a\u{1b}[0m\n"] {
        let signed = Note::sign(bad, &key(ENOCH), |message| private.sign(message).to_bytes());
        assert_eq!(signed, Err(NoteError::NotText), "{bad:?}");
    }
    let long: Vec<u8> = [&[b'a'; MAX_NOTE_BYTES][..], b"\n"].concat();
    let signed = Note::sign(core::str::from_utf8(&long).unwrap(), &key(ENOCH), |_| [0; 64]);
    assert_eq!(signed, Err(NoteError::TooLong));
}
