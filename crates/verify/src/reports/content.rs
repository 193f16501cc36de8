//! Step 9.17, first half: the texts of a report speak of no other address.

use std::net::{IpAddr, SocketAddr};

use evidence::Cir;

use super::issue::LABORATORY;
use crate::{bag::read_text, findings::Findings, source::Source, steps::Check};

const MAX_NOTICE_BYTES: u64 = 64 * 1024;
const LABORATORY_LINE: &str = "LABORATORY REPORT: simulated peers, synthetic content, nobody's notice";

pub(super) fn check_folder(source: &mut dyn Source, cir: &Cir, findings: &mut Findings) {
    let uin = &cir.uin;
    let path = format!("data/cirs/{uin}/notice.txt");
    findings.count(Check::ReportFolder);
    match read_text(source, &path, MAX_NOTICE_BYTES) {
        Err(fault) => findings.fail(Check::ReportFolder, || fault),
        Ok(notice) => {
            let spoken = [uin.as_str(), &cir.peer.address.ip().to_string(), &cir.peer.address.port().to_string()];
            for word in spoken.iter().filter(|word| !notice.contains(**word)) {
                findings.fail(Check::ReportFolder, || format!("'{path}' does not say {word}"));
            }
            let first = notice.split('\n').next();
            if (cir.profile == LABORATORY) != (first == Some(LABORATORY_LINE)) {
                findings.fail(Check::ReportFolder, || {
                    format!("'{path}' does not begin with the line that marks a laboratory's report exactly if it is one")
                });
            }
            other_address(cir, &path, &notice, findings);
        }
    }
    other_address(cir, &format!("data/cirs/{uin}/cir.json: description"), &cir.description, findings);
}

/// A sentence for human readers is not derived again here; but it may name no address other than the two ends.
fn other_address(cir: &Cir, place: &str, text: &str, findings: &mut Findings) {
    let own = [cir.peer.address, cir.peer.observer];
    let is_own = |word: &str| match (word.parse::<SocketAddr>(), word.parse::<IpAddr>()) {
        (Ok(end), _) => own.contains(&end),
        (_, Ok(ip)) => own.iter().any(|end| end.ip() == ip),
        // Anything else is no address.
        _ => true,
    };
    let claimed = claimed(cir);
    let separators =
        |character: char| character.is_whitespace() || matches!(character, ',' | ';' | '(' | ')' | '"' | '\'' | '“' | '”');
    for word in text.split(separators) {
        let word = word.trim_end_matches(['.', ':']);
        if word.contains(['.', ':']) && !is_own(word) && !claimed.iter().any(|text| text.contains(word)) {
            findings
                .fail(Check::ReportFolder, || format!("'{place}' speaks of another address than the two ends of the connection"));
            return;
        }
    }
}

/// Words that others chose: they may look like an address, e.g. a client's version.
fn claimed(cir: &Cir) -> Vec<String> {
    let files = cir.files.iter().flat_map(|file| [file.path.to_string(), file.contains.clone()]);
    let works = cir.works.iter().map(|work| work.work.title.clone());
    cir.client.iter().map(ToString::to_string).chain(files).chain(works).collect()
}
