//! Checkpoints with their cosignatures: the log's key signs, the witnesses of the anchor are asked, their answers kept.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context, Result};
use ledger::{Anchor, Ledger, Reader};
use serde_json::{Value, json};
use tlog::{Policy, SignedCheckpoint, policy::PolicyError};
use witness::{
    client::{Collected, Patience, WitnessAt, collect},
    place::Place,
};

use crate::{clock, station::Station};

/// Whom to ask, for as long as a command runs.
#[derive(Clone)]
pub struct Cosigners {
    policy: Policy,
    witnesses: Vec<WitnessAt>,
    place: Place,
}

impl Cosigners {
    /// The witnesses of the station's anchor, at the addresses of its configuration.
    pub fn of(station: &Station) -> Result<Self> {
        let reader = station.reader()?;
        let mut witnesses = Vec::new();
        for witness in &station.config.witnesses {
            let key = witness.vkey.parse().map_err(anyhow::Error::msg)?;
            witnesses.push(WitnessAt { key, url: witness.url.clone() });
        }
        Ok(Self { policy: reader.anchor().policy()?, witnesses, place: Place::Folder(reader.shard()) })
    }

    /// Asks them all, in bounded time. A quorum that is missing is logged and no fault: the log goes on.
    pub async fn ask(&self, signed: &SignedCheckpoint) -> Result<Collected> {
        let collected = collect(signed, &self.policy, &self.witnesses, &self.place, Patience::default(), clock::utc()).await?;
        for (key, outcome) in &collected.witnesses {
            if outcome.is_cosigned() {
                tracing::info!(witness = %key.name(), %outcome, "witness");
            } else {
                tracing::warn!(witness = %key.name(), %outcome, "witness");
            }
        }
        Ok(collected)
    }
}

/// Signs and publishes a checkpoint of everything acknowledged, and keeps what the witnesses answer.
pub fn checkpoint(station: &Station, ledger: &mut Ledger) -> Result<Collected> {
    let signed = ledger.checkpoint()?;
    let cosigners = Cosigners::of(station)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let mut collected = runtime.block_on(cosigners.ask(&signed))?;
    collected.signed = ledger.attach_cosignatures(&collected.signed)?;
    Ok(collected)
}

/// What came of each witness, a line each; nothing where the anchor names none.
pub fn describe(collected: &Collected) -> String {
    if collected.witnesses.is_empty() {
        return String::new();
    }
    let mut text = String::new();
    for (key, outcome) in &collected.witnesses {
        text.push_str(&format!("witness {}: {outcome}\n", key.name()));
    }
    let (have, all, need) = (collected.cosigned(), collected.witnesses.len(), collected.quorum);
    if collected.has_quorum() {
        text.push_str(&format!("{have} of {all} witnesses have cosigned, {need} are asked for\n"));
    } else {
        text.push_str(&format!(
            "only {have} of {all} witnesses have cosigned and {need} are asked for: no verifier believes this checkpoint; run 'affiant log checkpoint' when they can be reached\n"
        ));
    }
    text
}

/// The same for a program.
pub fn to_json(collected: &Collected) -> Value {
    let witnesses: Vec<Value> = collected
        .witnesses
        .iter()
        .map(|(key, outcome)| json!({ "name": key.name().as_str(), "cosigned": outcome.is_cosigned(), "said": outcome.to_string() }))
        .collect();
    json!({ "quorum": collected.quorum, "cosigned": collected.cosigned(), "reached": collected.has_quorum(), "each": witnesses })
}

/// Who has cosigned a checkpoint that was published.
pub struct Vouched {
    cosigned: usize,
    witnesses: usize,
    quorum: usize,
}

/// Counts the cosignatures of a published checkpoint.
pub fn of_checkpoint(anchor: &Anchor, published: Option<&SignedCheckpoint>) -> Result<Vouched> {
    let (witnesses, quorum) = (anchor.witnesses.len(), anchor.quorum);
    let everybody = Policy::new(anchor.log.clone(), anchor.witnesses.clone(), 0)?;
    let cosigned = published.map_or(Ok(0), |signed| everybody.check(signed).map(|witnessed| witnessed.len()))?;
    Ok(Vouched { cosigned, witnesses, quorum })
}

impl Vouched {
    pub fn to_json(&self) -> Value {
        json!({ "cosigned": self.cosigned, "witnesses": self.witnesses, "quorum": self.quorum })
    }
}

impl fmt::Display for Vouched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cosigned, witnesses, quorum } = self;
        if *quorum == 0 {
            return f.write_str("none are asked for: no outsider vouches for the time or the completeness of this log");
        }
        write!(f, "{cosigned} of {witnesses} have cosigned it, {quorum} are asked for")?;
        if cosigned < quorum { f.write_str("; run 'affiant log checkpoint' when they can be reached") } else { Ok(()) }
    }
}

/// The published checkpoints that have their quorum, by size. A bundle carries no others: every verifier would refuse
/// it, and the ones that have it cover the same leaves.
pub fn believed(reader: &Reader) -> Result<BTreeMap<u64, Vec<u8>>> {
    let policy = reader.anchor().policy()?;
    let mut believed = BTreeMap::new();
    for signed in reader.checkpoints()? {
        let size = signed.checkpoint().size();
        match policy.check(&signed) {
            Ok(_) => drop(believed.insert(size, signed.to_bytes())),
            Err(PolicyError::TooFewWitnesses { .. }) => {}
            Err(fault) => return Err(fault).with_context(|| format!("the checkpoint of {size} entries is refused")),
        }
    }
    Ok(believed)
}

#[cfg(test)]
mod tests {
    use evidence::control::Role;
    use ledger::{
        Founding, Keys, Month,
        keys::{AnalystKey, WitnessKey},
    };
    use tlog::KeyName;

    use super::*;

    #[test]
    fn a_bundle_carries_only_checkpoints_with_their_quorum() {
        let folder = std::env::temp_dir().join(format!("affiant-witnesses-{}", std::process::id()));
        let (witness, name) = (WitnessKey::generate().unwrap(), KeyName::new("witness.example/w1").unwrap());
        let now = clock::utc();
        let founding = Founding {
            name: "log.example.org".into(),
            month: Month::of(now),
            now,
            not_before: now.date().start(),
            not_after: now.date().start().plus_ms(2 * 86_400_000),
            keys: Keys::generate().unwrap(),
            witnesses: vec![witness.verifier(&name).unwrap()],
            quorum: 1,
        };
        let mut ledger = Ledger::create(&folder, founding).unwrap();
        let reader = Reader::of_station(&folder).unwrap();
        let mut signed = ledger.checkpoint().unwrap();
        assert!(believed(&reader).unwrap().is_empty());
        assert_eq!(of_checkpoint(reader.anchor(), Some(&signed)).unwrap().cosigned, 0);

        // The first stays without; the next has it.
        let root = ledger::Store::of(&folder).root().unwrap();
        let key = AnalystKey::generate().unwrap().public();
        ledger.delegate(&root, Role::Analyst, Some("A. Reviewer"), &key).unwrap();
        signed = ledger.checkpoint().unwrap();
        witness.cosign(&name, &mut signed, now).unwrap();
        ledger.attach_cosignatures(&signed).unwrap();
        assert_eq!(believed(&reader).unwrap().into_iter().collect::<Vec<_>>(), [(3, signed.to_bytes())]);
        let vouched = of_checkpoint(reader.anchor(), reader.latest_checkpoint().unwrap().as_ref()).unwrap();
        assert_eq!(vouched.to_string(), "1 of 1 have cosigned it, 1 are asked for");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
