use alloc::{string::String, vec};
use proptest::prelude::*;

use super::*;

const CHECKPOINT: &str = "log.example.org/2026-09\n3\nNWLXQB7rn2l7O2EW8DG+caZ28OhX4iG1qt0gxxeJGXI=\n\n\
    — log.example.org/2026-09 /522mhOGD4nJd/YkV4MItg/WSwzsH4ecrC07Hfl+KsHm7rwsxjC4SQTEpP3dp0mF8FzAQHPEIJPwQH4ysJCEC+q1NAM=\n";
const HASH: &str = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=";

fn body(head: &str) -> Vec<u8> {
    format!("{head}\n{CHECKPOINT}").into_bytes()
}

/// The example of C2SP `tlog-witness`, word for word.
#[test]
fn the_example_of_the_specification_reads_back() {
    let example = "old 20852014\n\
        PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
        jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\
        5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=\n\
        /6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=\n\
        \n\
        example.com/behind-the-sofa\n\
        20852163\n\
        CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\
        \n\
        — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
        — example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=\n";
    let request = Request::parse(example.as_bytes()).unwrap();
    assert_eq!((request.old_size, request.proof.len()), (20_852_014, 4));
    assert_eq!(request.signed.checkpoint().size(), 20_852_163);
    assert_eq!(request.signed.note().signatures().len(), 2);
    assert_eq!(request.to_bytes(), example.as_bytes());
}

#[test]
fn other_forms_are_refused() {
    let proof = |lines: usize| format!("old 1\n{}", format!("{HASH}\n").repeat(lines));
    assert_eq!(Request::parse(&body(&proof(63))).unwrap().proof.len(), 63);
    for (bad, why) in [
        (Vec::new(), BadRequest::NoBlankLine),
        (b"old 0\n".to_vec(), BadRequest::NoBlankLine),
        (CHECKPOINT.as_bytes().to_vec(), BadRequest::OldSize),
        (body(""), BadRequest::OldSize),
        (body("\n"), BadRequest::OldSize),
        (body("old\n"), BadRequest::OldSize),
        (body("old \n"), BadRequest::OldSize),
        (body("old 01\n"), BadRequest::OldSize),
        (body("old +1\n"), BadRequest::OldSize),
        (body("old -1\n"), BadRequest::OldSize),
        (body("old  1\n"), BadRequest::OldSize),
        (body("old 1 \n"), BadRequest::OldSize),
        (body("old 1\r\n"), BadRequest::OldSize),
        (body("Old 1\n"), BadRequest::OldSize),
        (body("size 1\n"), BadRequest::OldSize),
        (body("old 9223372036854775808\n"), BadRequest::OldSize),
        (body("old 99999999999999999999\n"), BadRequest::OldSize),
        (body(&proof(64)), BadRequest::ProofTooLong),
        (body("old 1\nAAAA\n"), BadRequest::ProofLine),
        (body(&format!("old 1\n{HASH} \n")), BadRequest::ProofLine),
        (body(&format!("old 1\n{}\n", HASH.replace('=', ""))), BadRequest::ProofLine),
        (body(&format!("old 1\n{}\n", HASH.replace("kaw=", "kax="))), BadRequest::ProofLine),
        (vec![b'o'; MAX_BODY_BYTES + 1], BadRequest::TooLong),
        (vec![0xff; 9], BadRequest::NotText),
    ] {
        assert_eq!(Request::parse(&bad), Err(why), "{}", String::from_utf8_lossy(&bad));
    }
    for bad in [format!("old 0\n\n\n{CHECKPOINT}"), format!("old 0\n\n{CHECKPOINT}\n"), "old 0\n\n".into(), {
        format!("old 0\n\n{}", CHECKPOINT.replace("3\n", "3\nextension\n"))
    }] {
        assert!(matches!(Request::parse(bad.as_bytes()), Err(BadRequest::Checkpoint(_))), "{bad}");
    }
}

proptest! {
    /// Whatever is read is written the same, and nothing makes the reader panic.
    #[test]
    fn what_reads_is_canonical(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Ok(request) = Request::parse(&bytes) {
            prop_assert_eq!(request.to_bytes(), bytes);
        }
    }

    #[test]
    fn a_changed_byte_is_refused_or_canonical(at in 0_usize..300, byte: u8, proofs in 0_usize..4) {
        let mut bytes = body(&format!("old 1\n{}", format!("{HASH}\n").repeat(proofs)));
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(request) = Request::parse(&bytes) {
            prop_assert_eq!(request.to_bytes(), bytes);
        }
    }

    #[test]
    fn every_request_reads_back(old_size in 0..=MAX_TREE_SIZE, hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..=63)) {
        let signed = SignedCheckpoint::parse(CHECKPOINT.as_bytes()).unwrap();
        let request = Request { old_size, proof: hashes.into_iter().map(Hash).collect(), signed };
        prop_assert_eq!(Request::parse(&request.to_bytes()), Ok(request));
    }
}
