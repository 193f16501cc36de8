//! The only file that reads clocks. Everybody else is handed a [`Now`].

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crawler::Reading;
use evidence::{Mono, Now, Utc};

/// Both clocks of this machine, from the start of a run.
#[derive(Debug, Clone, Copy)]
pub struct RunClock {
    started: Instant,
}

impl RunClock {
    /// Starts the monotonic clock at 0.
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl crawler::Clock for RunClock {
    fn now(&self) -> Now {
        let us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
        Now { mono: Mono::from_us(us), utc: utc() }
    }

    fn reading(&self) -> Reading {
        let discipline = kernelclock::read().filter(|discipline| discipline.synchronised);
        Reading {
            error_ms: discipline.map(|discipline| discipline.max_error_ms),
            source: "adjtimex".into(),
            synchronised: discipline.is_some(),
        }
    }
}

/// The wall clock.
pub fn utc() -> Utc {
    // A clock before 1970 is brought to 1970, which the ledger refuses as going back.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Utc::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
