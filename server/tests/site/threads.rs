//! Threads: answers by form and by call, who follows, what the room shows and counts, and what races.

use axum::http::{Method, StatusCode};
use campfire::access::Member;
use campfire::model::{
    Anchor, Answering, Cause, ClientMessageId, InboxCount, Involvement, Message, MessageId, Posted, RoomId, ThreadNews,
};
use campfire::ops::bots::BotForm;
use campfire::ops::rooms::Audience;
use campfire::protocol::{ClientCommand, ServerEvent};
use campfire::{AppError, AppResult, jobs, ops, store};
use serde_json::json;

use crate::push_service::{ORIGIN, PushService};
use crate::receiver::{Answer, Receiver};
use crate::sockets::{connected, serve};
use crate::support::{Someone, TestSite};

/// Ada and Bob in a room, with a message of Ada's that is to have answers.
struct Cast {
    site: TestSite,
    ada: Someone,
    bob: Someone,
    room_id: RoomId,
    root: Message,
}

/// Answers with distinct ids, as those of a browser.
fn new_id() -> ClientMessageId {
    ClientMessageId::v7(1, uuid::Uuid::new_v4().as_bytes()[..10].try_into().unwrap())
}

impl Cast {
    async fn new() -> Self {
        let (site, ada) = TestSite::with_ada().await;
        let bob = site.join("Bob").await;
        let room_id = site.all_talk(&ada).await;
        let root = site.post(&ada, room_id, "What do we call it?").await;
        Self { site, ada, bob, room_id, root }
    }

    async fn member(&self, someone: &Someone) -> Member {
        self.site.state.members.find(&someone.user, self.room_id).await.unwrap()
    }

    async fn try_answer(&self, someone: &Someone, to: MessageId, in_room: bool, text: &str) -> AppResult<Posted> {
        let answering = Answering { message_id: to, in_room };
        let member = self.member(someone).await;
        ops::messages::post_with_files(&self.site.state, &member, new_id(), text, Vec::new(), answering.into()).await
    }

    async fn answer(&self, someone: &Someone, in_room: bool, text: &str) -> Message {
        match self.try_answer(someone, self.root.id, in_room, text).await.unwrap() {
            Posted::Stored(message) => message,
            Posted::Removed(_) => panic!("it is new"),
        }
    }

    async fn remove(&self, message_id: MessageId) {
        ops::messages::remove(&self.site.state, &self.member(&self.ada).await, message_id).await.unwrap();
    }

    /// The ids of the messages that the room shows, and those that the thread shows.
    async fn shown(&self) -> (Vec<MessageId>, Vec<MessageId>) {
        let (state, member) = (&self.site.state, self.member(&self.ada).await);
        let room = ops::messages::room_page(state, &member, Anchor::Newest).await.unwrap();
        let thread = ops::threads::page(state, &member, self.root.id, Anchor::Newest).await.unwrap();
        let ids = |messages: &[Message]| messages.iter().map(|message| message.id).collect();
        (ids(&room.timeline.messages), ids(&thread.timeline.messages))
    }

    /// Whether somebody's sidebar shows the room unread, its mentions, and its threads with news.
    async fn marks(&self, someone: &Someone) -> (bool, u32, Vec<ThreadNews>) {
        let db = self.site.state.db.reader();
        let room = store::rooms::sidebar_entry(db, someone.user.id, self.room_id).await.unwrap().unwrap();
        (room.unread, room.mention_count, room.threads)
    }

    /// How many answers of the thread are new to somebody who follows it; `None` for others.
    async fn news(&self, someone: &Someone) -> Option<u32> {
        let (threads, _) = ops::threads::list_followed(&self.site.state, &someone.current(), None).await.unwrap();
        threads.iter().find(|thread| thread.root_id == self.root.id).map(|thread| thread.news_count)
    }

    async fn follow(&self, someone: &Someone, is_followed: bool) {
        let member = self.member(someone).await;
        ops::threads::set_followed(&self.site.state, &member, self.root.id, is_followed).await.unwrap();
    }

    fn path(&self) -> String {
        format!("/rooms/{}/threads/{}", self.room_id, self.root.id)
    }

    fn room_path(&self) -> String {
        format!("/rooms/{}", self.room_id)
    }

    async fn count(&self, query: &'static str) -> i64 {
        sqlx::query_scalar(query).fetch_one(self.site.state.db.reader()).await.unwrap()
    }
}

