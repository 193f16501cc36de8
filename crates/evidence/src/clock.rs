//! What was known of the wall clock at a moment (`affiant.clock/1`).

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::{RunId, Stamp};

/// One reading of the kernel's clock discipline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockReading {
    /// When.
    pub at: Stamp,
    /// The largest error that the source vouches for, in milliseconds; absent if it vouches for none.
    pub error_ms: Option<u32>,
    /// The run in which it was read.
    pub run: RunId,
    /// Where the reading comes from, e.g. `adjtimex`.
    pub source: String,
    /// Whether the source says that the clock is disciplined.
    pub synchronised: bool,
}
