use super::*;
use crate::{
    deadlines::{Holidays, SHIPPED},
    plan::{Plan, plan},
    testlog::{ORIGIN, REGISTER, Sight, TestLog, blocks, input, register, utc},
};
use evidence::{
    Class, Content,
    control::{Close, Control, Erase},
};

type Files = BTreeMap<String, Vec<u8>>;

/// A log with two recipients, one withheld observation and an issue; its plan; the issue's index.
fn issued() -> (TestLog, Plan, u64) {
    let mut log = TestLog::new();
    log.started(true);
    log.clock("2026-09-01T12:00:00.000Z", Some(4));
    for host in 1..6 {
        log.see_cleared(&Sight::at(&format!("192.0.2.{host}:51413"), "2026-09-01T12:00:00.000Z", 60));
    }
    let other = Sight::at("198.51.100.7:6881", "2026-09-01T13:00:00.000Z", 60);
    log.see_cleared(&Sight { asn: Some(64500), isp: Some("other".into()), ..other.clone() });
    log.see_cleared(&Sight { peer: "203.0.113.9:6881".parse().unwrap(), class: Class::NotQualifying, isp: None, ..other });
    let (register, holidays, estimates) = (register(), Holidays::parse(SHIPPED).unwrap(), BTreeMap::new());
    let plan = plan(log.read(), &input(&register, &holidays, &estimates)).unwrap();
    let issue = issue(&mut log, &plan);
    (log, plan, issue)
}

fn issue(log: &mut TestLog, plan: &Plan) -> u64 {
    for withhold in &plan.withholds {
        log.note("a", &Control::Withhold(withhold.clone()));
    }
    log.note("c", &Control::Issue(plan.issue.clone()));
    log.entries.len() as u64 - 1
}

fn bundle(log: &TestLog, cirs: &[Cir], issue: u64, recipient: &str) -> Result<(Files, BundleSummary), Fault> {
    bundle_with(log, cirs, issue, recipient, &register(), &BTreeMap::from([(log.dossier, blocks())]))
}

fn bundle_with(
    log: &TestLog,
    cirs: &[Cir],
    issue: u64,
    recipient: &str,
    register: &Register,
    dossiers: &BTreeMap<Digest, Vec<u8>>,
) -> Result<(Files, BundleSummary), Fault> {
    let tables = [TableFile { info: crate::testlog::register().info().clone(), bytes: Some(REGISTER.into()) }];
    let (checkpoints, anchor) = (BTreeMap::from([log.checkpoint()]), TestLog::anchor());
    let process_report = BTreeMap::from([("json".to_string(), b"{}\n".to_vec())]);
    let input = BundleInput {
        origin: ORIGIN,
        issue,
        recipient,
        cirs,
        register,
        tables: &tables,
        anchor: &anchor,
        checkpoints: &checkpoints,
        dossiers,
        process_report: &process_report,
    };
    let mut files = Files::new();
    let mut order = Vec::new();
    let summary = write_bundle(
        &input,
        &|| Box::new(log.read()),
        &|digest| Ok(log.transcripts.get(&digest).cloned()),
        &mut |path, chunk| {
            if order.last().is_none_or(|last| last != path) {
                order.push(path.to_string());
            }
            files.entry(path.to_string()).or_default().extend_from_slice(chunk);
            Ok(())
        },
    )?;
    assert!(order.is_sorted() && order.len() == files.len(), "{order:?}");
    assert_eq!((summary.files, summary.bytes), (files.len(), files.values().map(|bytes| bytes.len() as u64).sum()));
    Ok((files, summary))
}

fn text<'f>(files: &'f Files, path: &str) -> &'f str {
    std::str::from_utf8(&files[path]).unwrap()
}

#[test]
fn each_recipient_gets_its_own_and_the_same_log() {
    let (log, plan, issue) = issued();
    assert_eq!(recipients(&plan.cirs), ["example", "other", "audit"]);
    let get = |recipient| bundle(&log, &plan.cirs, issue, recipient).unwrap().0;
    let (example, other, audit) = (get("example"), get("other"), get(AUDIT));
    let shared = |files: &Files| -> Files {
        files
            .iter()
            .filter(|(path, _)| path.starts_with("data/shard/"))
            .map(|(path, bytes)| (path.clone(), bytes.clone()))
            .collect()
    };
    assert!(shared(&example) == shared(&other) && shared(&other) == shared(&audit));
    for (files, openings, cirs, part) in [
        (&example, 5, 5, "affiant.part/1\nrecipient example\nissue 28\npart as64496\npart as64497\n"),
        (&other, 1, 1, "affiant.part/1\nrecipient other\nissue 28\npart as64500\n"),
        (&audit, 16, 6, "affiant.part/1\nrecipient audit\nissue 28\npart all\n"),
    ] {
        let lines = text(files, "data/recipient/openings.txt");
        assert_eq!(lines.lines().count(), openings);
        assert_eq!(files.keys().filter(|path| path.ends_with("/cir.json")).count(), cirs);
        assert_eq!(text(files, "data/recipient/part.txt"), part);
        // Every transcript that an opening names is there, and no other.
        let named: BTreeSet<String> =
            lines.split_inclusive('\n').filter_map(openings::transcript_of).map(|digest| digest.to_string()).collect();
        let held: BTreeSet<String> =
            files.keys().filter_map(|path| path.strip_prefix("data/recipient/transcripts/")).map(String::from).collect();
        assert_eq!(named, held);
    }
    assert!(!text(&example, "data/recipient/openings.txt").contains("198.51.100.7:6881\""));
    assert_eq!(issue, 28);
}

