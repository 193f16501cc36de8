//! Timers as data: a table with one place for each reason.

use evidence::Mono;

/// Deadlines by reason. `N` is how many reasons an engine has.
#[derive(Debug)]
pub(crate) struct Timers<const N: usize>([Option<Mono>; N]);

impl<const N: usize> Timers<N> {
    pub(crate) fn new() -> Self {
        Self([None; N])
    }

    pub(crate) fn set(&mut self, reason: impl Into<usize>, at: Mono) {
        self.0[reason.into()] = Some(at);
    }

    pub(crate) fn clear(&mut self, reason: impl Into<usize>) {
        self.0[reason.into()] = None;
    }

    pub(crate) fn get(&self, reason: impl Into<usize>) -> Option<Mono> {
        self.0[reason.into()]
    }

    /// The next deadline.
    pub(crate) fn next(&self) -> Option<Mono> {
        self.0.iter().flatten().min().copied()
    }

    /// Takes one timer that has run out, the earliest first.
    pub(crate) fn expired(&mut self, now: Mono) -> Option<usize> {
        let (reason, _) = self
            .0
            .iter()
            .enumerate()
            .filter_map(|(n, at)| at.filter(|at| *at <= now).map(|at| (n, at)))
            .min_by_key(|(_, at)| *at)?;
        self.0[reason] = None;
        Some(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_runs_out_first_and_once() {
        let mut timers = Timers::<3>::new();
        timers.set(0usize, Mono::from_us(30));
        timers.set(2usize, Mono::from_us(20));
        assert_eq!(timers.next(), Some(Mono::from_us(20)));
        assert_eq!(timers.expired(Mono::from_us(19)), None);
        assert_eq!(timers.expired(Mono::from_us(40)), Some(2));
        assert_eq!(timers.expired(Mono::from_us(40)), Some(0));
        assert_eq!(timers.expired(Mono::from_us(40)), None);
        timers.set(1usize, Mono::from_us(1));
        timers.clear(1usize);
        assert_eq!((timers.get(1usize), timers.next()), (None, None));
    }
}
