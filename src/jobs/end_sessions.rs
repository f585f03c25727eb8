//! Closes the sockets of sessions that another program has ended: `campfire reset-password`, while this one serves.

use super::Next;
use crate::AppResult;
use crate::facts::Fact;
use crate::model::{SessionId, UserId};
use crate::state::AppState;
use crate::store::Tx;

/// Announces the end of the sessions, whose rows are gone already.
pub(super) async fn step(state: &AppState, user_id: UserId, session_ids: &[SessionId]) -> AppResult<Next> {
    let session_ids = session_ids.to_vec();
    let end = async move |tx: &mut Tx| {
        tx.changes_nothing_visible();
        for session_id in session_ids {
            tx.record(Fact::SessionEnded { user_id, session_id }).await?;
        }
        Ok(Next::Done)
    };
    state.db.write(end).await
}

#[cfg(test)]
mod tests {
    use crate::live::PeerCommand;
    use crate::live::testing::TestClient;
    use crate::ops::users::reset_password;
    use crate::{jobs, testing};

    #[tokio::test]
    async fn a_password_that_another_program_resets_ends_open_sockets() {
        let world = testing::world().await;
        let other_program = world.open_again().await;
        let bob = TestClient::connect(&world.state.live, world.bob.id.0, &[world.all_talk.id]);
        let ada = TestClient::connect(&world.state.live, world.ada.id.0, &[world.all_talk.id]);
        reset_password(&other_program, "bob@example.com", &"another horse".parse().unwrap()).await.unwrap();
        assert_eq!(bob.peer.next_command(), None, "nobody has told this program yet");
        jobs::run_due(&world.state).await.unwrap();
        let ended = PeerCommand::SessionEnded(testing::current(&world.bob).session_id);
        let is_told = async {
            while bob.peer.next_command().as_ref() != Some(&ended) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), is_told).await.expect("the socket is told");
        assert_eq!(ada.peer.next_command(), None);
    }
}
