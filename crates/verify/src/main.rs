//! `affiant-verify`: the verdict on one bundle, from the command line.

use std::{path::PathBuf, process::ExitCode};

use evidence::Digest;
use verify::Expectations;

const USAGE: &str = "\
usage: affiant-verify BUNDLE [--anchor-sha256 HEX] [--newer-checkpoint FILE] [--json]

  BUNDLE                a bundle's folder or its .zip
  --anchor-sha256 HEX   SHA-256 of data/trust/anchor.txt, had from the log's operator and not from the bundle
  --newer-checkpoint FILE     a checkpoint of the same log, had from elsewhere, that the bundle must cover
  --json                the verdict as JSON (evidence-schema/schemas/verdict.json)

exit status: 0 valid, 1 invalid, 2 could not try";

struct Arguments {
    bundle: PathBuf,
    expectations: Expectations,
    json: bool,
}

fn main() -> ExitCode {
    let answer = arguments(std::env::args().skip(1)).and_then(|arguments| {
        let mut source = verify::open(&arguments.bundle).map_err(|fault| fault.to_string())?;
        let verdict = verify::bundle(source.as_mut(), &arguments.expectations);
        if arguments.json {
            print!("{}", verdict.to_json());
        } else {
            print!("{verdict}");
        }
        Ok(verdict.valid)
    });
    match answer {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("affiant-verify: {fault}");
            ExitCode::from(2)
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let (mut bundle, mut expectations, mut json) = (None, Expectations::default(), false);
    while let Some(argument) = given.next() {
        let mut value = || given.next().ok_or(format!("{argument} needs a value\n\n{USAGE}"));
        match argument.as_str() {
            "--json" => json = true,
            "--anchor-sha256" => {
                let hex: Digest = value()?.parse().map_err(|fault| format!("--anchor-sha256: {fault}"))?;
                expectations.anchor_sha256 = Some(hex);
            }
            "--newer-checkpoint" => {
                let path = value()?;
                expectations.newer_checkpoint =
                    Some(std::fs::read(&path).map_err(|fault| format!("cannot read '{path}': {fault}"))?);
            }
            _ if argument.starts_with('-') || bundle.is_some() => return Err(USAGE.into()),
            _ => bundle = Some(PathBuf::from(argument)),
        }
    }
    Ok(Arguments { bundle: bundle.ok_or(USAGE)?, expectations, json })
}
