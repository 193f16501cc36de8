//! The XML against the schema of ACNS 2.0 version 1.2, by another's validator.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "the schema and its validator are outside; the crate itself starts and reads nothing"
)]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::generated::{CASES, addressing, cir};
use crate::notices::{Retraction, acns_retraction, acns_xml};

/// Names the schema file, where it is not beside the workspace.
const SCHEMA_VARIABLE: &str = "AFFIANT_ACNS_SCHEMA";
/// Programs take only so many arguments at once.
const FILES_A_RUN: usize = 400;

#[test]
fn every_notice_and_retraction_is_valid() {
    let Some(schema) = schema() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for seed in 0..CASES {
        let (cir, addressing) = (cir(seed), addressing(seed));
        let retraction = Retraction { at: cir.issued_at.plus_ms(86_400_000), reason: &cir.isp.name };
        for (kind, xml) in
            [("notice", acns_xml(&cir, &addressing)), ("retraction", acns_retraction(&cir, &addressing, &retraction))]
        {
            let file = folder.path().join(format!("{kind}-{seed}.xml"));
            std::fs::write(&file, xml).unwrap();
            files.push(file);
        }
    }
    for some in files.chunks(FILES_A_RUN) {
        let answer = validate(&schema, some);
        assert!(answer.status.success(), "{}", first_faults(&answer));
    }

    // The check itself can fail: the same notice with two elements changed places.
    let swapped = folder.path().join("swapped.xml");
    let good = acns_xml(&cir(0), &addressing(0));
    std::fs::write(
        &swapped,
        good.replace("Service_Provider>", "X>").replace("Complainant>", "Service_Provider>").replace("X>", "Complainant>"),
    )
    .unwrap();
    assert!(!validate(&schema, &[swapped]).status.success());
}

fn validate(schema: &Path, files: &[PathBuf]) -> std::process::Output {
    let catalog = schema.with_file_name("catalog.xml");
    Command::new("xmllint")
        .env("XML_CATALOG_FILES", format!("file://{}", catalog.display()))
        .args(["--nonet", "--noout", "--schema"])
        .arg(schema)
        .args(files)
        .output()
        .unwrap()
}

fn first_faults(answer: &std::process::Output) -> String {
    let text = String::from_utf8_lossy(&answer.stderr);
    text.lines().filter(|line| !line.ends_with(" validates")).take(5).collect::<Vec<_>>().join("\n")
}

/// The schema, if it and xmllint are here. The project does not ship it.
fn schema() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/acns/acns-1.2.xsd");
    let named = std::env::var_os(SCHEMA_VARIABLE).map(PathBuf::from);
    let is_named = named.is_some();
    let schema = named.unwrap_or(beside);
    let Ok(schema) = schema.canonicalize() else {
        assert!(!is_named, "{SCHEMA_VARIABLE} names {}, which is not there", schema.display());
        eprintln!("!!! SKIPPED !!! the ACNS schema is not at {}: set {SCHEMA_VARIABLE} to acns-1.2.xsd", schema.display());
        return None;
    };
    if Command::new("xmllint").arg("--version").output().is_err() {
        eprintln!("!!! SKIPPED !!! xmllint is not installed: apt-get install libxml2-utils");
        return None;
    }
    Some(schema)
}
