//! The inbox: what comes into it, how it is read, and who hears of it.

use axum::http::StatusCode;
use campfire::model::{
    Cause, ClientMessageId, Delivery, InboxCount, Involvement, Job, Message, MessageId, Posted, RoomId,
};
use campfire::ops::messages::post_with_files;
use campfire::ops::{boosts, inbox, memberships, rooms};
use campfire::protocol::{ClientCommand, ServerEvent};
use campfire::{jobs, ops};

use crate::sockets::{Socket, connected, serve};
use crate::support::{Someone, TestSite};

/// All Talk with Ada, who administers, and Bob, whose inbox is looked at.
struct Stage {
    site: TestSite,
    ada: Someone,
    bob: Someone,
    room_id: RoomId,
}

impl Stage {
    async fn new() -> Self {
        let (site, ada) = TestSite::with_ada().await;
        let bob = site.join("Bob").await;
        let room_id = site.all_talk(&ada).await;
        Self { site, ada, bob, room_id }
    }

    async fn say(&self, text: &str) -> Message {
        self.site.post(&self.ada, self.room_id, text).await
    }

    async fn answer(&self, to: MessageId) -> Message {
        let member = self.site.state.members.find(&self.ada.user, self.room_id).await.unwrap();
        let id = ClientMessageId::v7(7, uuid::Uuid::new_v4().as_bytes()[..10].try_into().unwrap());
        let posted = post_with_files(&self.site.state, &member, id, "an answer", Vec::new(), to.into()).await.unwrap();
        match posted {
            Posted::Stored(message) => message,
            Posted::Removed(_) => unreachable!("a new id"),
        }
    }

    async fn boost(&self, message_id: MessageId, content: &str) {
        let member = self.site.state.members.find(&self.ada.user, self.room_id).await.unwrap();
        boosts::boost(&self.site.state, &member, message_id, content.parse().unwrap()).await.unwrap();
    }

    /// The causes in Bob's inbox, newest first, and whether each is unread.
    async fn causes(&self) -> Vec<(Cause, bool)> {
        let (entries, _) = inbox::page(&self.site.state, &self.bob.current(), None).await.unwrap();
        entries.into_iter().map(|entry| (entry.cause, entry.unread)).collect()
    }

    /// The unread entries of Bob's inbox, as a new page of his says.
    async fn count(&self) -> (u32, u32) {
        let layout = ops::layouts::find(&self.site.state, &self.bob.current(), 0).await.unwrap();
        (layout.inbox.unread, layout.inbox.badge)
    }

    async fn page(&mut self) -> String {
        let answer = self.bob.browser.get("/inbox").await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.text()
    }
}

/// The counts that a socket receives next, and the room in which something new was said.
async fn told(socket: &mut Socket) -> (InboxCount, Option<RoomId>) {
    let events = socket.receive_until(|event| matches!(event, ServerEvent::Inbox { .. })).await;
    let Some(ServerEvent::Inbox { count, room_id }) = events.into_iter().last() else { unreachable!() };
    (count, room_id)
}

const fn counts(unread: u32, badge: u32) -> InboxCount {
    InboxCount { unread, badge }
}

#[tokio::test]
async fn the_page_lists_what_was_said_to_the_viewer_and_leads_there() {
    let mut stage = Stage::new().await;
    assert!(stage.page().await.contains("Nothing here."));
    let own = stage.site.post(&stage.bob, stage.room_id, "mine <b>").await;
    let mention = stage.say("hello @Bob").await;
    let answer = stage.answer(own.id).await;
    stage.boost(own.id, "👍").await;
    stage.boost(own.id, "🎉").await;
    assert_eq!(stage.count().await, (4, 2), "boosts are quiet");
    let page = stage.page().await;
    for part in ["mentioned you", "answered you", "boosted your message", "👍", "🎉", "mine &lt;b&gt;", "All read"]
    {
        assert!(page.contains(part), "{part}");
    }
    for message in [&mention, &answer, &own] {
        assert!(page.contains(&format!("href=\"{}\"", message.path())), "{message:?}");
    }
    assert_eq!(page.matches("inbox__entry unread").count(), 3, "two boosts of one message are a row");
    let own_page = stage.ada.browser.get("/inbox").await.text();
    assert!(own_page.contains("Nothing here."), "nothing of it is said to Ada");
}

