//! The only file that reads clocks. Everybody else is handed a [`Now`].

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use evidence::{Mono, Now, RunId, Utc, clock::ClockReading};

/// Both clocks of this machine, from the start of a run.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    started: Instant,
}

impl Clock {
    /// Starts the monotonic clock at 0.
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// Both clocks, read together.
    pub fn now(&self) -> Now {
        let us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Now { mono: Mono::from_us(us), utc: utc() }
    }

    /// What the kernel says of its clock now.
    pub fn reading(&self, run: RunId) -> ClockReading {
        let discipline = kernelclock::read();
        let synchronised = discipline.is_some_and(|discipline| discipline.synchronised);
        ClockReading {
            at: self.now().stamp(),
            error_ms: discipline.filter(|_| synchronised).map(|discipline| discipline.max_error_ms),
            run,
            source: "adjtimex".into(),
            synchronised,
        }
    }
}

/// The wall clock.
pub fn utc() -> Utc {
    // A clock before 1970 is brought to 1970, which the ledger refuses as going back.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Utc::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
