//! The clocks that a run is handed. Only the binary reads real ones.

use evidence::Now;

/// Both clocks of a run.
pub trait Clock: Send + Sync + 'static {
    /// This moment on both clocks, read together.
    fn now(&self) -> Now;

    /// What is known of the wall clock's error. Asked now and then, and logged.
    fn reading(&self) -> Reading;
}

/// What a source of time vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The largest error in milliseconds, if it vouches for one.
    pub error_ms: Option<u32>,
    /// Where the reading comes from, e.g. `adjtimex`.
    pub source: String,
    /// Whether the clock is said to be disciplined.
    pub synchronised: bool,
}
