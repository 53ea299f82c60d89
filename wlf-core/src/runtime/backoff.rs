//! How long to wait before the next try.

use std::time::Duration;

/// What the runtime waits at most, unless a destination wants less.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// Waits that grow, with full jitter, up to a cap.
///
/// "Full jitter" is a wait drawn evenly from zero to the bound, so that many clients of one server that failed do not
/// come back together (Brooker, "Exponential Backoff And Jitter").
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    tries: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::up_to(LONGEST_WAIT)
    }
}

impl Backoff {
    /// The runtime's own, with another cap.
    pub fn up_to(cap: Duration) -> Self {
        Self::new(Duration::from_millis(200), cap)
    }

    pub fn new(first: Duration, cap: Duration) -> Self {
        Self {
            first,
            cap,
            tries: 0,
        }
    }

    /// The next wait; never less than what the server asked for in `after`.
    pub fn next(&mut self, after: Option<Duration>) -> Duration {
        let wait = self.bound().mul_f64(fastrand::f64());
        self.tries = self.tries.saturating_add(1);
        after.map_or(wait, |after| wait.max(after))
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.tries = 0;
    }

    fn bound(&self) -> Duration {
        let factor = 1_u32.checked_shl(self.tries.min(20)).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_up_to_the_cap_and_begin_anew_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let mut bounds = Vec::new();
        for _ in 0..6 {
            bounds.push(backoff.bound().as_millis());
            assert!(backoff.next(None) <= Duration::from_secs(1));
        }
        assert_eq!(bounds, [100, 200, 400, 800, 1000, 1000]);
        for _ in 0..1000 {
            backoff.next(None);
        }
        assert_eq!(backoff.bound(), Duration::from_secs(1));
        backoff.reset();
        assert_eq!(backoff.bound(), Duration::from_millis(100));
    }

    #[test]
    fn a_server_that_names_a_wait_gets_it() {
        let mut backoff = Backoff::default();
        assert!(backoff.next(Some(Duration::from_secs(7))) >= Duration::from_secs(7));
    }
}
