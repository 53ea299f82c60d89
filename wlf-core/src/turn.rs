//! Turns: one thread serves everything, so long work lets others run now and then.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long a turn may take.
const TURN: Duration = Duration::from_millis(4);

thread_local! {
    /// When the turn that is under way began, as far as that was noted.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Lets others run if this turn has taken its time, some four milliseconds.
///
/// Long work calls it every 100 µs or so: looking at the clock costs a tenth of a microsecond in a guest, and giving others
/// their turn a hundred times that, because the runtime then asks the host for timers and sockets.
pub async fn pass_on() {
    let now = Instant::now();
    let is_over = |began: Instant| now.duration_since(began) >= TURN;
    if BEGAN.get().is_some_and(is_over) {
        tokio::task::yield_now().await;
        BEGAN.set(Some(Instant::now()));
    } else if BEGAN.get().is_none() {
        BEGAN.set(Some(now));
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn others_run_while_one_works() {
        let turns = Rc::new(Cell::new(0));
        let other = turns.clone();
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async move {
                tokio::task::spawn_local(async move {
                    loop {
                        other.set(other.get() + 1);
                        tokio::task::yield_now().await;
                    }
                });
                let begin = Instant::now();
                let mut calls = 0;
                while begin.elapsed() < TURN * 50 {
                    pass_on().await;
                    calls += 1;
                }
                assert!(turns.get() >= 10, "{} turns", turns.get());
                assert!(turns.get() < calls / 2, "{calls} calls");
            })
            .await;
    }
}
