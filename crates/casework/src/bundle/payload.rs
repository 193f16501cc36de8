//! Every payload file of a bundle by path, and where its bytes come from.

use std::{collections::BTreeMap, fmt::Write as _};

use evidence::Digest;

use super::{
    AUDIT, BundleInput, MAX_FILES, MAX_TABLE_BYTES,
    openings::Source,
    survey::{Survey, reports},
};
use crate::{
    cirs::cir_json,
    fault::Fault,
    render::{
        evidence_text::evidence_text,
        notice::notice,
        readme::{Readme, readme},
    },
};

/// The payload, in order of path.
pub(super) fn payload(input: &BundleInput<'_>, survey: &Survey) -> Result<BTreeMap<String, Source>, Fault> {
    let mut files = BTreeMap::new();
    let mut put = |path: &str, bytes: Vec<u8>| {
        files.insert(format!("data/{path}"), Source::Bytes(bytes));
    };
    put("trust/anchor.txt", input.anchor.into());
    put("recipient/part.txt", part(input, survey).into());
    for cir in reports(input) {
        put(&format!("cirs/{}/cir.json", cir.uin), cir_json(cir)?.into());
        put(&format!("cirs/{}/notice.txt", cir.uin), notice(cir).into());
        put(&format!("cirs/{}/evidence.txt", cir.uin), evidence_text(cir, &survey.evidence).into());
    }
    for (dossier, blocks_sha256) in &survey.dossiers {
        let blocks = input.dossiers.get(dossier).filter(|blocks| evidence::sha256(blocks) == *blocks_sha256);
        put(&format!("dossiers/{dossier}/blocks.sha256"), blocks.ok_or(Fault::Dossier(*dossier))?.clone());
    }
    for (index, note) in &survey.control {
        put(&format!("shard/control/{index}.note"), note.clone());
    }
    let checkpoints = || input.checkpoints.range(..=survey.leaves);
    for (size, checkpoint) in checkpoints() {
        put(&format!("shard/checkpoints/{size}.txt"), checkpoint.clone());
    }
    for (extension, bytes) in input.process_report {
        if !matches!(extension.as_str(), "json" | "html" | "pdf") {
            return Err(Fault::File(extension.clone(), "a process report is json, html or pdf"));
        }
        put(&format!("process-report.{extension}"), bytes.clone());
    }
    tables(input, &mut put)?;
    let page = Readme {
        origin: input.origin,
        recipient: input.recipient,
        issue: input.issue,
        leaves: survey.leaves,
        is_complete: survey.is_complete,
        checkpoint: checkpoints().next_back().map(|(size, _)| *size),
        uin: reports(input).next().map(|cir| cir.uin.as_str()),
        approver: survey.approver,
        example: survey.example.as_ref(),
    };
    put("README.txt", readme(&page).into());
    files.insert("data/shard/leaves.txt".into(), Source::Leaves);
    files.insert("data/recipient/openings.txt".into(), Source::Openings);
    for digest in &survey.transcripts {
        files.insert(format!("data/recipient/transcripts/{digest}"), Source::Transcript(*digest));
    }
    check(&files)?;
    Ok(files)
}

fn part(input: &BundleInput<'_>, survey: &Survey) -> String {
    let mut text = format!("affiant.part/1\nrecipient {}\nissue {}\n", input.recipient, input.issue);
    match &survey.owed.parts {
        None => text.push_str("part all\n"),
        Some(asns) => asns.iter().for_each(|asn| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "part as{asn}");
        }),
    }
    debug_assert!(survey.owed.parts.is_none() == (input.recipient == AUDIT));
    text
}

fn tables(input: &BundleInput<'_>, put: &mut dyn FnMut(&str, Vec<u8>)) -> Result<(), Fault> {
    let mut text = String::from("affiant.tables/1\n");
    for table in input.tables {
        let info = &table.info;
        let _ = writeln!(text, "{} {} {} {} {}", info.sha256, info.bytes, info.kind.word(), info.built, info.name);
        if info.bytes > MAX_TABLE_BYTES as u64 {
            continue;
        }
        let bytes = table.bytes.as_ref().filter(|bytes| evidence::sha256(bytes) == info.sha256);
        put(&format!("tables/{}", info.sha256), bytes.ok_or(Fault::Table(info.sha256))?.clone());
    }
    put("tables/tables.txt", text.into());
    let is_given = |digest: &Digest| input.tables.iter().any(|table| table.info.sha256 == *digest);
    let named = input.cirs.iter().flat_map(|cir| cir.attribution.tables.iter().chain([&cir.isp.register_sha256]));
    match named.copied().find(|digest| !is_given(digest)) {
        Some(missing) => Err(Fault::Table(missing)),
        None => Ok(()),
    }
}

fn check(files: &BTreeMap<String, Source>) -> Result<(), Fault> {
    // The four tag files count too.
    if files.len() + 4 > MAX_FILES {
        return Err(Fault::File(format!("{} files", files.len()), "a bundle holds at most 100000 files"));
    }
    let is_plain = |path: &str| {
        path.len() <= 200
            && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b'/'))
            && path.split('/').all(|component| !matches!(component, "" | "." | ".."))
    };
    match files.keys().find(|path| !is_plain(path)) {
        Some(path) => Err(Fault::File(path.clone(), "the path has other characters than a bundle allows")),
        None => Ok(()),
    }
}
