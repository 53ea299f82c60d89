//! What is read from files, and read again now and then, so that new certificates are taken up without a restart.

use std::time::Duration;

use tokio::time::Instant;

use super::error::TlsError;

/// How long files that were read count.
const FRESH: Duration = Duration::from_secs(60);

/// What was made of files when they were read last.
pub struct Renewed<T> {
    value: T,
    read: Instant,
    /// The files could not be used when they were looked at last.
    is_failing: bool,
}

impl<T> Renewed<T> {
    /// Keeps what was read just now.
    pub fn new(value: T) -> Self {
        Self {
            value,
            read: Instant::now(),
            is_failing: false,
        }
    }

    /// What counts now: the files are read again after a minute, and where that fails, what was read before counts on. A
    /// certificate that is being renewed is there before its key.
    pub fn current(&mut self, read: impl FnOnce() -> Result<T, TlsError>) -> &mut T {
        if self.read.elapsed() >= FRESH {
            self.read = Instant::now();
            let result = read();
            let has_failed_before = std::mem::replace(&mut self.is_failing, result.is_err());
            match result {
                Ok(value) => self.value = value,
                Err(error) if has_failed_before => {
                    tracing::debug!("the certificates that were read last are used on: {error}");
                }
                Err(error) => {
                    tracing::warn!("the certificates that were read last are used on: {error}");
                }
            }
        }
        &mut self.value
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span;

    use super::*;

    /// Counts warnings.
    #[derive(Clone, Default)]
    struct Warnings(Arc<AtomicUsize>);

    impl tracing::Subscriber for Warnings {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            *metadata.level() <= tracing::Level::WARN
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn event(&self, _: &tracing::Event<'_>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[tokio::test(start_paused = true)]
    async fn files_that_cannot_be_used_are_warned_of_once_and_looked_at_each_minute() {
        let warnings = Warnings::default();
        let _guard = tracing::subscriber::set_default(warnings.clone());
        let warned = || warnings.0.load(Ordering::Relaxed);
        let bad = || Err(TlsError::NoAuthorities);
        let minute = FRESH + Duration::from_millis(1);
        let mut renewed = Renewed::new(1);
        assert_eq!(*renewed.current(|| unreachable!("it is fresh")), 1);
        for _ in 0..3 {
            tokio::time::advance(minute).await;
            assert_eq!(*renewed.current(bad), 1);
            assert_eq!(*renewed.current(|| unreachable!("it was looked at")), 1);
            assert_eq!(warned(), 1);
        }
        tokio::time::advance(minute).await;
        assert_eq!(*renewed.current(|| Ok(2)), 2);
        assert_eq!(warned(), 1);
        tokio::time::advance(minute).await;
        assert_eq!(*renewed.current(bad), 2);
        assert_eq!(warned(), 2, "it had been mended meanwhile");
    }
}
