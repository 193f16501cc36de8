//! Trackers that lie: what they said is a fact in the log, and the run goes on.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use evidence::{
    Exclusion, Grade, Outcome,
    run::{AnnounceResult, Fact},
};
use swarmlab::{
    behaviour::{Behaviour, Mix},
    tracker::{Lies, Malformed},
};

use crate::{laboratory::Laboratory, station::Station};

/// What the tracker answered to the first question of the last run.
fn last_answer(station: &Station) -> AnnounceResult {
    let facts = station.facts();
    let run = facts.last().expect("a run leaves facts").run;
    let answers = facts.into_iter().filter(|fact| fact.run == run).filter_map(|fact| match fact.fact {
        Fact::Announced { event, result, .. } if event == "started" => Some(result),
        _ => None,
    });
    answers.into_iter().next().expect("the tracker was asked")
}

#[test]
fn what_a_tracker_said_is_in_the_log() {
    let laboratory = Laboratory::start(253);
    let crowd = laboratory.crowd(5, Mix::only(Behaviour::Seed));
    let station = Station::ready(&laboratory, Ipv4Addr::new(127, 2, 53, 1));
    let run = |lies: Lies| {
        laboratory.tracker.lie(lies);
        station.yes(["watch", "--until-idle", "1s", "--for", "60s"]);
        station.assert_sound();
        last_answer(&station)
    };
    for kind in Malformed::ALL {
        let answer = run(Lies { malformed: Some(kind), ..Lies::default() });
        let is_recorded = matches!(&answer, AnnounceResult::Malformed { rule } if !rule.is_empty())
            || matches!(&answer, AnnounceResult::NoAnswer { why } if !why.is_empty());
        assert!(is_recorded, "{kind:?}: {answer:?}");
    }
    let reason = "not \u{1b}[31mregistered";
    let answer = run(Lies { failure: Some(reason.into()), ..Lies::default() });
    let AnnounceResult::Failure { reason } = answer else { panic!("{answer:?}") };
    assert!(reason.contains("registered") && !reason.contains('\u{1b}'), "shown inert: {reason}");
    assert_eq!(crowd.farm.report().total.connects, 0, "nobody was named, so nobody is contacted");
    assert!(station.observations().is_empty());

    // Addresses that must not be contacted are recorded as just that, and the honest ones are not lost among them.
    let listed: Vec<SocketAddr> =
        ["192.0.2.1:6881", "127.64.9.9:25", "127.64.9.9:9100"].iter().map(|text| text.parse().unwrap()).collect();
    let answer = run(Lies { listed: listed.clone(), delay: Duration::from_millis(300), ..Lies::default() });
    // It also names the monitor of the earlier runs, whose farewell it never confirmed.
    assert!(matches!(answer, AnnounceResult::Peers { named } if named >= 5 + 3), "{answer:?}");
    let probes = station.probes();
    let rule_of = |peer: &SocketAddr| {
        let outcome = probes.iter().find(|seen| seen.peer == *peer).map(|seen| seen.outcome.clone());
        match outcome {
            Some(Outcome::Excluded { rule }) => rule,
            other => panic!("{peer}: {other:?}"),
        }
    };
    let rules: Vec<Exclusion> = listed.iter().map(rule_of).collect();
    assert_eq!(rules, [Exclusion::OutsideLaboratory, Exclusion::Port, Exclusion::Port]);
    assert_eq!(probes.iter().filter(|seen| seen.grade == Grade::Served).count(), 5);
}
