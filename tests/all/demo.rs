//! `affiant demo`: the built program shows the whole line by itself.

use crate::station::ran;

#[test]
fn the_demonstration_is_as_expected() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = crate::program::affiant();
    command.args(["--json", "demo", "--no-clients", "--peers", "120", "--out"]).arg(folder.path().join("out"));
    let ran = ran(command);
    assert_eq!(ran.code, Some(0), "{ran}");
    let card = ran.json();
    assert_eq!(card["as_expected"], true, "{card:#}");
    let count = |name: &str| card[name].as_u64().unwrap();
    assert!(count("true_positive") > 40, "{card:#}");
    for nothing in ["false_positive", "false_negative", "unproved", "pieces_sent"] {
        assert_eq!(count(nothing), 0, "{nothing}: {card:#}");
    }
    assert_eq!(card["fsck_clean"], true);
    for verdict in card["verdicts"].as_array().unwrap() {
        assert_eq!(verdict["as_expected"], true, "{verdict}");
    }
}
