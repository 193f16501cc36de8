//! The demonstration: a laboratory swarm with known truth, watched, reported and checked by the user's own commands.

mod laboratory;
mod scorecard;
mod tamper;
mod witnesses;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use clap::Parser as _;
use serde_json::{Value, json};

use crate::{
    answer::Answer,
    args::{Affiant, Place},
    clock, commands, descriptors,
    station::Station,
};
use laboratory::Laboratory;
use scorecard::Scorecard;
use witnesses::Witnesses;

/// What is asked for.
pub struct Wish {
    /// Where everything goes.
    pub out: PathBuf,
    /// How many simulated peers.
    pub peers: usize,
    /// Deals out their behaviour.
    pub seed: u64,
    /// Whether real clients take part.
    pub with_clients: bool,
}

/// People of the demonstration.
const INVESTIGATOR: &str = "I. Investigator";
const REVIEWERS: [&str; 2] = ["A. Reviewer", "B. Reviewer"];
const APPROVER: &str = "C. Approver";

/// Runs it.
pub fn run(wish: &Wish) -> Result<Answer> {
    descriptors::raise();
    if wish.out.exists() {
        bail!("{} is already there; choose another --out", wish.out.display());
    }
    fs::create_dir_all(&wish.out).with_context(|| format!("cannot make {}", wish.out.display()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start the runtime")?;
    say("starting the laboratory");
    let laboratory = runtime.block_on(Laboratory::start(wish))?;
    for line in laboratory.describe() {
        say(&line);
    }
    let commands = Commands { place: Place { station: wish.out.join("station"), root_key: None, password_file: None } };
    // They end with this function, however it ends.
    let _witnesses = found(&commands, &laboratory, &wish.out)?;

    let callers = runtime.spawn(laboratory.clone_for_callers().call());
    let watched = commands.run(&["watch", "--until-idle", "4s", "--for", "100s"])?;
    laboratory.learn_callers(runtime.block_on(callers)??);
    let bundles = wish.out.join("bundles");
    let issued = commands.run(&["issue", "--by", INVESTIGATOR, "--approver", APPROVER, "--out", path(&bundles)?, "--close"])?;
    let anchor = commands.run(&["log", "anchor"])?;
    let anchor_sha256 = anchor["sha256"].as_str().context("the anchor has a digest")?.to_string();

    let mut card = Scorecard::new(&laboratory, &commands.place, &bundles)?;
    for bundle in issued["bundles"].as_array().context("an issue lists its bundles")? {
        for form in ["folder", "zip"] {
            let place = bundle[form].as_str().context("a bundle has a place")?;
            let verdict = commands.run(&["verify", place, "--anchor-sha256", &anchor_sha256])?;
            card.take_verdict(place, &verdict);
        }
    }
    let victim = issued["bundles"].as_array().and_then(|bundles| bundles.first()).and_then(|bundle| bundle["folder"].as_str());
    let victim = PathBuf::from(victim.context("an issue writes at least one bundle")?);
    for tampering in tamper::ALL {
        let copy = tampering.apply(&victim, &wish.out.join("tampered"))?;
        let verdict = commands.run(&["verify", path(&copy)?, "--anchor-sha256", &anchor_sha256])?;
        card.take_tampered(tampering, &verdict);
    }
    let fsck = commands.run(&["log", "fsck"])?;
    card.take_fsck(&fsck);
    runtime.block_on(laboratory.stop());

    let text = format!("{}\n{}", card.table(), how_to_check(&wish.out, &bundles, &anchor_sha256));
    let mut json = card.to_json();
    json["watch"] = watched;
    json["issue"] = issued;
    json["anchor_sha256"] = json!(anchor_sha256);
    json["out"] = json!(wish.out);
    Ok(if card.is_as_expected() { Answer::yes(text, json) } else { Answer::no(text, json) })
}

/// Makes the station with the commands that a user would type.
fn found(commands: &Commands, laboratory: &Laboratory, out: &Path) -> Result<Witnesses> {
    let inputs = out.join("inputs");
    laboratory.write_inputs(&inputs, clock::utc().date())?;
    let input = |name: &str| path(&inputs.join(name)).map(ToOwned::to_owned);
    let mut witnesses = Witnesses::found(commands, out)?;
    let init = ["init", "--name", "log.laboratory.example", "--laboratory", "127.0.0.0/8"];
    commands.run(&init.into_iter().chain(witnesses.arguments()).collect::<Vec<_>>())?;
    let mut station = Station::open(&commands.place)?;
    let mut config = station.config.clone();
    witnesses.start(commands, &station, &mut config)?;
    laboratory.configure(&mut config);
    station.config = config;
    station.save_config()?;
    let today = clock::utc().date().to_string();
    commands.run(&[
        "tables",
        "add",
        &input("laboratory.tsv")?,
        "--kind",
        "iptoasn",
        "--name",
        "laboratory",
        "--built",
        &today,
    ])?;
    commands.run(&["tables", "register", &input("isp-register.toml")?])?;
    for person in [INVESTIGATOR, REVIEWERS[0], REVIEWERS[1], APPROVER] {
        commands.run(&["people", "add", person])?;
    }
    let torrent = input("film.torrent")?;
    let document = input("authority.txt")?;
    commands.run(&[
        "mandate",
        "add",
        &input("mandate.toml")?,
        "--torrent",
        &torrent,
        "--document",
        &document,
        "--by",
        INVESTIGATOR,
    ])?;
    let content = input("content")?;
    let dossier = commands.run(&[
        "dossier",
        "build",
        &torrent,
        "--content",
        &content,
        "--map",
        "*.mkv=laboratory-film",
        "--contains",
        "synthetic bytes made for this laboratory",
        "--by",
        INVESTIGATOR,
    ])?;
    let digest = dossier["note_sha256"].as_str().context("a dossier has a digest")?.to_string();
    for reviewer in REVIEWERS {
        commands.run(&[
            "dossier",
            "approve",
            &digest,
            "--by",
            reviewer,
            "--statement",
            "compared with the generator's output",
        ])?;
    }
    Ok(witnesses)
}

/// Runs the program's own commands on one station.
struct Commands {
    place: Place,
}

impl Commands {
    /// Says and runs a command line; returns its JSON answer, whether it is yes or no.
    fn run(&self, words: &[&str]) -> Result<Value> {
        say(&format!("$ affiant {}", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")));
        let station = path(&self.place.station)?;
        let line = ["affiant", "--station", station].into_iter().chain(words.iter().copied());
        let args = Affiant::try_parse_from(line)?;
        Ok(commands::run(&args)?.into_json())
    }
}

fn quoted(word: &str) -> String {
    let is_plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./=:*".contains(&byte));
    if is_plain && !word.contains('*') { word.to_string() } else { format!("'{word}'") }
}

fn path(path: &Path) -> Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

/// Progress, on stderr: stdout is for the answer.
fn say(line: &str) {
    eprintln!("{line}");
}

fn how_to_check(out: &Path, bundles: &Path, anchor_sha256: &str) -> String {
    format!(
        "station         {out}/station\n\
         bundles         {bundles}\n\
         process report  {bundles}/audit/data/process-report.pdf (and .html, .json)\n\
         anchor SHA-256  {anchor_sha256}\n\
         by hand         cd {bundles}/audit && less data/README.txt\n\
         by program      affiant verify {bundles}/audit.zip --anchor-sha256 {anchor_sha256}",
        out = out.display(),
        bundles = bundles.display(),
    )
}