#[tokio::test]
async fn a_thread_is_read_and_answered_without_scripts() {
    let mut cast = Cast::new().await;
    let (path, room_path, root_id) = (cast.path(), cast.room_path(), cast.root.id.to_string());
    let menu = cast.bob.browser.get(&format!("/messages/{root_id}/menu")).await.text();
    assert!(menu.contains(&format!("href=\"{path}\"")), "the way there");
    let page = cast.bob.browser.get(&path).await.text();
    assert!(page.contains("What do we call it?") && page.contains("Thread in </span>"), "the root");
    assert!(page.contains("name=\"in_room\" checked"), "the first answer is shown in the room, too");
    assert!(!page.contains("/follow"), "nobody can follow what has no answers");

    let messages = format!("{room_path}/messages");
    let form = [("thread", root_id.as_str()), ("in_room", "on"), ("seq", "7"), ("body", "Campfire!")];
    let answer = cast.bob.browser.post(&messages, &form).await;
    assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, path.as_str()));
    cast.bob.browser.post(&messages, &form).await;
    let page = cast.ada.browser.get(&path).await.text();
    assert_eq!(page.matches("<p>Campfire!</p>").count(), 1, "the same form again is the same answer");
    assert!(!page.contains("name=\"in_room\" checked") && page.contains("Unfollow"), "{page}");
    let room = cast.ada.browser.get(&room_path).await.text();
    assert!(room.contains("<p>Campfire!</p>") && room.contains("Answer in a thread"), "shown in the room, too");
    assert!(room.contains(&format!("data-thread=\"{root_id}\" href=\"{path}\"")) && room.contains(">1 answer<"));

    cast.bob.browser.post(&messages, &[("thread", &root_id), ("seq", "8"), ("body", "or Kiln")]).await;
    let room = cast.ada.browser.get(&room_path).await.text();
    assert!(!room.contains("or Kiln") && room.contains(">2 answers<"), "the switch is off");
    let refused = cast.bob.browser.post(&messages, &[("thread", &root_id), ("in_room", "on"), ("body", " ")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let again = refused.text();
    assert!(again.contains(&format!("name=\"thread\" value=\"{root_id}\"")) && again.contains("Back to the thread"));
}

#[tokio::test]
async fn an_answer_that_the_room_shows_is_one_message() {
    let cast = Cast::new().await;
    let shown = cast.answer(&cast.bob, true, "for all, @Ada").await;
    let hidden = cast.answer(&cast.bob, false, "here alone").await;
    assert_eq!(cast.shown().await, (vec![cast.root.id, shown.id], vec![cast.root.id, shown.id, hidden.id]));
    assert_eq!(cast.count("SELECT COUNT(*) FROM mentions").await, 1);
    assert_eq!(cast.marks(&cast.ada).await.1, 1, "mentioned once");
    let (state, bob) = (&cast.site.state, cast.member(&cast.bob).await);
    ops::messages::edit(state, &bob, shown.id, "edited".parse().unwrap()).await.unwrap();
    ops::boosts::boost(state, &bob, shown.id, "👍".parse().unwrap()).await.unwrap();
    let ada = cast.member(&cast.ada).await;
    let room = ops::messages::room_page(state, &ada, Anchor::Newest).await.unwrap().timeline.messages;
    let thread = ops::threads::page(state, &ada, cast.root.id, Anchor::Newest).await.unwrap().timeline.messages;
    assert_eq!(room[1], thread[1]);
    assert_eq!((room[1].revision, room[1].boosts_html.contains("👍")), (2, true));
    cast.remove(shown.id).await;
    assert_eq!(cast.shown().await, (vec![cast.root.id], vec![cast.root.id, hidden.id]));
    assert_eq!(cast.count("SELECT answer_count FROM threads").await, 1);
}

#[tokio::test]
async fn an_answer_in_the_thread_alone_leaves_the_room_as_it_was() {
    let mut cast = Cast::new().await;
    let cleo = cast.site.join("Cleo").await;
    let (state, room_path) = (cast.site.state.clone(), cast.room_path());
    ops::memberships::mark_read(&state, &cleo.current(), cast.room_id, cast.root.id).await.unwrap();
    let before = cast.marks(&cast.bob).await;
    let answer = cast.answer(&cast.ada, false, "@Bob and @Cleo, in the thread").await;
    assert_eq!(cast.marks(&cast.bob).await, before, "neither unread nor a mention of the room");
    assert_eq!(cast.marks(&cleo).await, (false, 0, vec![]));
    let newest = "SELECT last_message_id FROM rooms WHERE id = (SELECT room_id FROM threads)";
    assert_eq!(cast.count(newest).await, cast.root.id.0);
    let later = cast.site.post(&cast.ada, cast.room_id, "in the room").await;
    assert!(cast.marks(&cleo).await.0, "the next message of the room makes it unread");
    let page =
        cast.bob.browser.call("messages/before", &json!({ "room_id": cast.room_id, "message_id": later.id })).await;
    assert!(!page.text().contains(&format!("\"id\":{}", answer.id)), "older messages of the room");
    cast.remove(later.id).await;
    assert_eq!(cast.count(newest).await, cast.root.id.0, "the newest message that the room shows");
    let mut someone = cast.site.join("Dora").await;
    let api = someone.browser.get(&format!("{room_path}?before={}", later.id.0 + 1)).await.text();
    assert!(!api.contains("in the thread"));
}

#[tokio::test]
async fn an_answer_to_an_answer_belongs_to_the_root() {
    let mut cast = Cast::new().await;
    let first = cast.answer(&cast.bob, false, "first").await;
    let Posted::Stored(second) = cast.try_answer(&cast.ada, first.id, false, "second").await.unwrap() else {
        panic!("it is new")
    };
    assert_eq!(cast.shown().await.1, [cast.root.id, first.id, second.id]);
    let wanted = format!("{}/@{}", cast.path(), first.id);
    let answer = cast.bob.browser.get(&format!("/rooms/{}/threads/{}", cast.room_id, first.id)).await;
    assert_eq!(answer.location(), wanted, "the page of an answer's thread");
    let link = cast.bob.browser.get(&format!("/rooms/{}/@{}", cast.room_id, first.id)).await;
    assert_eq!((link.status, link.location()), (StatusCode::SEE_OTHER, wanted.as_str()), "its permalink");
    let page = cast.bob.browser.get(&wanted).await.text();
    assert!(page.contains(&format!("id=\"message-{}\"", first.id)) && page.contains("aria-current=\"true\""));
    let shown = cast.answer(&cast.bob, true, "in the room").await;
    let link = cast.bob.browser.get(&format!("/rooms/{}/@{}", cast.room_id, shown.id)).await;
    assert_eq!(link.status, StatusCode::OK, "the room shows it");
}

#[tokio::test]
async fn what_is_gone_or_elsewhere_or_in_a_ping_has_no_answers() {
    let mut cast = Cast::new().await;
    let other = cast.site.closed_room(&cast.ada, "Other").await;
    let elsewhere = cast.site.post(&cast.ada, other.id, "elsewhere").await;
    let gone = cast.site.post(&cast.ada, cast.room_id, "gone").await;
    cast.remove(gone.id).await;
    for id in [elsewhere.id, gone.id, MessageId(9_999)] {
        let refused = cast.try_answer(&cast.ada, id, false, "hello").await;
        assert!(matches!(refused, Err(AppError::Conflict(_))), "{refused:?}");
        let page = cast.bob.browser.get(&format!("/rooms/{}/threads/{id}", cast.room_id)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{id}");
    }
    let state = &cast.site.state;
    let ping = ops::rooms::ping(state, &cast.ada.current(), vec![cast.bob.user.id]).await.unwrap();
    let psst = cast.site.post(&cast.ada, ping.id, "psst").await;
    let member = state.members.find(&cast.ada.user, ping.id).await.unwrap();
    let answering = Answering { message_id: psst.id, in_room: true };
    let refused = ops::messages::post_with_files(state, &member, new_id(), "hello", vec![], answering.into()).await;
    assert!(matches!(refused, Err(AppError::Invalid(_))), "{refused:?}");
    let page = cast.ada.browser.get(&format!("/rooms/{}/threads/{}", ping.id, psst.id)).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let menu = cast.ada.browser.get(&format!("/messages/{}/menu", psst.id)).await.text();
    assert!(!menu.contains(&format!("href=\"/rooms/{}/threads/{}\"", ping.id, psst.id)));
    assert_eq!(cast.count("SELECT COUNT(*) FROM threads").await, 0, "nothing was begun");
    for path in ["0", "x", "-1", "9223372036854775808", "1/x", "1/@0"] {
        let page = cast.ada.browser.get(&format!("/rooms/{}/threads/{path}", cast.room_id)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_removed_root_leaves_its_answers() {
    let mut cast = Cast::new().await;
    let first = cast.answer(&cast.bob, false, "first").await;
    cast.remove(cast.root.id).await;
    let second = cast.answer(&cast.bob, false, "written meanwhile").await;
    assert_eq!(cast.shown().await, (vec![], vec![first.id, second.id]));
    let page = cast.bob.browser.get(&cast.path()).await.text();
    assert!(page.contains("The message that began this thread was deleted."), "{page}");
    assert!(page.contains("written meanwhile") && !page.contains("What do we call it?"));
    assert!(cast.bob.browser.get("/threads").await.text().contains("A deleted message"));
    cast.remove(first.id).await;
    cast.remove(second.id).await;
    assert_eq!(cast.count("SELECT COUNT(*) FROM threads").await, 0);
    assert_eq!(
        cast.bob.browser.get(&cast.path()).await.status,
        StatusCode::NOT_FOUND,
        "with the last answer it is gone"
    );
    let late = cast.try_answer(&cast.bob, cast.root.id, false, "late").await;
    assert!(matches!(late, Err(AppError::Conflict(_))));
}

#[tokio::test]
async fn the_line_under_a_root_follows_its_answers() {
    let mut cast = Cast::new().await;
    let room_path = cast.room_path();
    let plain = cast.ada.browser.get(&room_path).await.text();
    assert!(!plain.contains("thread-line\""), "a message without answers has none");
    let answer = cast.answer(&cast.bob, false, "answer").await;
    let room = cast.ada.browser.get(&room_path).await.text();
    let face =
        format!("data-person=\"{}\">B</span></span> <span class=\"thread-line__count\">1 answer", cast.bob.user.id);
    assert!(room.contains(&face), "{room}");
    assert!(
        room.contains("title=\"New answers in a thread\"") && room.contains("data-news="),
        "the mark in the sidebar"
    );
    cast.remove(answer.id).await;
    let room = cast.ada.browser.get(&room_path).await.text();
    assert!(!room.contains("thread-line\"") && !room.contains("data-news="));
}

#[tokio::test]
async fn two_first_answers_at_once_are_two_answers_of_one_thread() {
    let cast = Cast::new().await;
    let (one, other) = tokio::join!(cast.answer(&cast.ada, true, "one"), cast.answer(&cast.bob, true, "other"));
    assert_ne!(one.id, other.id);
    assert_eq!(cast.count("SELECT COUNT(*) FROM threads").await, 1);
    assert_eq!(cast.count("SELECT answer_count FROM threads").await, 2);
    assert_eq!(cast.shown().await.1.len(), 3);
    let sum = cast.news(&cast.ada).await.unwrap() + cast.news(&cast.bob).await.unwrap();
    assert_eq!(sum, 1, "the first one is new to its reader, the author of the other has read up to his own");
}

#[tokio::test]
async fn an_answer_that_is_sent_again_is_stored_once() {
    let mut cast = Cast::new().await;
    let body = |text: &str, in_room: bool| {
        json!({
            "room_id": cast.room_id, "client_message_id": "018bcfe5-6800-7001-8203-040506070809", "body": text,
            "answering": { "message_id": cast.root.id, "in_room": in_room },
        })
    };
    let (sent, changed, elsewhere) = (body("once", false), body("twice", false), body("once", true));
    let mut in_room = sent.clone();
    in_room.as_object_mut().unwrap().remove("answering");
    let first = cast.bob.browser.call("messages/post", &sent).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let (mut one, mut other) = (cast.bob.browser.clone(), cast.bob.browser.clone());
    let (again, at_once) = tokio::join!(one.call("messages/post", &sent), other.call("messages/post", &sent));
    assert_eq!((again.text(), at_once.text()), (first.text(), first.text()));
    for other in [changed, elsewhere, in_room] {
        assert_eq!(cast.bob.browser.call("messages/post", &other).await.status, StatusCode::CONFLICT, "{other}");
    }
    assert_eq!(cast.count("SELECT answer_count FROM threads").await, 1);
    assert_eq!(cast.count("SELECT COUNT(*) FROM events WHERE kind = 'message_posted'").await, 2);
    cast.follow(&cast.bob, false).await;
    cast.bob.browser.call("messages/post", &sent).await;
    assert_eq!(cast.news(&cast.bob).await, None, "an old answer sent again follows nothing");
    let id = cast.shown().await.1[1];
    cast.remove(id).await;
    let late = cast.bob.browser.call("messages/post", &sent).await;
    assert!(late.status == StatusCode::OK && late.text().contains("removed"), "{}", late.text());
    assert_eq!(cast.site.db_message_count().await, 1);
}

#[tokio::test]
async fn writing_and_the_authorship_of_the_root_follow_and_nothing_else() {
    let mut cast = Cast::new().await;
    let cleo = cast.site.join("Cleo").await;
    cast.answer(&cast.bob, false, "one, @Cleo").await;
    assert_eq!((cast.news(&cast.ada).await, cast.news(&cast.bob).await), (Some(1), Some(0)));
    assert_eq!(cast.news(&cleo).await, None, "a mention follows nothing");
    cast.answer(&cast.bob, false, "two").await;
    let news = vec![ThreadNews { root_id: cast.root.id, count: 2 }];
    assert_eq!(cast.marks(&cast.ada).await.2, news);
    let page = cast.ada.browser.get(&cast.path()).await.text();
    assert!(page.contains("data-new"), "the line before what is new");
    // The page marks as read once it was answered.
    while cast.news(&cast.ada).await != Some(0) {
        tokio::task::yield_now().await;
    }
    assert_eq!(cast.marks(&cast.ada).await.2, []);

    let follow = format!("{}/follow", cast.path());
    let done = cast.ada.browser.post(&follow, &[("_method", "delete")]).await;
    assert_eq!((done.status, done.location()), (StatusCode::SEE_OTHER, cast.path().as_str()));
    cast.answer(&cast.bob, false, "three").await;
    assert_eq!(cast.news(&cast.ada).await, None, "one click, and it stays so");
    assert!(cast.ada.browser.get(&cast.path()).await.text().contains("Follow</button>"));
    cast.ada.browser.post(&follow, &[("_method", "put")]).await;
    assert_eq!(cast.news(&cast.ada).await, Some(0), "what was there before is not new");
    cast.ada.browser.send(Method::DELETE, &follow, &[], axum::body::Body::empty()).await;
    cast.answer(&cast.ada, false, "four").await;
    assert_eq!(cast.news(&cast.ada).await, Some(0), "writing follows");
    let nothing = cast.site.post(&cast.ada, cast.room_id, "no answers").await;
    let path = format!("/rooms/{}/threads/{}/follow", cast.room_id, nothing.id);
    assert_eq!(cast.bob.browser.post(&path, &[("_method", "put")]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn who_unfollows_while_an_answer_is_on_its_way_hears_of_it_or_does_not() {
    let cast = Cast::new().await;
    cast.answer(&cast.bob, false, "first").await;
    for round in 0..50 {
        cast.follow(&cast.ada, true).await;
        let text = format!("round {round}");
        tokio::join!(cast.follow(&cast.ada, false), cast.answer(&cast.bob, false, &text));
        assert_eq!((cast.news(&cast.ada).await, cast.marks(&cast.ada).await.2), (None, vec![]));
    }
}

#[tokio::test]
async fn a_membership_that_ends_takes_the_threads_with_it() {
    let mut cast = Cast::new().await;
    let state = cast.site.state.clone();
    let room = cast.site.closed_room(&cast.ada, "Designers").await;
    let ada = state.members.find(&cast.ada.user, room.id).await.unwrap();
    let everyone = Audience::Chosen(vec![cast.ada.user.id, cast.bob.user.id]);
    ops::rooms::change(&state, &ada, "Designers".parse().unwrap(), everyone).await.unwrap();
    cast.room_id = room.id;
    cast.root = cast.site.post(&cast.bob, room.id, "root").await;
    let bob = cast.member(&cast.bob).await;
    cast.answer(&cast.ada, false, "news for Bob").await;
    assert_eq!(cast.news(&cast.bob).await, Some(1));
    let alone = Audience::Chosen(vec![cast.ada.user.id]);
    ops::rooms::change(&state, &ada, "Designers".parse().unwrap(), alone).await.unwrap();
    assert_eq!(cast.news(&cast.bob).await, None);
    let answering = Answering { message_id: cast.root.id, in_room: false };
    let late = ops::messages::post_with_files(&state, &bob, new_id(), "late", vec![], answering.into()).await;
    assert_eq!(late, Err(AppError::NotFound));
    assert_eq!(ops::threads::set_followed(&state, &bob, cast.root.id, true).await, Err(AppError::NotFound));
    let page = cast.bob.browser.get(&cast.path()).await;
    assert_eq!(page.location(), "/?notice=room-missing");
    assert!(!cast.bob.browser.get("/threads").await.text().contains("root"));
    cast.answer(&cast.ada, false, "still there").await;
    assert_eq!(cast.shown().await.1.len(), 3);
}

#[tokio::test]
async fn a_long_thread_is_read_in_pages_and_begins_with_its_root() {
    let mut cast = Cast::new().await;
    let mut ids = vec![cast.root.id];
    for number in 0..90 {
        ids.push(cast.answer(&cast.bob, number % 10 == 0, &format!("answer {number}")).await.id);
    }
    let (state, ada, root_id) = (cast.site.state.clone(), cast.member(&cast.ada).await, cast.root.id);
    let page = async |anchor| ops::threads::page(&state, &ada, root_id, anchor).await.unwrap();
    let shown = |page: &campfire::protocol::RoomPage| -> Vec<MessageId> {
        page.timeline.messages.iter().map(|message| message.id).collect()
    };
    let newest = page(Anchor::Newest).await;
    assert_eq!((shown(&newest), newest.timeline.has_older), (ids[51..].to_vec(), true));
    assert_eq!(newest.first_unread, Some(ids[1]), "the author of the root has read nothing");
    let middle = page(Anchor::Around(ids[46])).await;
    assert_eq!((shown(&middle), middle.target), (ids[6..=86].to_vec(), Some(ids[46])));
    assert!(middle.timeline.has_older && middle.timeline.has_newer);
    let root = page(Anchor::Around(root_id)).await;
    assert_eq!((shown(&root), root.target), (ids[..=40].to_vec(), Some(root_id)));
    let before = page(Anchor::Before(ids[20])).await;
    assert_eq!((shown(&before), before.timeline.has_older), (ids[..20].to_vec(), false));
    let elsewhere = cast.site.post(&cast.ada, cast.room_id, "of the room").await;
    assert_eq!(page(Anchor::Around(elsewhere.id)).await.target, None);

    let call = json!({ "room_id": cast.room_id, "message_id": ids[51], "thread": root_id });
    let older = cast.ada.browser.call("messages/before", &call).await.text();
    assert!(older.contains("\"has_more\":true") && !older.contains("What do we call it?"));
    let call = json!({ "room_id": cast.room_id, "message_id": ids[11], "thread": root_id });
    let oldest = cast.ada.browser.call("messages/before", &call).await.text();
    assert!(oldest.contains("\"has_more\":false") && oldest.contains("What do we call it?"), "it begins with the root");
    let html = cast.ada.browser.get(&cast.path()).await.text();
    assert!(html.contains(&format!("href=\"{}?before={}\"", cast.path(), ids[51])), "without scripts");
}

#[tokio::test]
async fn a_thread_of_ten_thousand_answers_is_read_by_its_index() {
    let cast = Cast::new().await;
    cast.answer(&cast.bob, false, "first").await;
    let root_id = cast.root.id;
    let many = async move |tx: &mut store::Tx| {
        let insert = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
                      INSERT INTO messages (room_id, creator_id, client_message_id, sent_digest, body_source, body_html,
                             body_text, render_version, created_at, updated_at, thread_root_id, in_thread_only)
                      SELECT room_id, (SELECT MAX(id) FROM users), printf('018bcfe5-6800-7001-8203-%012d', n), x'', '', '<p>' || n || '</p>', '', 1, n, n, $1, TRUE
                        FROM messages, numbers WHERE messages.id = $1";
        sqlx::query(insert).bind(root_id).execute(tx.db()).await?;
        sqlx::query("UPDATE threads SET answer_count = 10001, last_answer_id = (SELECT MAX(id) FROM messages)")
            .execute(tx.db())
            .await?;
        Ok(())
    };
    cast.site.state.db.write(many).await.unwrap();
    let (in_room, in_thread) = cast.shown().await;
    assert_eq!((in_room, in_thread.len()), (vec![root_id], 40));
    for (query, index) in [
        (
            "SELECT id FROM messages WHERE thread_root_id = 1 AND id < 5000 ORDER BY id DESC LIMIT 41",
            "messages_thread (thread_root_id=? AND id<?)",
        ),
        (
            "SELECT id FROM messages WHERE room_id = 1 AND in_thread_only = FALSE AND id < 5000 ORDER BY id DESC LIMIT 41",
            "messages_room (room_id=? AND in_thread_only=? AND id<?)",
        ),
        (
            "SELECT 1 FROM messages WHERE thread_root_id = 1 AND id > 5 AND creator_id <> 2 LIMIT 99",
            "COVERING INDEX messages_thread (thread_root_id=? AND id>?)",
        ),
    ] {
        let plan: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}")))
                .fetch_all(cast.site.state.db.reader())
                .await
                .unwrap();
        assert_eq!(plan.len(), 1, "nothing is sorted: {plan:?}");
        assert!(plan[0].3.contains(index), "{plan:?}");
    }
    assert_eq!(cast.news(&cast.ada).await, Some(99));
    let last = cast.answer(&cast.ada, false, "the last one").await;
    cast.remove(last.id).await;
    assert_eq!(cast.count("SELECT answer_count FROM threads").await, 10_001);
}

#[tokio::test]
async fn a_thousand_followers_have_one_row_each() {
    let cast = Cast::new().await;
    cast.answer(&cast.bob, false, "first").await;
    cast.site.db_crowd(1_000).await;
    let (room_id, root_id) = (cast.room_id, cast.root.id);
    let follow = async move |tx: &mut store::Tx| {
        sqlx::query("INSERT INTO memberships (room_id, user_id, created_at) SELECT $1, id, 1 FROM users WHERE TRUE ON CONFLICT DO NOTHING")
            .bind(room_id)
            .execute(tx.db())
            .await?;
        sqlx::query(
            "INSERT INTO thread_follows (user_id, root_id, room_id) SELECT id, $1, $2 FROM users WHERE TRUE
             ON CONFLICT DO NOTHING",
        )
        .bind(root_id)
        .bind(room_id)
        .execute(tx.db())
        .await?;
        Ok(())
    };
    cast.site.state.db.write(follow).await.unwrap();
    for number in 0..3 {
        cast.answer(&cast.bob, false, &format!("answer {number}")).await;
    }
    assert_eq!(cast.count("SELECT COUNT(*) FROM thread_follows").await, 1_002);
    assert_eq!(cast.count("SELECT COUNT(*) FROM thread_follows WHERE unread").await, 1_001);
}

#[tokio::test]
async fn an_answer_is_found_and_its_result_leads_into_the_thread() {
    let mut cast = Cast::new().await;
    let answer = cast.answer(&cast.bob, false, "a salamander").await;
    let page = cast.ada.browser.get("/searches?q=salamander").await.text();
    let link = format!("/rooms/{}/@{}", cast.room_id, answer.id);
    assert!(page.contains(&link), "{page}");
    let answer = cast.ada.browser.get(&link).await;
    assert!(answer.location().starts_with(&cast.path()), "{}", answer.location());
    let mut outsider = cast.site.join("Eve").await;
    let room = cast.site.closed_room(&cast.ada, "Designers").await;
    let root = cast.site.post(&cast.ada, room.id, "root").await;
    let page = outsider.browser.get(&format!("/rooms/{}/threads/{}", room.id, root.id)).await;
    assert_eq!(page.location(), "/?notice=room-missing", "outsiders learn nothing");
}

#[tokio::test]
async fn only_a_mention_in_a_thread_is_pushed_and_it_leads_to_the_answer() {
    let cast = Cast::new().await;
    let cleo = cast.site.join("Cleo").await;
    let service = PushService::new(&cast.site).await;
    service.register(&cast.site, &cast.bob, 1).await;
    service.register(&cast.site, &cleo, 2).await;
    let bob = cast.member(&cast.bob).await;
    ops::memberships::set_involvement(&cast.site.state, &bob, Involvement::Everything).await.unwrap();
    cast.answer(&cast.ada, false, "an answer").await;
    jobs::run_due(&cast.site.state).await.unwrap();
    assert!(service.received().is_empty(), "not even to whom every message of the room is sent");
    let answer = cast.answer(&cast.ada, false, "@Cleo and @Bob and @Nobody").await;
    jobs::run_due(&cast.site.state).await.unwrap();
    let received = service.received();
    assert_eq!(received.iter().map(|push| push.device).collect::<Vec<_>>(), [1, 2]);
    let link = format!("{ORIGIN}{}/@{}", cast.path(), answer.id);
    assert!(received.iter().all(|push| push.message["notification"]["navigate"] == link));
    cast.answer(&cast.ada, true, "for the room").await;
    jobs::run_due(&cast.site.state).await.unwrap();
    assert_eq!(service.devices(), [1], "what the room shows is a message of the room");
}

#[tokio::test]
async fn a_mention_in_a_thread_reaches_members_only() {
    let cast = Cast::new().await;
    let state = &cast.site.state;
    let room = cast.site.closed_room(&cast.ada, "Designers").await;
    let root = cast.site.post(&cast.ada, room.id, "root").await;
    let member = state.members.find(&cast.ada.user, room.id).await.unwrap();
    let answering = Answering { message_id: root.id, in_room: false };
    let answer =
        ops::messages::post_with_files(state, &member, new_id(), "@Bob?", vec![], answering.into()).await.unwrap();
    let Posted::Stored(answer) = answer else { panic!("it is new") };
    assert!(!answer.body_html.contains("mention"), "{}", answer.body_html);
}

#[tokio::test]
async fn a_ban_removes_answers_and_what_counts_them() {
    let cast = Cast::new().await;
    let kept = cast.answer(&cast.ada, false, "kept").await;
    cast.answer(&cast.bob, false, "spam").await;
    cast.answer(&cast.bob, true, "spam for all").await;
    ops::bans::ban(&cast.site.state, &cast.ada.administrator(), cast.bob.user.id).await.unwrap();
    jobs::run_due(&cast.site.state).await.unwrap();
    assert_eq!(cast.shown().await, (vec![cast.root.id], vec![cast.root.id, kept.id]));
    assert_eq!(cast.count("SELECT answer_count FROM threads").await, 1);
    assert_eq!(cast.news(&cast.ada).await, Some(0));
}

#[tokio::test]
async fn a_room_that_is_removed_takes_its_threads_along() {
    let cast = Cast::new().await;
    let (state, room) = (&cast.site.state, cast.site.closed_room(&cast.ada, "Designers").await);
    let root = cast.site.post(&cast.ada, room.id, "root").await;
    let member = state.members.find(&cast.ada.user, room.id).await.unwrap();
    for in_room in [true, false] {
        let answering = Answering { message_id: root.id, in_room };
        ops::messages::post_with_files(state, &member, new_id(), "answer", vec![], answering.into()).await.unwrap();
    }
    ops::rooms::remove(state, &member).await.unwrap();
    jobs::run_due(state).await.unwrap();
    assert_eq!(cast.count("SELECT (SELECT COUNT(*) FROM threads) + (SELECT COUNT(*) FROM thread_follows)").await, 0);
    assert_eq!(cast.site.db_message_count().await, 1);
}

#[tokio::test]
async fn the_list_has_threads_with_news_first_and_those_of_the_reader_alone() {
    let mut cast = Cast::new().await;
    let mut roots = Vec::new();
    for number in 0..45 {
        cast.root = cast.site.post(&cast.ada, cast.room_id, &format!("root {number}")).await;
        roots.push(cast.root.clone());
        cast.answer(&cast.bob, false, &format!("answer {number}")).await;
        if number != 3 {
            let current = cast.ada.current();
            let (state, root_id) = (&cast.site.state, cast.root.id);
            ops::threads::mark_read(state, &current, cast.room_id, root_id, MessageId(i64::MAX)).await.unwrap();
        }
    }
    let page = cast.ada.browser.get("/threads").await.text();
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} in {page}"));
    assert!(at(": root 3<") < at(": root 44<") && at(": root 44<") < at(": root 43<"), "news first, then the latest");
    assert!(!page.contains(": root 5<"));
    let next = page.split("href=\"/threads?after=").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    let rest = cast.ada.browser.get(&format!("/threads?after={next}")).await.text();
    assert!(
        rest.contains(": root 5<")
            && rest.contains(": root 0<")
            && !rest.contains(": root 6<")
            && !rest.contains(": root 3<")
    );
    assert!(!rest.contains("Earlier threads"));
    let mut cleo = cast.site.join("Cleo").await;
    let page = cleo.browser.get("/threads").await.text();
    assert!(page.contains("No threads yet") && !page.contains("root "));
    assert!(cast.site.browser().get("/threads").await.location().starts_with("/session/new"), "signed out");
    for after in ["", "x", "new-", "new-x", "read--1"] {
        assert_eq!(cleo.browser.get(&format!("/threads?after={after}")).await.status, StatusCode::OK, "{after}");
    }
}

#[tokio::test]
async fn answers_arrive_live_and_after_a_gap_and_do_not_mark_the_room() {
    let cast = Cast::new().await;
    let room_id = cast.room_id;
    let address = serve(&cast.site).await;
    let cursor = async || store::events::room_cursor(cast.site.state.db.reader(), room_id).await.unwrap();
    let mut ada = connected(&address, &cast.ada).await;
    let mut bob = connected(&address, &cast.bob).await;
    let before = cursor().await;
    bob.send(&ClientCommand::Focus { room_id, cursor: before.clone() }).await;
    bob.receive_until(|event| matches!(event, ServerEvent::CaughtUp { .. })).await;
    let hidden = cast.answer(&cast.bob, false, "hidden").await;
    let shown = cast.answer(&cast.bob, true, "shown").await;
    let member = cast.member(&cast.bob).await;
    ops::messages::edit(&cast.site.state, &member, hidden.id, "hidden, edited".parse().unwrap()).await.unwrap();
    let is_edit = |event: &ServerEvent| matches!(event, ServerEvent::ThreadAnswer { is_new: false, .. });
    let events = bob.receive_until(is_edit).await;
    let posted: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            ServerEvent::MessagePosted { message, .. } => Some(message.id),
            _ => None,
        })
        .collect();
    assert_eq!(posted, [shown.id], "as messages of the room, those that it shows");
    let answers = events.iter().filter(
        |event| matches!(event, ServerEvent::ThreadAnswer { root_id, is_new: true, .. } if *root_id == cast.root.id),
    );
    assert_eq!(answers.count(), 2);
    let lines = events.iter().filter(
        |event| matches!(event, ServerEvent::MessageExtended { message_id, .. } if *message_id == cast.root.id),
    );
    assert_eq!(lines.count(), 2, "the line under the root");
    assert!(!events.iter().any(|event| matches!(event, ServerEvent::MessageEdited { .. })));

    // Ada follows as the author of the root, and has no room in view.
    let is_second =
        |event: &ServerEvent| matches!(event, ServerEvent::Unread { message_id, .. } if *message_id == shown.id);
    let mut events = ada.receive_until(is_second).await;
    assert!(
        !events.iter().any(|event| matches!(event, ServerEvent::Unread { message_id, .. } if *message_id == hidden.id))
    );
    while events
        .iter()
        .filter(|event| matches!(event, ServerEvent::ThreadNews { count: 1, is_total: false, .. }))
        .count()
        < 2
    {
        events.push(ada.receive().await.unwrap());
    }
    ada.send(&ClientCommand::ReadThread { room_id, root_id: cast.root.id, message_id: shown.id }).await;
    ada.receive_until(|event| matches!(event, ServerEvent::ThreadNews { count: 0, is_total: true, .. })).await;
    assert_eq!(cast.news(&cast.ada).await, Some(0));

    cast.remove(cast.root.id).await;
    ada.send(&ClientCommand::Focus { room_id, cursor: before }).await;
    let caught_up = ada.receive_until(|event| matches!(event, ServerEvent::CaughtUp { .. })).await;
    let kinds: Vec<_> = caught_up
        .iter()
        .filter_map(|event| match event {
            ServerEvent::MessageEdited { message, .. } => Some(("room", message.id)),
            ServerEvent::ThreadAnswer { message, is_new: false, .. } => Some(("thread", message.id)),
            ServerEvent::MessageRemoved { message_id, .. } => Some(("gone", *message_id)),
            _ => None,
        })
        .collect();
    let expected = [("gone", cast.root.id), ("thread", hidden.id), ("thread", shown.id), ("room", shown.id)];
    assert_eq!(kinds, expected);
}

#[tokio::test]
async fn an_answer_in_a_followed_thread_is_in_the_inbox_until_the_thread_is_read() {
    let cast = Cast::new().await;
    let cleo = cast.site.join("Cleo").await;
    let (state, room_id, root_id) = (&cast.site.state, cast.room_id, cast.root.id);
    let entries = async |someone: &Someone| -> Vec<(Cause, MessageId, bool)> {
        let (entries, _) = ops::inbox::page(state, &someone.current(), None).await.unwrap();
        entries.into_iter().map(|entry| (entry.cause, entry.message_id, entry.unread)).collect()
    };
    let first = cast.answer(&cast.bob, false, "one").await.id;
    let second = cast.answer(&cast.bob, false, "two, @Ada and @Cleo").await.id;
    let shown = cast.answer(&cast.bob, true, "three").await.id;
    let all = |unread| {
        vec![
            (Cause::ThreadAnswer, shown, unread),
            (Cause::Mention, second, unread),
            (Cause::ThreadAnswer, first, unread),
        ]
    };
    assert_eq!(entries(&cast.ada).await, all(true), "a message is one entry, of its first cause");
    assert_eq!(entries(&cast.bob).await, [], "not of one's own");
    ops::inbox::mark_shown(state, &cleo.current(), room_id, (root_id, shown)).await.unwrap();
    assert_eq!(entries(&cleo).await, [(Cause::Mention, second, true)], "the room does not show it");
    ops::threads::mark_read(state, &cleo.current(), room_id, root_id, first).await.unwrap();
    assert_eq!(entries(&cleo).await, [(Cause::Mention, second, true)], "not read so far");
    ops::threads::mark_read(state, &cleo.current(), room_id, root_id, second).await.unwrap();
    assert_eq!(entries(&cleo).await, [(Cause::Mention, second, false)], "without following it");
    ops::threads::mark_read(state, &cast.ada.current(), room_id, root_id, shown).await.unwrap();
    assert_eq!(entries(&cast.ada).await, all(false));

    cast.follow(&cast.ada, false).await;
    cast.answer(&cast.bob, false, "four").await;
    assert_eq!(entries(&cast.ada).await.len(), 3, "no longer followed");
    cast.remove(second).await;
    assert_eq!((entries(&cast.ada).await.len(), entries(&cleo).await.len()), (2, 0));

    let unseen = cast.answer(&cast.bob, false, "@Cleo, in the thread").await.id;
    let later = cast.site.post(&cast.bob, room_id, "@Cleo, in the room").await.id;
    ops::memberships::mark_read(state, &cleo.current(), room_id, later).await.unwrap();
    let of_cleo = [(Cause::Mention, later, false), (Cause::Mention, unseen, true)];
    assert_eq!(entries(&cleo).await, of_cleo, "reading the room does not read the thread");
    let elsewhere = cast.site.closed_room(&cast.ada, "Elsewhere").await.id;
    ops::threads::mark_read(state, &cleo.current(), elsewhere, root_id, unseen).await.unwrap();
    assert_eq!(entries(&cleo).await, of_cleo, "a thread of another room");
    ops::threads::mark_read(state, &cleo.current(), room_id, root_id, MessageId(i64::MAX)).await.unwrap();
    assert_eq!(entries(&cleo).await[1], (Cause::Mention, unseen, false));
}

#[tokio::test]
async fn what_a_thread_alone_shows_is_counted_in_a_tab_that_shows_the_room() {
    let cast = Cast::new().await;
    let room_id = cast.room_id;
    let mut ada = connected(&serve(&cast.site).await, &cast.ada).await;
    let mut received = async |wanted: u32| {
        let is_wanted = |event: &ServerEvent| matches!(event, ServerEvent::Inbox { .. });
        match ada.receive_until(is_wanted).await.pop() {
            Some(ServerEvent::Inbox { count: InboxCount { unread, .. }, room_id }) => {
                assert_eq!(unread, wanted);
                room_id
            }
            _ => None,
        }
    };
    // With the room, a tab that shows it waits until it has reported what it shows.
    cast.answer(&cast.bob, false, "in the thread").await;
    assert_eq!(received(1).await, None);
    cast.answer(&cast.bob, true, "in the room, too").await;
    assert_eq!(received(2).await, Some(room_id));
    let own = cast.answer(&cast.ada, false, "mine").await;
    let bob = cast.member(&cast.bob).await;
    ops::boosts::boost(&cast.site.state, &bob, own.id, "👍".parse().unwrap()).await.unwrap();
    assert_eq!(received(3).await, None);
    ops::boosts::boost(&cast.site.state, &bob, cast.root.id, "👍".parse().unwrap()).await.unwrap();
    assert_eq!(received(4).await, Some(room_id));
}

#[tokio::test]
async fn a_mention_in_a_thread_is_pushed_to_whoever_has_the_room_in_view() {
    let cast = Cast::new().await;
    let (state, room_id) = (&cast.site.state, cast.room_id);
    let service = PushService::new(&cast.site).await;
    service.register(&cast.site, &cast.bob, 1).await;
    let mut bob = connected(&serve(&cast.site).await, &cast.bob).await;
    let cursor = store::events::room_cursor(state.db.reader(), room_id).await.unwrap();
    bob.send(&ClientCommand::Focus { room_id, cursor }).await;
    bob.send(&ClientCommand::Present).await;
    while !state.live.is_viewing(cast.bob.user.id, room_id) {
        tokio::task::yield_now().await;
    }
    cast.site.post(&cast.ada, room_id, "@Bob sees this").await;
    cast.answer(&cast.ada, true, "@Bob sees this, too").await;
    jobs::run_due(state).await.unwrap();
    assert!(service.received().is_empty(), "the room shows it");
    cast.answer(&cast.ada, false, "@Bob does not see this").await;
    jobs::run_due(state).await.unwrap();
    assert_eq!(service.received().len(), 1);
}

#[tokio::test]
async fn a_reply_to_an_answer_and_a_text_whose_answer_is_gone_stay_in_the_thread_without_scripts() {
    let mut cast = Cast::new().await;
    let (path, room_path, root_id) = (cast.path(), cast.room_path(), cast.root.id);
    let hidden = cast.answer(&cast.bob, false, "hidden").await.id;
    let shown = cast.answer(&cast.bob, true, "shown").await.id;
    let thread = format!("name=\"thread\" value=\"{root_id}\"");
    let cancel_to = |path: &str| format!("<a href=\"{path}\" class=\"button button--plain\">Cancel");
    let cancel = cancel_to(&path);
    let reply = cast.bob.browser.get(&format!("{room_path}/messages/{hidden}/reply")).await.text();
    assert!(reply.contains(&thread) && !reply.contains("in_room") && reply.contains(&cancel), "{reply}");
    assert!(reply.contains(&format!("action=\"{room_path}/messages\"")), "{reply}");
    let reply = cast.bob.browser.get(&format!("{room_path}/messages/{shown}/reply")).await.text();
    assert!(!reply.contains("name=\"thread\"") && reply.contains(&cancel_to(&room_path)));

    let stored = format!("{room_path}/messages/{hidden}");
    let edit = cast.bob.browser.get(&format!("{stored}/edit")).await.text();
    assert!(edit.contains(&thread) && edit.contains(&cancel), "{edit}");
    let root = root_id.to_string();
    let form = [("_method", "put"), ("thread", root.as_str()), ("body", "changed")];
    let blank = [("_method", "put"), ("thread", root.as_str()), ("body", " ")];
    assert_eq!(cast.bob.browser.post(&stored, &form).await.status, StatusCode::SEE_OTHER);
    cast.remove(hidden).await;
    let late = cast.bob.browser.post(&stored, &form).await;
    assert_eq!(late.status, StatusCode::NOT_FOUND);
    let page = late.text();
    assert!(page.contains("changed") && page.contains(&thread) && page.contains("Back to the thread"), "{page}");
    let again = cast.bob.browser.post(&format!("{room_path}/messages"), &form[1..]).await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, path.as_str()));
    let changed = cast.shown().await.1[2];
    let refused = cast.bob.browser.post(&format!("{room_path}/messages/{changed}"), &blank).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains(&thread));
}

#[tokio::test]
async fn the_room_is_marked_unread_from_its_own_messages_alone() {
    let mut cast = Cast::new().await;
    let hidden = cast.answer(&cast.bob, false, "hidden").await.id;
    let shown = cast.answer(&cast.bob, true, "shown").await.id;
    for (id, can_be_unread) in [(hidden, false), (shown, true), (cast.root.id, true)] {
        let menu = cast.ada.browser.get(&format!("/messages/{id}/menu")).await.text();
        let form = format!("action=\"{}/messages/{id}/unread\"", cast.room_path());
        assert_eq!(menu.contains(&form), can_be_unread, "{id}");
    }
}

#[tokio::test]
async fn forms_that_differ_in_where_they_answer_are_different_messages() {
    let mut cast = Cast::new().await;
    let messages = format!("{}/messages", cast.room_path());
    let mut other = cast.root.id;
    while other.0 < cast.root.id.0 * 10 + 1 {
        other = cast.site.post(&cast.ada, cast.room_id, "another root").await.id;
    }
    let (root, other) = (cast.root.id.to_string(), other.to_string());
    assert_eq!(other, format!("{root}1"));
    // Without something between them, this text in one thread would read like "a" in the other.
    let joined = "a1".to_owned();
    let (root, other, joined) = (root.as_str(), other.as_str(), joined.as_str());
    for form in [
        vec![("seq", "7"), ("body", "a")],
        vec![("seq", "7"), ("body", "a"), ("thread", root)],
        vec![("seq", "7"), ("body", "a"), ("thread", root), ("in_room", "on")],
        vec![("seq", "7"), ("body", "a"), ("thread", other)],
        vec![("seq", "7"), ("body", joined), ("thread", root)],
        vec![("seq", "7"), ("body", joined)],
    ] {
        let before = cast.site.db_message_count().await;
        for _ in 0..2 {
            let posted = cast.bob.browser.post(&messages, &form).await;
            assert_eq!(posted.status, StatusCode::SEE_OTHER, "{form:?}");
        }
        assert_eq!(cast.site.db_message_count().await, before + 1, "{form:?}");
    }
}

#[tokio::test]
async fn a_bot_replies_where_it_was_mentioned() {
    let receiver = Receiver::new(&[
        Answer::Of(200, "text/plain", b"in the thread"),
        Answer::Of(200, "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
        Answer::Of(200, "text/plain", b"in both"),
        Answer::Of(200, "text/plain", b"in the room"),
    ])
    .await;
    let cast = Cast::new().await;
    let state = &cast.site.state;
    let webhook_url = ops::webhooks::parse_url(&receiver.url).unwrap();
    let form = BotForm { name: "CI".parse().unwrap(), webhook_url, commands: Vec::new() };
    ops::bots::create(state, &cast.ada.administrator(), form).await.unwrap();
    let mut replies = Vec::new();
    for in_room in [Some(false), Some(false), Some(true), None] {
        match in_room {
            Some(in_room) => cast.answer(&cast.bob, in_room, "@CI status?").await,
            None => cast.site.post(&cast.bob, cast.room_id, "@CI status?").await,
        };
        jobs::run_due(state).await.unwrap();
        let (in_room, in_thread) = cast.shown().await;
        let newest = *in_room.iter().chain(&in_thread).max().unwrap();
        replies.push((in_room.contains(&newest), in_thread.contains(&newest)));
    }
    assert_eq!(receiver.received().len(), 4, "what a bot replies triggers none");
    assert_eq!(replies, [(false, true), (false, true), (true, true), (true, false)]);
    assert_eq!(cast.site.db_message_count().await, 9);
}