#[test]
fn the_auditor_gets_the_block_digests_that_reports_rest_on() {
    let (log, plan, issue) = issued();
    let path = format!("data/dossiers/{}/blocks.sha256", log.dossier);
    let held = |files: &Files| files.keys().filter(|path| path.starts_with("data/dossiers/")).cloned().collect::<Vec<_>>();
    let (audit, _) = bundle(&log, &plan.cirs, issue, AUDIT).unwrap();
    assert_eq!((held(&audit), &audit[&path]), (vec![path], &blocks()));
    assert!(held(&bundle(&log, &plan.cirs, issue, "example").unwrap().0).is_empty());
    for other in [None, Some(b"other digests".to_vec())] {
        let dossiers: BTreeMap<Digest, Vec<u8>> = other.map(|bytes| (log.dossier, bytes)).into_iter().collect();
        let refused = bundle_with(&log, &plan.cirs, issue, AUDIT, &register(), &dossiers);
        assert!(matches!(refused, Err(Fault::Dossier(dossier)) if dossier == log.dossier));
    }
}

#[test]
fn an_as_is_its_isps_on_the_day_of_the_session() {
    let (log, plan, issue) = issued();
    // From the day of the issue on both numbers are somebody else's.
    let moved = REGISTER.replacen("from = \"2026-01-01\"", "from = \"2026-01-01\"\nto = \"2026-09-01\"", 1);
    let later = Register::parse("isp-register.toml", &moved).unwrap();
    assert!(later.asns("example", "2026-09-02".parse().unwrap()).is_empty());
    let dossiers = BTreeMap::from([(log.dossier, blocks())]);
    let (files, _) = bundle_with(&log, &plan.cirs, issue, "example", &later, &dossiers).unwrap();
    assert_eq!(
        text(&files, "data/recipient/part.txt"),
        "affiant.part/1\nrecipient example\nissue 28\npart as64496\npart as64497\n"
    );
}

