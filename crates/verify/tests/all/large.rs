//! A large shard: time and memory stay in proportion. Run by name, with `--release`.

use std::time::Duration;

use evidence::{Part, Tag, sha256};

use crate::{
    files::{For, lay_out},
    mutations::verdict,
    records,
    story::{Plan, tell},
};

/// Enough to see a step that compares everything with everything.
const OBSERVATIONS: u32 = 100_000;

#[test]
#[ignore = "takes a minute; measures rather than checks"]
#[expect(clippy::disallowed_types, reason = "measuring is what this test is for")]
fn a_large_shard_takes_time_in_proportion() {
    let mut plan = Plan::honest();
    plan.leave_open = true;
    let mut story = tell(&plan);
    let list = story.shard.commitment(11);
    for number in 0..OBSERVATIONS {
        let mut observation = records::refused(records::OTHER, 1, list, sha256(b"a mandate"), i64::from(number));
        observation.times.ended = records::stamp(i64::from(number) + 100);
        story.shard.observe("w1", Tag::Obs, Part::Audit, &observation);
    }
    story.shard.checkpoint(plan.witnessed_unix_s);
    let mut files = lay_out(&story, For::Audit);
    let began = std::time::Instant::now();
    let verdict = verdict(&mut files);
    let took = began.elapsed();
    println!("{} leaves in {took:?}", verdict.leaves);
    assert!(verdict.valid, "{verdict}");
    assert!(took < Duration::from_secs(120), "{took:?}");
}
