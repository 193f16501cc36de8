use super::*;

const CLOSED: Outcome = Outcome::Closed { phase: Phase::Handshake };
const RESET: Outcome = Outcome::Reset { phase: Phase::Handshake };
const SILENT: Outcome = Outcome::NoAnswer { phase: Phase::Connect, after_ms: 4_000 };
const CHOKED: Outcome = Outcome::Choked { for_ms: 60_000 };

/// The means of each contact until the round is over.
fn round(
    climb: &mut Climb,
    experience: &mut Experience,
    allowed: Allowed,
    outcome: impl Fn(Means) -> (Outcome, Option<Family>),
) -> Vec<Means> {
    let mut tried = vec![];
    loop {
        let means = climb.means(allowed);
        tried.push(means);
        let (outcome, met) = outcome(means);
        if !climb.ended(&outcome, met, allowed, experience) {
            return tried;
        }
    }
}

fn from_nothing(allowed: Allowed, outcome: impl Fn(Means) -> (Outcome, Option<Family>)) -> Vec<Means> {
    round(&mut Climb::default(), &mut Experience::default(), allowed, outcome)
}

#[test]
fn each_means_has_its_turn() {
    assert_eq!(from_nothing(Allowed::ALL, |_| (CLOSED, None)), Means::ALL);
    assert_eq!(from_nothing(Allowed::ALL, |_| (RESET, None)), Means::ALL);
    assert_eq!(from_nothing(Allowed::only(&[Means::TCP, Means::TCP_MSE]), |_| (CLOSED, None)), [Means::TCP, Means::TCP_MSE]);
    assert_eq!(from_nothing(Allowed::only(&[Means::UTP, Means::TCP]), |_| (CLOSED, None)), [Means::TCP, Means::UTP]);
    assert_eq!(from_nothing(Allowed::only(&[Means::UTP_MSE]), |_| (CLOSED, None)), [Means::UTP_MSE]);
    assert_eq!(from_nothing(Allowed::PLAIN_TCP, |_| (CLOSED, None)), [Means::TCP]);
}

#[test]
fn a_closed_transport_needs_no_second_contact() {
    assert_eq!(from_nothing(Allowed::ALL, |_| (SILENT, None)), [Means::TCP, Means::UTP]);
    assert_eq!(from_nothing(Allowed::ALL, |_| (Outcome::Refused, None)), [Means::TCP, Means::UTP]);
    let closed_tcp = |means: Means| (if means.transport == Transport::Tcp { Outcome::Refused } else { CLOSED }, None);
    assert_eq!(from_nothing(Allowed::ALL, closed_tcp), [Means::TCP, Means::UTP, Means::UTP_MSE]);
    let nonsense = |means: Means| match means {
        Means::TCP => (CLOSED, None),
        _ => (Outcome::Garbage { rule: "mse-no-sync".into(), phase: Phase::Handshake }, None),
    };
    assert_eq!(from_nothing(Allowed::ALL, nonsense), Means::ALL);
}

#[test]
fn whoever_answered_is_not_asked_by_other_means() {
    for outcome in [CHOKED, Outcome::Closed { phase: Phase::Claims }] {
        assert_eq!(from_nothing(Allowed::ALL, |_| (outcome.clone(), Some(Family::Deluge))), [Means::TCP]);
    }
    let another = Outcome::WrongInfoHash { got: evidence::InfoHashV1::from([1; 20]) };
    assert_eq!(from_nothing(Allowed::ALL, |_| (another.clone(), None)), [Means::TCP]);
    let local = Outcome::LocalFault { what: "no more descriptors".into() };
    assert_eq!(from_nothing(Allowed::ALL, |_| (local.clone(), None)), [Means::TCP], "our own fault says nothing of the peer");
}

#[test]
fn what_worked_is_tried_first_and_is_not_all_that_is_tried() {
    let (mut climb, mut experience) = (Climb::default(), Experience::default());
    let covered = |means: Means| if means == Means::TCP_MSE { (CHOKED, Some(Family::RTorrent)) } else { (CLOSED, None) };
    assert_eq!(round(&mut climb, &mut experience, Allowed::ALL, covered), [Means::TCP, Means::TCP_MSE]);
    assert_eq!(round(&mut climb, &mut experience, Allowed::ALL, covered), [Means::TCP_MSE]);
    let all = round(&mut climb, &mut experience, Allowed::ALL, |_| (CLOSED, None));
    assert_eq!(all, [Means::TCP_MSE, Means::TCP, Means::UTP, Means::UTP_MSE]);
}

#[test]
fn a_family_s_ways_come_before_the_usual_order() {
    let mut experience = Experience::default();
    for _ in 0..3 {
        experience.note(Family::Transmission, Means::UTP_MSE);
    }
    experience.note(Family::Transmission, Means::UTP);
    let mut climb = Climb { worked: Some(Means::TCP), family: Some(Family::Transmission), ..Climb::default() };
    let all = round(&mut climb, &mut experience, Allowed::ALL, |_| (CLOSED, None));
    assert_eq!(all, [Means::TCP, Means::UTP_MSE, Means::UTP, Means::TCP_MSE]);
    let mut stranger = Climb::default();
    assert_eq!(round(&mut stranger, &mut experience, Allowed::ALL, |_| (CLOSED, None)), Means::ALL);
}