#[test]
fn manifests_name_every_file_and_bag_info_its_length() {
    let (log, plan, issue) = issued();
    let (files, summary) = bundle(&log, &plan.cirs, issue, "example").unwrap();
    for (manifest, prefix) in [("manifest-sha256.txt", "data/"), ("tagmanifest-sha256.txt", "")] {
        let listed: Vec<(String, &str)> =
            text(&files, manifest).lines().map(|line| (line[..64].to_string(), &line[66..])).collect();
        let expected: Vec<(String, &str)> = files
            .iter()
            .filter(|(path, _)| {
                if prefix.is_empty() {
                    !path.starts_with("data/") && *path != "tagmanifest-sha256.txt"
                } else {
                    path.starts_with(prefix)
                }
            })
            .map(|(path, bytes)| (evidence::sha256(bytes).to_string(), path.as_str()))
            .collect();
        assert_eq!(listed, expected, "{manifest}");
    }
    let payload: Vec<&Vec<u8>> = files.iter().filter(|(path, _)| path.starts_with("data/")).map(|(_, bytes)| bytes).collect();
    let oxum = format!("{}.{}", payload.iter().map(|bytes| bytes.len()).sum::<usize>(), payload.len());
    assert_eq!(
        text(&files, "bag-info.txt"),
        format!(
            "Bag-Software-Agent: affiant {}\nBagging-Date: 2026-09-02\nExternal-Identifier: {ORIGIN}/{issue}/example\nPayload-Oxum: {oxum}\n",
            env!("CARGO_PKG_VERSION")
        )
    );
    assert_eq!(text(&files, "bagit.txt"), "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    assert_eq!(summary.tagmanifest_sha256, evidence::sha256(&files["tagmanifest-sha256.txt"]));
}

#[test]
fn the_same_log_gives_the_same_bytes() {
    let (log, plan, issue) = issued();
    for recipient in ["example", AUDIT] {
        assert!(bundle(&log, &plan.cirs, issue, recipient).unwrap() == bundle(&log, &plan.cirs, issue, recipient).unwrap());
    }
}

#[test]
fn an_erased_record_is_in_no_bundle() {
    let (mut log, plan, issue) = issued();
    let index = plan.cirs[0].evidence[0].index;
    let entry = &log.entries[index as usize];
    let leaf = crate::casefile::leaf_hash(entry);
    let Content::Opening(line) = entry.content.clone() else { panic!("an opening") };
    log.note("e", &Control::Erase(Erase { index, leaf, basis: "request of the person concerned".into() }));
    for forget in [false, true] {
        if forget {
            log.entries[index as usize].content = Content::Absent;
        }
        let (files, _) = bundle(&log, &plan.cirs, issue, AUDIT).unwrap();
        for (path, bytes) in &files {
            assert!(!bytes.windows(line.len()).any(|window| window == line.as_bytes()), "{path}");
        }
    }
}

#[test]
fn later_leaves_are_owed_to_the_auditor_only() {
    let (mut log, plan, issue) = issued();
    let before = bundle(&log, &plan.cirs, issue, "example").unwrap().1.openings;
    log.see_cleared(&Sight::at("192.0.2.77:51413", "2026-09-01T16:00:00.000Z", 60));
    assert_eq!(bundle(&log, &plan.cirs, issue, "example").unwrap().1.openings, before);
    assert_eq!(bundle(&log, &plan.cirs, issue, AUDIT).unwrap().1.openings, 18);
    let readme = |log: &TestLog| text(&bundle(log, &plan.cirs, issue, AUDIT).unwrap().0, "data/README.txt").to_string();
    assert!(readme(&log).contains("interim"));
    log.root_note(&Control::Close(Close { size: log.entries.len() as u64 + 1, finals: vec![] }));
    assert!(!readme(&log).contains("interim"));
}

#[test]
fn earlier_reports_keep_their_openings_and_are_not_repeated() {
    let (mut log, _, _) = issued();
    log.see_cleared(&Sight::at("192.0.2.90:51413", "2026-09-01T16:00:00.000Z", 60));
    let (register, holidays, estimates) = (register(), Holidays::parse(SHIPPED).unwrap(), BTreeMap::new());
    let second = plan(log.read(), &input(&register, &holidays, &estimates)).unwrap();
    assert_eq!(second.cirs.len(), 1);
    let index = issue(&mut log, &second);
    let (files, summary) = bundle(&log, &second.cirs, index, "example").unwrap();
    assert_eq!(summary.openings, 6);
    assert_eq!(files.keys().filter(|path| path.ends_with("/cir.json")).count(), 1);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (log, plan, issue) = issued();
    assert!(matches!(bundle(&log, &plan.cirs[1..], issue, AUDIT), Err(Fault::Issue(_))));
    assert!(matches!(bundle(&log, &plan.cirs, issue - 1, AUDIT), Err(Fault::Issue(_))));
    let mut changed = plan.cirs.clone();
    changed[0].issued_at = utc("2026-09-02T09:00:00.001Z");
    assert!(matches!(bundle(&log, &changed, issue, AUDIT), Err(Fault::Issue(_))));
    assert!(matches!(bundle(&log, &plan.cirs, issue, "nobody"), Err(Fault::Recipient(_))));
    let mut poorer = log;
    poorer.transcripts.clear();
    assert!(matches!(bundle(&poorer, &plan.cirs, issue, AUDIT), Err(Fault::Transcript(_))));
}

/// Runs every indented command of a page in one shell, as a reader would, and returns what they print.
#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the page is for a shell, so a shell must run it")]
fn run_page(files: &Files, page: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let script: String = text(files, page)
        .lines()
        .scan(false, |is_python, line| {
            // The program for python3 is not indented: it goes on to the line that ends its quotes.
            let is_command = *is_python || line.starts_with("    ") && !line.starts_with("    data/");
            if is_command && line.matches('"').count() % 2 == 1 {
                *is_python = !*is_python;
            }
            Some(if is_command { format!("{}\n", if *is_python { line } else { line.trim_start() }) } else { String::new() })
        })
        .collect();
    let output = std::process::Command::new("sh").arg("-euc").arg(&script).current_dir(folder.path()).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{script}\n{printed}");
    printed
}

#[test]
fn the_readme_can_be_followed_by_hand() {
    let (log, plan, issue) = issued();
    for recipient in ["example", AUDIT] {
        let (files, _) = bundle(&log, &plan.cirs, issue, recipient).unwrap();
        let printed = run_page(&files, "data/README.txt");
        assert_eq!(printed.matches("Signature Verified Successfully").count(), 4, "{printed}");
        let cir = &plan.cirs[0];
        let reference = &cir.evidence[0];
        let root = text(&files, &format!("data/shard/checkpoints/{}.txt", log.entries.len())).lines().nth(2).unwrap().to_string();
        for expected in [
            reference.commitment.to_string(),
            format!("{}:affiant.leaf/1 ", reference.index + 1),
            reference.leaf.to_string(),
            format!("{root}\n{root}\nholder C. Approver\n"),
        ] {
            assert!(printed.contains(&expected), "{expected} in {printed}");
        }
        let evidence = run_page(&files, &format!("data/cirs/{}/evidence.txt", cir.uin));
        let digests: Vec<&str> = evidence.lines().map(|line| &line[..64]).collect();
        let control = &cir.evidence[1];
        assert_eq!(digests, [reference, control].map(|entry| [entry.commitment.to_string(), entry.leaf.to_string()]).concat());
    }
}
