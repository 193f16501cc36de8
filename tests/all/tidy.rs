//! The habits that a compiler does not check, each as a test that names everything it found.
//!
//! Words that a rule forbids are spelt here in two halves, so that no rule needs an exception for its own list.

mod addresses;
mod layout;
mod pages;
mod purity;
mod tree;
mod words;

/// Fails with every finding, one a line, after what the rule asks for.
#[track_caller]
fn expect_none(rule: &str, found: &[String]) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}