#[tokio::test]
async fn opening_the_room_reads_what_it_shows_also_without_scripts() {
    let mut stage = Stage::new().await;
    let own = stage.site.post(&stage.bob, stage.room_id, "mine").await;
    for number in 0..45 {
        stage.say(&format!("number {number}")).await;
    }
    stage.boost(own.id, "👍").await;
    stage.say("@Bob").await;
    let room = format!("/rooms/{}", stage.room_id);
    let page = stage.bob.browser.get(&room).await.text();
    let badge = |page: &str| page.contains("(1) All Talk");
    assert!(!badge(&page), "the page shows the mention, and does not count it");
    assert!(page.contains("mentions mentions--quiet"), "the boost is of a message that it does not show");
    // After its response: the page does not wait for the write.
    let read = async {
        while stage.count().await != (1, 0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), read).await.expect("the page has read the mention");
    assert_eq!(stage.causes().await, [(Cause::Mention, false), (Cause::Boost, true)]);
    // Its link leads to the message, and reads it.
    let arguments = serde_json::json!({"room_id": stage.room_id, "anchor": {"around": own.id}});
    let called = stage.bob.browser.call("rooms/page", &arguments).await;
    assert_eq!(called.status, StatusCode::OK, "{}", called.text());
    assert_eq!(stage.count().await, (0, 0));
}

