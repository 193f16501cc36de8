//! From the log to sessions, attributions, reports, bundles and the process report: a pure planner.
//!
//! *In scope*: prefix tables and the ISP register, attribution, deadlines, sessions, eligibility, the reports
//! themselves and the words in them, the files of a bundle, the process report as a document.
//! *Out of scope*: files, networks, clocks, keys; signing the notes that a plan proposes; typesetting.
//! The same log, tables, register and version give the same bytes.
//!
//! ```
//! use casework::{attribution::Attributor, register::Register, tables::Table};
//!
//! let day = evidence::Date::new(2026, 9, 1).unwrap();
//! let table = Table::iptoasn("example", day, b"192.0.2.0\t192.0.2.255\t64496\tGB\tEXAMPLE\n")?;
//! let register = Register::parse("isp-register.toml", casework::register::SHIPPED)?;
//! let attributor = Attributor::new(vec![table], register)?;
//! let attribution = attributor.attribute([192, 0, 2, 7].into(), day.start());
//! assert_eq!(attribution.asn, Some(64496));
//! assert_eq!(attribution.class, evidence::Class::NotQualifying);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod attribution;
pub mod bundle;
pub mod calendar;
pub mod casefile;
pub mod cirs;
pub mod coverage;
pub mod deadlines;
pub mod decided;
pub mod eligibility;
pub mod fault;
pub mod notices;
pub mod plan;
pub mod prefix;
pub mod process_report;
pub mod register;
pub mod render;
pub mod sessions;
pub mod tables;
#[cfg(test)]
mod testlog;

pub use fault::{BoxError, Fault};
