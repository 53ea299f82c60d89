//! What is told of an outage: that it began, now and then that it goes on, and once that it is over.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::fault::Fault;

/// How long an outage goes on before it is told of again; from then on twice as long each time.
const AGAIN: Duration = Duration::from_secs(10);
/// The longest time between.
const AT_MOST: Duration = Duration::from_secs(300);
/// How long a collector's connection lasts, without anything to read, until its outage counts as over.
const PROVEN: Duration = Duration::from_secs(1);

/// The outage of one component, if it has one.
#[derive(Debug, Default)]
pub(super) struct Outage {
    now: Option<Ongoing>,
    /// Whether there ever was a connection.
    was_connected: bool,
}

#[derive(Debug)]
struct Ongoing {
    since: Instant,
    tries: u32,
    tell_at: Instant,
    pause: Duration,
    /// When the connection that is there now was made; `None` while there is none.
    connected: Option<Instant>,
}

impl Outage {
    /// Notes a try that failed, and tells of it if it is the first, or the first for a while.
    pub fn failed(&mut self, id: &str, fault: &Fault) {
        let now = Instant::now();
        let hint = fault.hint.as_deref();
        let Some(ongoing) = &mut self.now else {
            match hint {
                Some(hint) => tracing::warn!(component = id, %hint, "{fault}; trying again"),
                None => tracing::warn!(component = id, "{fault}; trying again"),
            }
            self.now = Some(Ongoing {
                since: now,
                tries: 1,
                tell_at: now + AGAIN,
                pause: AGAIN,
                connected: None,
            });
            return;
        };
        ongoing.tries = ongoing.tries.saturating_add(1);
        ongoing.connected = None;
        if now < ongoing.tell_at {
            tracing::debug!(component = id, "{fault}; trying again");
            return;
        }
        ongoing.pause = ongoing.pause.saturating_mul(2).min(AT_MOST);
        ongoing.tell_at = now + ongoing.pause;
        let seconds = (now - ongoing.since).as_secs();
        let tries = ongoing.tries;
        match hint {
            Some(hint) => tracing::warn!(
                component = id,
                %hint,
                "still not connected after {seconds} s and {tries} tries: {fault}; trying again"
            ),
            None => tracing::warn!(
                component = id,
                "still not connected after {seconds} s and {tries} tries: {fault}; trying again"
            ),
        }
    }

    /// Notes that there is a connection, of which it is not known yet what it is worth.
    pub fn connected(&mut self) {
        if let Some(ongoing) = &mut self.now {
            ongoing.connected = Some(Instant::now());
        }
    }

    /// Waits until a connection that nothing comes from has lasted; for ever if there is no outage.
    pub async fn lasted(&self) {
        match self.now.as_ref().and_then(|ongoing| ongoing.connected) {
            Some(connected) => sleep_until(connected + PROVEN).await,
            None => std::future::pending().await,
        }
    }

    /// Tells that the outage is over, if there was one.
    pub fn over(&mut self, id: &str) {
        let Some(Ongoing {
            since,
            tries,
            connected,
            ..
        }) = self.now.take()
        else {
            self.was_connected = true;
            return;
        };
        let again = match std::mem::replace(&mut self.was_connected, true) {
            true => " again",
            false => "",
        };
        let away = connected.unwrap_or_else(Instant::now) - since;
        let tries = match tries {
            1 => "1 try".to_owned(),
            tries => format!("{tries} tries"),
        };
        tracing::info!(
            component = id,
            "connected{again} after {:.1} s and {tries}",
            away.as_secs_f64()
        );
    }
}
