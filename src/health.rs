//! Whether the parts that run for as long as the program does are alive: the writer, the publisher, the checkpoints, the
//! dispatcher of jobs.
//!
//! A program that lost one of them still answers, but saves or delivers nothing. So each part holds a [`Pulse`]; when it
//! ends, by a panic or otherwise, the health check fails with the reason, and `campfire serve` ends with an error, to be
//! restarted.

use std::sync::Arc;

use tokio::sync::watch;

/// The health of one program. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<watch::Sender<Option<&'static str>>>);

/// Held by a part while it runs. Dropping it, also by a panic, makes the program unhealthy for good.
#[derive(Debug)]
pub struct Pulse {
    health: Health,
    reason: &'static str,
}

impl Health {
    /// A pulse for a part whose end has this reason: a sentence for operators.
    #[must_use]
    pub fn pulse(&self, reason: &'static str) -> Pulse {
        Pulse { health: self.clone(), reason }
    }

    /// The reason why the program is unhealthy: that of the part that ended first.
    #[must_use]
    pub fn failure(&self) -> Option<&'static str> {
        *self.0.borrow()
    }

    /// Waits until a part ends, and returns its reason.
    pub async fn failed(&self) -> &'static str {
        let mut reasons = self.0.subscribe();
        loop {
            if let Some(reason) = *reasons.borrow_and_update() {
                return reason;
            }
            // An error would mean that the sender is gone, which `self` holds.
            let _ = reasons.changed().await;
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.health.0.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert(self.reason);
            is_first
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_part_that_ends_first_is_the_reason() {
        let health = Health::default();
        let (first, second) = (health.pulse("The first has ended."), health.pulse("The second has ended."));
        assert_eq!(health.failure(), None);
        let panicked = std::thread::spawn(move || {
            let _pulse = second;
            panic!("on purpose");
        });
        assert_eq!(health.failed().await, "The second has ended.");
        assert!(panicked.join().is_err());
        drop(first);
        assert_eq!(health.failure(), Some("The second has ended."));
    }
}