#[tokio::test]
async fn all_read_leaves_what_came_after_the_page() {
    let mut stage = Stage::new().await;
    stage.say("@Bob one").await;
    let page = stage.page().await;
    let up_to = page.split("name=\"up_to\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    stage.say("@Bob two").await;
    let answer = stage.bob.browser.post("/inbox/read", &[("up_to", &up_to)]).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/inbox"));
    assert_eq!(stage.causes().await, [(Cause::Mention, true), (Cause::Mention, false)]);
    for wrong in ["", "x", "0", "-1", "99999999999999999999"] {
        let refused = stage.bob.browser.post("/inbox/read", &[("up_to", wrong)]).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    for wrong in ["/inbox?before=x", "/inbox?before=0"] {
        assert_eq!(stage.bob.browser.get(wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    assert!(stage.bob.browser.get(&format!("/inbox?before={up_to}")).await.text().contains("Nothing here."));
}

#[tokio::test]
async fn open_pages_are_told_the_counts_and_say_what_they_show() {
    let stage = Stage::new().await;
    let (state, room_id) = (&stage.site.state, stage.room_id);
    let address = serve(&stage.site).await;
    let mut socket = connected(&address, &stage.bob).await;
    let first = stage.say("@Bob one").await;
    assert_eq!(told(&mut socket).await, (counts(1, 1), Some(room_id)));
    stage.say("for all").await;
    let second = stage.say("@Bob two").await;
    assert_eq!(told(&mut socket).await, (counts(2, 2), Some(room_id)), "the other message is nothing to him");
    socket.send(&ClientCommand::Shown { room_id, first: second.id, last: second.id }).await;
    assert_eq!(told(&mut socket).await, (counts(1, 1), None));
    socket.send(&ClientCommand::Shown { room_id, first: second.id, last: second.id }).await;
    assert_eq!(told(&mut socket).await, (counts(1, 1), None), "the answer comes also without a change");
    socket.send(&ClientCommand::Shown { room_id: RoomId(99), first: first.id, last: second.id }).await;
    assert_eq!(told(&mut socket).await, (counts(1, 1), None), "in another room");
    memberships::mark_read(state, &stage.bob.current(), room_id, first.id).await.unwrap();
    assert_eq!(told(&mut socket).await, (counts(0, 0), None));

    // A new connection begins with the counts.
    stage.say("@Bob three").await;
    let mut late = connected(&address, &stage.bob).await;
    late.send(&ClientCommand::Shown { room_id, first: MessageId(0), last: MessageId(0) }).await;
    assert_eq!(told(&mut late).await.0, counts(1, 1));
}

#[tokio::test]
async fn whoever_is_removed_from_a_room_loses_its_entries_at_once() {
    let mut stage = Stage::new().await;
    let state = stage.site.state.clone();
    let room = stage.site.closed_room(&stage.ada, "Secret").await;
    let member = stage.site.state.members.find(&stage.ada.user, room.id).await.unwrap();
    let chosen = |ids: Vec<_>| rooms::Audience::Chosen(ids);
    let (ada, bob) = (stage.ada.user.id, stage.bob.user.id);
    rooms::change(&state, &member, "Secret".parse().unwrap(), chosen(vec![ada, bob])).await.unwrap();
    stage.site.post(&stage.ada, room.id, "@Bob, a secret word").await;
    assert!(stage.page().await.contains("a secret word"));
    let address = serve(&stage.site).await;
    let mut socket = connected(&address, &stage.bob).await;
    rooms::change(&state, &member, "Secret".parse().unwrap(), chosen(vec![ada])).await.unwrap();
    assert_eq!(told(&mut socket).await, (counts(0, 0), None));
    assert!(!stage.page().await.contains("secret"));

    rooms::change(&state, &member, "Secret".parse().unwrap(), chosen(vec![ada, bob])).await.unwrap();
    assert_eq!(stage.count().await, (0, 0), "they do not come back");
    stage.site.post(&stage.ada, room.id, "@Bob again").await;
    assert_eq!(told(&mut socket).await.0, counts(1, 1));
    rooms::remove(&state, &member).await.unwrap();
    assert_eq!(told(&mut socket).await, (counts(0, 0), None));
    jobs::run_due(&state).await.unwrap();
    assert!(stage.causes().await.is_empty());
}

#[tokio::test]
async fn an_edit_a_removal_and_a_boost_taken_back_change_the_counts_of_open_pages() {
    let stage = Stage::new().await;
    let state = &stage.site.state;
    let address = serve(&stage.site).await;
    let own = stage.site.post(&stage.bob, stage.room_id, "mine").await;
    let mut socket = connected(&address, &stage.bob).await;
    let ada = state.members.find(&stage.ada.user, stage.room_id).await.unwrap();
    let mention = stage.say("@Bob").await;
    assert_eq!(told(&mut socket).await.0, counts(1, 1));
    ops::messages::edit(state, &ada, mention.id, "nobody".parse().unwrap()).await.unwrap();
    assert_eq!(told(&mut socket).await.0, counts(0, 0));
    let answer = stage.answer(own.id).await;
    assert_eq!(told(&mut socket).await.0, counts(1, 1));
    ops::messages::remove(state, &ada, answer.id).await.unwrap();
    assert_eq!(told(&mut socket).await.0, counts(0, 0));
    stage.boost(own.id, "👍").await;
    assert_eq!(told(&mut socket).await.0, counts(1, 0));
    boosts::unboost(state, &ada, own.id, "👍".parse().unwrap()).await.unwrap();
    assert_eq!(told(&mut socket).await.0, counts(0, 0));

    // An answer that also mentions is one entry, and stays one when the mention is edited away.
    let both = stage.answer(own.id).await;
    assert_eq!(told(&mut socket).await.0, counts(1, 1));
    ops::messages::edit(state, &ada, both.id, "@Bob".parse().unwrap()).await.unwrap();
    ops::messages::edit(state, &ada, both.id, "nobody".parse().unwrap()).await.unwrap();
    assert_eq!(stage.causes().await, [(Cause::Answer, true)]);
}

#[tokio::test]
async fn a_deactivated_author_stays_named_and_a_deactivated_reader_gets_nothing() {
    let mut stage = Stage::new().await;
    let cleo = stage.site.join("Cleo").await;
    stage.site.post(&cleo, stage.room_id, "@Bob from Cleo").await;
    ops::users::deactivate(&stage.site.state, &stage.ada.administrator(), cleo.user.id).await.unwrap();
    let page = stage.page().await;
    assert!(page.contains("<bdi>Cleo</bdi>") && page.contains("from Cleo"), "{page}");
    ops::bans::ban(&stage.site.state, &stage.ada.administrator(), cleo.user.id).await.ok();
    let own = stage.site.post(&stage.bob, stage.room_id, "mine").await;
    ops::users::deactivate(&stage.site.state, &stage.ada.administrator(), stage.bob.user.id).await.unwrap();
    stage.answer(own.id).await;
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM inbox WHERE user_id = $1")
        .bind(stage.bob.user.id)
        .fetch_one(stage.site.state.db.reader())
        .await
        .unwrap();
    assert_eq!(count, 0, "his memberships of shared rooms have ended");
}

#[tokio::test]
async fn the_settings_decide_what_comes_in_and_what_the_title_counts() {
    let mut stage = Stage::new().await;
    let own = stage.site.post(&stage.bob, stage.room_id, "mine").await;
    let page = stage.bob.browser.get("/users/me/push_subscriptions").await.text();
    assert!(page.contains("What comes into your inbox") && page.contains("name=\"mention\""), "{page}");
    let form = [("_method", "put"), ("mention", "off"), ("answer", "quiet"), ("boost", "notify")];
    let saved = stage.bob.browser.post("/inbox/settings", &form).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
    stage.say("@Bob").await;
    stage.answer(own.id).await;
    stage.boost(own.id, "👍").await;
    assert_eq!(stage.causes().await, [(Cause::Boost, true), (Cause::Answer, true)]);
    assert_eq!(stage.count().await, (2, 1));
    let settings = inbox::settings(&stage.site.state, &stage.bob.current()).await.unwrap();
    assert!(settings.contains(&(Cause::Mention, Delivery::Off)) && settings.contains(&(Cause::Ping, Delivery::Notify)));
    let wrong = stage.bob.browser.post("/inbox/settings", &[("mention", "loud")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let unchanged = inbox::settings(&stage.site.state, &stage.bob.current()).await.unwrap();
    assert_eq!(unchanged, settings);
}

#[tokio::test]
async fn a_hidden_room_and_a_muted_ping_put_nothing_into_the_inbox() {
    let stage = Stage::new().await;
    let state = &stage.site.state;
    let member = state.members.find(&stage.bob.user, stage.room_id).await.unwrap();
    memberships::set_involvement(state, &member, Involvement::Invisible).await.unwrap();
    stage.say("@Bob while it is hidden").await;
    assert!(stage.causes().await.is_empty());
    let ping = rooms::ping(state, &stage.ada.current(), vec![stage.bob.user.id]).await.unwrap();
    stage.site.post(&stage.ada, ping.id, "psst").await;
    stage.site.post(&stage.ada, ping.id, "psst, again").await;
    assert_eq!(stage.causes().await, [(Cause::Ping, true)], "one until it is read");
    assert_eq!(stage.count().await, (1, 1));
    let pinged = state.members.find(&stage.bob.user, ping.id).await.unwrap();
    memberships::set_involvement(state, &pinged, Involvement::Nothing).await.unwrap();
    stage.site.post(&stage.bob, ping.id, "read").await;
    stage.site.post(&stage.ada, ping.id, "muted").await;
    assert_eq!(stage.causes().await, [(Cause::Ping, false)]);
}

#[tokio::test]
async fn entries_are_kept_for_ninety_days() {
    let stage = Stage::new().await;
    let state = &stage.site.state;
    stage.say("@Bob old").await;
    state.clock.advance(89 * 24 * 60 * 60 * 1_000);
    stage.say("@Bob young").await;
    let prune = async || {
        jobs::enqueue(state, Job::Prune).await.unwrap();
        jobs::run_due(state).await.unwrap();
    };
    prune().await;
    assert_eq!(stage.causes().await.len(), 2);
    state.clock.advance(2 * 24 * 60 * 60 * 1_000);
    prune().await;
    assert_eq!(stage.causes().await.len(), 1);
}
