//! Steps 4 and 6.2: what the control notes say, in the order in which the log makes them count.

use evidence::{
    Leaf, Part,
    control::{Control, Delegation, Erase, Issue, Role, Withhold},
};
use tlog::{KeyKind, KeyName, Note, VerifierKey, ed25519::check_public_key};

use super::{Walk, keys::is_within, sealed_at};
use crate::{findings::Findings, notes::Logged, steps::Check};

impl Walk<'_> {
    /// Takes the note of the `ctl` leaf at `index` into account, if it counts.
    pub(super) fn take_note(&mut self, index: u64, leaf: &Leaf, findings: &mut Findings) {
        findings.count(Check::NoteCommitment);
        let given = self.given;
        let Some(filed) = given.notes.get(&index) else {
            return findings.fail(Check::NoteCommitment, || format!("the control note of leaf {index} is missing"));
        };
        if filed.digest != leaf.commitment {
            return findings.fail(Check::NoteCommitment, || {
                format!("control note {index} has the SHA-256 {}, its leaf commits to {}", filed.digest, leaf.commitment)
            });
        }
        let Some((note, control)) = &filed.content else { return };
        findings.count(Check::NoteSignature);
        match self.signer_of(index, note, control, findings) {
            Err(fault) => findings.fail(Check::NoteSignature, || format!("control note {index} ({}): {fault}", control.tag())),
            Ok(holder) => self.apply(index, filed.digest, holder, control, findings),
        }
    }

    /// The holder of the key that signed, if that key may sign such a note here. Root's notes have none.
    fn signer_of(&mut self, index: u64, note: &Note, control: &Control, findings: &mut Findings) -> Result<String, String> {
        let anchor = self.given.anchor;
        let Some(role) = control.signer() else {
            return note.verify(&anchor.root).map(|()| String::new()).map_err(|fault| fault.to_string());
        };
        let name = note.signatures().first().map(|signature| signature.name().as_str().to_owned()).unwrap_or_default();
        let kid = name.strip_prefix(&format!("{}/{role}/", anchor.name)).and_then(|kid| kid.parse().ok());
        let kid = kid.ok_or_else(|| format!("the key name '{name}' is not '{}/{role}/<kid>'", anchor.name))?;
        let key = self.keys.get(kid).ok_or_else(|| format!("key {kid} is not delegated below that index"))?;
        let delegation = &key.delegation;
        if delegation.role != role {
            return Err(format!("key {kid} is a {}'s, not {role}'s", delegation.role));
        }
        if self.given.revoked.get(&kid).is_some_and(|from| *from <= index) {
            return Err(format!("key {kid} is revoked at or below that index"));
        }
        let key_name = KeyName::new(&name).map_err(|fault| fault.to_string())?;
        let verifier =
            VerifierKey::new(key_name, KeyKind::Note, *delegation.key.as_bytes()).map_err(|fault| fault.to_string())?;
        note.verify(&verifier).map_err(|fault| fault.to_string())?;
        if let Some(unix_s) = self.given.checkpoints.witnessed_unix_s(index) {
            let within = is_within(delegation, unix_s);
            findings.check(Check::Window, within, || {
                format!("control note {index}: key {kid} was outside its window when a witness first saw it")
            });
        }
        Ok(delegation.holder.clone().unwrap_or_default())
    }

    fn apply(&mut self, index: u64, digest: evidence::Digest, holder: String, control: &Control, findings: &mut Findings) {
        fn logged<T: Clone>(index: u64, digest: evidence::Digest, holder: String, value: &T) -> Logged<T> {
            Logged { index, digest, holder, value: value.clone() }
        }
        match control {
            Control::Delegation(delegation) => self.delegate(index, digest, delegation, findings),
            // Revocations were collected before the walk: they reach back to the index that they name.
            Control::Revoke(revoke) => {
                let known = self.keys.get(revoke.kid).is_some();
                findings.check(Check::NoteReferences, known, || {
                    format!("revoke note {index}: key {} was never delegated", revoke.kid)
                });
            }
            Control::Close(close) => {
                if self.log.decisions.close.is_none() {
                    self.log.decisions.close = Some((index, close.clone()));
                }
            }
            Control::Erase(erase) => self.erase(index, erase, findings),
            Control::Withhold(withhold) => self.withhold(index, withhold, findings),
            Control::Mandate(mandate) => self.log.decisions.mandates.push(logged(index, digest, holder, mandate)),
            Control::Dossier(dossier) => self.log.decisions.dossiers.push(logged(index, digest, holder, dossier)),
            Control::Approval(approval) => {
                let known = self.log.decisions.dossiers.iter().any(|dossier| dossier.digest == approval.dossier_note_sha256);
                findings.check(Check::NoteReferences, known, || {
                    format!("approval {index}: no dossier {} was logged before", approval.dossier_note_sha256)
                });
                self.log.decisions.approvals.push(logged(index, digest, holder, approval));
            }
            Control::Issue(issue) => {
                self.check_issue(index, issue, findings);
                self.log.decisions.issues.push(logged(index, digest, holder, issue));
            }
        }
    }

    fn delegate(&mut self, index: u64, digest: evidence::Digest, delegation: &Delegation, findings: &mut Findings) {
        let kid = delegation.kid();
        let key = delegation.key.as_bytes();
        let policy = &self.given.anchor.policy;
        let strong = check_public_key(key);
        let anchored =
            policy.witnesses().iter().chain([policy.log(), &self.given.anchor.root]).any(|other| other.public_key() == key);
        let fault = if let Err(fault) = strong {
            Some(fault.to_string())
        } else if anchored {
            Some("the key already serves in the anchor".into())
        } else if self.keys.get(kid).is_some() {
            Some(format!("key {kid} is delegated twice"))
        } else if delegation.serial == 0 || index > 0 && delegation.serial != self.keys.last_serial.saturating_add(1) {
            Some(format!("serial {} does not follow {}: a delegation is missing", delegation.serial, self.keys.last_serial))
        } else if index == 0 && delegation.role != Role::Registrar {
            Some("leaf 0 does not delegate the first registrar".into())
        } else {
            None
        };
        let good = fault.is_none();
        findings.check(Check::Delegations, good, || format!("delegation {index}: {}", fault.unwrap_or_default()));
        if good {
            if let (Role::Analyst, Some(holder)) = (delegation.role, &delegation.holder) {
                self.log.decisions.analysts.push((index, kid, holder.clone()));
            }
            self.keys.last_serial = delegation.serial;
            self.keys.insert(delegation.clone(), *digest.as_bytes());
        }
    }

    fn erase(&mut self, index: u64, erase: &Erase, findings: &mut Findings) {
        // Only leaves below the note are known yet, so this also says that the erased one comes first.
        let fits = sealed_at(&self.log.sealed, erase.index).is_some_and(|leaf| leaf.leaf.as_bytes() == erase.leaf.as_bytes());
        if findings.check(Check::NoteReferences, fits, || {
            format!("erase note {index}: leaf {} does not exist below it, is a ctl one, or has another hash", erase.index)
        }) {
            self.log.decisions.erased.insert(erase.index, index);
        }
    }

    fn withhold(&mut self, index: u64, withhold: &Withhold, findings: &mut Findings) {
        let ascending = withhold.withheld.is_sorted_by(|a, b| a.index < b.index);
        findings.check(Check::NoteReferences, ascending, || format!("withhold note {index}: the indices do not ascend"));
        for withheld in &withhold.withheld {
            let fits = sealed_at(&self.log.sealed, withheld.index).is_some_and(|leaf| matches!(leaf.part, Part::As(_)));
            if findings.check(Check::NoteReferences, fits, || {
                format!("withhold note {index}: leaf {} below it is not a served observation's", withheld.index)
            }) {
                self.log.decisions.withheld.entry(withheld.index).or_insert(index);
            }
        }
    }

    fn check_issue(&mut self, index: u64, issue: &Issue, findings: &mut Findings) {
        let ascending = issue.reports.is_sorted_by(|a, b| a.uin < b.uin);
        findings.check(Check::NoteReferences, ascending, || {
            format!("issue note {index}: the reports are not in order of UIN, or one is listed twice")
        });
        for report in &issue.reports {
            let new = self.uins.insert(report.uin.clone());
            findings.check(Check::Uin, new, || format!("issue note {index}: UIN '{}' was used before", report.uin));
        }
    }

    /// Step 6.2: whether the shard has ended, and with the numbers that its close note gives.
    pub(super) fn check_close(&mut self, findings: &mut Findings) {
        let Some((index, close)) = &self.log.decisions.close else {
            return findings.warn(
                Check::Close,
                "interim: the shard has no close note yet; only a newer checkpoint can tell whether leaves follow",
            );
        };
        let index = *index;
        findings.check(Check::Close, close.size == index + 1, || {
            format!("close note {index} says that the shard has {} leaves", close.size)
        });
        let finals = self.keys.finals();
        findings.check(Check::Close, close.finals == finals, || {
            let shown: Vec<String> = finals.iter().map(|(kid, leaves)| format!("{kid} {leaves}")).collect();
            format!("close note {index} does not give the leaves that each key signed, which are: {}", shown.join(", "))
        });
    }
}
