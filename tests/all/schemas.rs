//! The JSON Schemas of the contract against real values: every JSON in the vectors, and the verdict on a bundle.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use jsonschema::Validator;
use serde_json::{Value, json};

fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../evidence-schema")
}

fn schemas() -> BTreeMap<String, Value> {
    let files = fs::read_dir(contract().join("schemas")).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let schema =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), schema)
        })
        .collect()
}

fn validators() -> BTreeMap<String, Validator> {
    schemas().iter().map(|(name, schema)| (name.clone(), jsonschema::draft202012::new(schema).unwrap())).collect()
}

#[track_caller]
fn accept(validators: &BTreeMap<String, Validator>, kind: &str, place: &str, value: &Value) {
    let faults: Vec<String> =
        validators[kind].iter_errors(value).map(|fault| format!("{fault} at {}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{place} is not a {kind}: {faults:?}");
}

/// Header and payload of a vector.
fn vectors(kind: &str) -> Vec<(String, String, String)> {
    let folder = contract().join("vectors").join(kind);
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    files
        .filter_map(|path| {
            let text = String::from_utf8(fs::read(&path).unwrap()).ok()?;
            let (head, payload) = text.split_once("\n\n")?;
            Some((path.display().to_string(), head.to_owned(), payload.to_owned()))
        })
        .collect()
}

/// The schema and JSON of an opening line.
fn of_opening(line: &str) -> Option<(&'static str, Value)> {
    let mut fields = line.trim_end().splitn(3, ' ');
    let kind = match fields.next()? {
        "affiant.obs/1" => "observation",
        "affiant.cand/1" => "candidates",
        "affiant.clock/1" => "clock",
        "affiant.run/1" => "run",
        _ => return None,
    };
    let value: Value = serde_json::from_str(fields.nth(1)?).ok()?;
    Some((kind, value["body"].clone()))
}

/// The schema and JSON of a control note, if it is one with JSON.
fn of_note(note: &str) -> Option<(&'static str, Value)> {
    let mut lines = note.lines();
    let kind = match lines.next()? {
        "affiant.mandate/1" => "mandate",
        "affiant.dossier/1" => "dossier",
        "affiant.approval/1" => "approval",
        "affiant.withhold/1" => "withhold",
        "affiant.issue/1" => "issue",
        _ => return None,
    };
    Some((kind, serde_json::from_str(lines.next()?).ok()?))
}

#[test]
fn good_vectors_fit_their_schema() {
    let validators = validators();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut fit = |kind: &'static str, place: &str, value: &Value| {
        accept(&validators, kind, place, value);
        *seen.entry(kind).or_default() += 1;
    };
    for (path, _, payload) in vectors("opening").into_iter().filter(|(_, head, _)| head.contains("expect: ok")) {
        let (kind, value) = of_opening(&payload).unwrap();
        fit(kind, &path, &value);
    }
    for (path, _, payload) in vectors("note").into_iter().filter(|(_, head, _)| head.contains("expect: ok")) {
        if let Some((kind, value)) = of_note(&payload) {
            fit(kind, &path, &value);
        }
    }
    for (path, _, payload) in vectors("cir").into_iter().filter(|(_, head, _)| head.contains("expect: ok")) {
        fit("cir", &path, &serde_json::from_str(&payload).unwrap());
    }
    for bundle in ["isp", "audit"] {
        let folder = contract().join("vectors/bundle").join(bundle);
        for line in fs::read_to_string(folder.join("data/recipient/openings.txt")).unwrap().lines() {
            let (kind, value) = of_opening(line).unwrap();
            fit(kind, bundle, &value);
        }
        for note in fs::read_dir(folder.join("data/shard/control")).unwrap() {
            if let Some((kind, value)) = of_note(&fs::read_to_string(note.unwrap().path()).unwrap()) {
                fit(kind, bundle, &value);
            }
        }
        let report = fs::read(folder.join("data/process-report.json")).unwrap();
        fit("document", bundle, &serde_json::from_slice(&report).unwrap());
        let verdict = verify::bundle(verify::open(&folder).unwrap().as_mut(), &verify::Expectations::default());
        assert!(verdict.valid, "{verdict}");
        fit("verdict", bundle, &serde_json::from_str(&verdict.to_json()).unwrap());
    }
    let missing: Vec<&String> = validators.keys().filter(|kind| !seen.contains_key(kind.as_str())).collect();
    assert!(missing.is_empty(), "no good value was tried for {missing:?}");
}

#[test]
fn a_failed_verdict_fits_its_schema_too() {
    let folder = contract().join("vectors/worked-example");
    let verdict = verify::bundle(verify::open(&folder).unwrap().as_mut(), &verify::Expectations::default());
    assert!(!verdict.valid);
    accept(&validators(), "verdict", "a folder that is no bundle", &serde_json::from_str(&verdict.to_json()).unwrap());
}

