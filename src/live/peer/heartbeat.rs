//! Two checks of every socket twice a second: whether it needs a heartbeat, and whether its presence has expired.

use std::sync::atomic::Ordering;

use super::queue::Overflow;
use super::{JUST_WRITTEN, Peer, PeerCommand};
use crate::live::EncodedEvent;

impl Peer {
    /// Records that the client reported its page as visible at `now_ms`, in milliseconds since the epoch.
    pub fn touch_presence(&self, now_ms: i64) {
        self.present_at_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Records that the client reported its page as hidden.
    pub fn clear_presence(&self) {
        self.present_at_ms.store(0, Ordering::Relaxed);
    }

    /// Runs check number `check`.
    ///
    /// Sends `alive` when nothing has been written for `max_idle_checks` checks, so that the client can tell an idle
    /// connection from a broken one. Queues [`PeerCommand::PresenceExpired`] once when the client has not refreshed
    /// its presence since `expired_before_ms`.
    pub(in crate::live) fn heartbeat(
        &self,
        check: u64,
        max_idle_checks: u64,
        alive: &EncodedEvent,
        expired_before_ms: i64,
    ) {
        let present_at_ms = self.present_at_ms.load(Ordering::Relaxed);
        if present_at_ms != 0 && present_at_ms <= expired_before_ms {
            // Fails when the client refreshed its presence since the load above.
            if self.present_at_ms.compare_exchange(present_at_ms, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
                self.push_command(PeerCommand::PresenceExpired);
            }
        }
        if self.written_at_check.load(Ordering::Relaxed).saturating_add(max_idle_checks) <= check {
            let mut state = self.lock();
            if state.queue.is_empty() {
                self.write(&mut state, std::slice::from_ref(alive), Overflow::Queued);
            }
        }
        if self.written_at_check.load(Ordering::Relaxed) == JUST_WRITTEN {
            self.written_at_check.store(check, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{message_removed, peer_after_snapshot};
    use super::*;
    use crate::live::testing::FakeTransport;
    use crate::protocol::ServerEvent;

    #[test]
    fn an_idle_socket_receives_a_heartbeat() {
        let transport = FakeTransport::unlimited();
        let peer = peer_after_snapshot(&transport);
        let alive = EncodedEvent::new(&ServerEvent::Alive);
        peer.heartbeat(6, 7, &alive, 0);
        assert!(transport.take_received().is_empty());
        peer.heartbeat(7, 7, &alive, 0);
        assert_eq!(transport.take_received().len(), 1);
        peer.deliver_user_event(&message_removed(1));
        peer.heartbeat(8, 7, &alive, 0);
        transport.take_received();
        peer.heartbeat(14, 7, &alive, 0);
        assert!(transport.take_received().is_empty(), "an event was written in between");
        peer.heartbeat(15, 7, &alive, 0);
        assert_eq!(transport.take_received().len(), 1);
    }

    #[test]
    fn presence_expires_once_when_it_is_not_refreshed() {
        let peer = peer_after_snapshot(&FakeTransport::unlimited());
        let alive = EncodedEvent::new(&ServerEvent::Alive);
        peer.touch_presence(1_000);
        peer.heartbeat(16, 7, &alive, 999);
        assert_eq!(peer.next_command(), None);
        peer.heartbeat(16, 7, &alive, 1_000);
        assert_eq!(peer.next_command(), Some(PeerCommand::PresenceExpired));
        peer.heartbeat(17, 7, &alive, 5_000);
        assert_eq!(peer.next_command(), None, "expires only once");
    }
}
