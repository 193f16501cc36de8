//! `verify.md` and the verifier name the same steps.

use std::fs;

use verify::Check;

#[test]
fn every_step_of_the_page_is_a_step_of_the_verdict_and_the_other_way_round() {
    let page = fs::read_to_string(crate::vectors::root().join("../verify.md")).unwrap();
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let steps: Vec<String> = Check::ALL.iter().map(|check| format!("{} {}", check.number(), check.name())).collect();
    assert_eq!(headings, steps);
}