#[test]
fn every_block_of_a_document_fits() {
    use evidence::document::{Align, Axis, Block, Chart, Document, Table};
    let line = Chart::lines("c", Axis::new("t", "s").tick(1, "one"), Axis::new("n", "")).series("a", [(0, 1), (1, -2)]);
    let document = Document::new("Process report", "September 2026")
        .notice("Built to the draft codes.")
        .particular("Owner", "Example Records Ltd")
        .section(
            1,
            "Ownership",
            vec![
                Block::paragraph("Text."),
                Block::bullets(["one", "two"]),
                Block::Table(Table::new("t", [("ISP", Align::Start), ("n", Align::End)]).row(["a", "1"])),
                Block::Chart(Chart::bars("b", Axis::new("CIRs", ""), [("a", 3)])),
                Block::Chart(Chart::funnel("f", Axis::new("peers", ""), [("heard of", 9), ("reached", 3)])),
                Block::Chart(line),
                Block::figures("", [("Peers", "1,234", "")]),
                Block::pending("The next release measures this."),
                Block::code("a\nb"),
            ],
        );
    accept(&validators(), "document", "a document", &serde_json::to_value(document).unwrap());
}

/// A schema that names no further members must refuse one, wherever it stands.
#[test]
fn surplus_and_missing_members_are_refused() {
    let validators = validators();
    let mut tried = 0;
    for (path, head, payload) in vectors("opening").into_iter().chain(vectors("cir")) {
        if !head.contains("expect: ok") {
            continue;
        }
        let (kind, value) = of_opening(&payload).unwrap_or_else(|| ("cir", serde_json::from_str(&payload).unwrap()));
        for pointer in objects(&value, String::new()) {
            // Identifiers of a work are by scheme, and a scheme is anybody's.
            if pointer.ends_with("/identifiers") {
                continue;
            }
            let mut surplus = value.clone();
            surplus.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().insert("surplus".into(), json!(1));
            assert!(!validators[kind].is_valid(&surplus), "{path}: surplus at '{pointer}'");
            let names: Vec<String> = value.pointer(&pointer).unwrap().as_object().unwrap().keys().cloned().collect();
            for name in names {
                let mut less = value.clone();
                less.pointer_mut(&pointer).unwrap().as_object_mut().unwrap().remove(&name);
                assert!(!validators[kind].is_valid(&less), "{path}: '{pointer}' without {name}");
                tried += 1;
            }
        }
    }
    assert!(tried > 500, "{tried}");
}

fn objects(value: &Value, pointer: String) -> Vec<String> {
    match value {
        Value::Object(members) => {
            let inner: Vec<String> =
                members.iter().flat_map(|(name, value)| objects(value, format!("{pointer}/{name}"))).collect();
            [vec![pointer], inner].concat()
        }
        Value::Array(items) => {
            items.iter().enumerate().flat_map(|(at, value)| objects(value, format!("{pointer}/{at}"))).collect()
        }
        _ => Vec::new(),
    }
}

/// Values that the shapes refuse, the schemas refuse as well: the two say the same.
#[test]
fn values_of_bad_vectors_are_refused() {
    let validators = validators();
    // These break the shape; others break only the one encoding, which a schema does not see.
    let names = [
        "missing-member",
        "unknown-outcome",
        "unknown-port-role",
        "instant-without-ms",
        "instant-leap-second",
        "instant-offset",
        "wrong-tag",
    ];
    for name in names {
        let (path, _, payload) =
            vectors("opening").into_iter().find(|(path, _, _)| path.ends_with(&format!("/form-{name}.txt"))).unwrap();
        let (kind, value) = of_opening(&payload).unwrap();
        assert!(!validators[kind].is_valid(&value), "{path}");
    }
}

#[test]
fn every_object_is_closed() {
    fn closed(value: &Value, place: &str) {
        if let Value::Object(members) = value {
            if members.get("type") == Some(&json!("object")) {
                let additional = members.get("additionalProperties");
                let is_map = members.get("properties").is_none() && additional.is_some_and(Value::is_object);
                assert!(additional == Some(&json!(false)) || is_map, "{place} is open");
            }
            members.iter().for_each(|(name, value)| closed(value, &format!("{place}/{name}")));
        }
        if let Value::Array(items) = value {
            items.iter().for_each(|value| closed(value, place));
        }
    }
    for (name, schema) in schemas() {
        assert_eq!(schema["$schema"], json!("https://json-schema.org/draft/2020-12/schema"), "{name}");
        closed(&schema, &name);
    }
}
