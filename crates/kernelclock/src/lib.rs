//! What the kernel knows of its clock's error, by adjtimex(2).
//!
//! *In scope*: one read-only system call. *Out of scope*: setting a clock, asking time servers, deciding what
//! error is tolerable. On systems without adjtimex nothing is known, and that is what is said.

/// The kernel's word on the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Discipline {
    /// Whether something disciplines the clock.
    pub synchronised: bool,
    /// The largest error in milliseconds that the discipline vouches for, rounded up; grows while it is silent.
    pub max_error_ms: u32,
}

/// Reads the discipline, or nothing where the system has none to read.
#[cfg(target_os = "linux")]
pub fn read() -> Option<Discipline> {
    #[expect(unsafe_code, reason = "adjtimex has no safe wrapper that reads the maximum error")]
    // SAFETY: `timex` is a plain C struct for which all-zero bytes are valid, and with `modes` 0 the call only
    // writes to the struct that it is given.
    let (state, timex) = unsafe {
        let mut timex: libc::timex = std::mem::zeroed();
        let state = libc::adjtimex(&raw mut timex);
        (state, timex)
    };
    if state < 0 {
        return None;
    }
    let unsynchronised = state == libc::TIME_ERROR || timex.status & libc::STA_UNSYNC != 0;
    let max_error_us = u64::try_from(timex.maxerror).unwrap_or(u64::MAX);
    Some(Discipline {
        synchronised: !unsynchronised,
        max_error_ms: u32::try_from(max_error_us.div_ceil(1000)).unwrap_or(u32::MAX),
    })
}

/// Reads the discipline, or nothing where the system has none to read.
#[cfg(not(target_os = "linux"))]
pub fn read() -> Option<Discipline> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn the_kernel_answers() {
        let discipline = super::read().expect("adjtimex may be read by anybody");
        // The kernel gives up at 16 s and says so.
        assert!(discipline.max_error_ms <= 16_000 || !discipline.synchronised);
    }
}
