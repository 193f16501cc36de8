//! `affiant`: a rights-holder evidence crawler for BitTorrent swarms.
//!
//! This crate composes: arguments, configuration, clocks, keys, logs and the wiring between the others. It
//! decides nothing about evidence. *In scope*: what a person types and reads. *Out of scope*: everything that
//! the crates below own.

mod answer;
mod args;
mod book;
mod clock;
mod commands;
mod config;
mod content;
mod coverage;
mod delivery;
mod demo;
mod descriptors;
mod dht;
mod fetch;
mod logging;
mod plan;
mod progress;
mod queries;
mod secrets;
mod station;
mod tables;
mod witnesses;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = args::Affiant::parse();
    logging::install(args.verbose, args.log_json);
    match commands::run(&args) {
        Ok(answer) => answer.print(args.json),
        Err(fault) => {
            // One sentence: what happened to what, outermost first.
            let chain: Vec<String> = fault.chain().map(ToString::to_string).collect();
            if args.json {
                println!("{:#}", serde_json::json!({ "error": chain.join(": ") }));
            }
            eprintln!("affiant: {}", chain.join(": "));
            ExitCode::from(2)
        }
    }
}
