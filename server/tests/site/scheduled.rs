//! Messages that are sent at a time that their writer chose: once, by the way of all others.

use axum::http::StatusCode;
use campfire::access::Member;
use campfire::model::{ClientMessageId, Draft, MAX_SCHEDULED, RoomId, Scheduled, ScheduledState, Status};
use campfire::ops::rooms::Audience;
use campfire::{AppError, jobs, ops};

use crate::push_service::PushService;
use crate::support::{Someone, TestSite};

const HOUR_MS: i64 = 60 * 60 * 1_000;

fn id(number: u64) -> ClientMessageId {
    ClientMessageId::v7(number, [9; 10])
}

async fn member(site: &TestSite, someone: &Someone, room_id: RoomId) -> Member {
    site.state.members.find(&someone.current(), room_id).await.unwrap()
}

/// Schedules a text in an hour.
async fn schedule(site: &TestSite, someone: &Someone, room_id: RoomId, number: u64, text: &str) -> i64 {
    let send_at = site.state.clock.now_ms() + HOUR_MS;
    let member = member(site, someone, room_id).await;
    ops::scheduled::schedule(&site.state, &member, id(number), text, send_at).await.unwrap()
}

async fn list(site: &TestSite, someone: &Someone) -> Vec<Scheduled> {
    ops::scheduled::list(&site.state, &someone.current()).await.unwrap()
}

async fn texts(site: &TestSite, someone: &Someone, room_id: RoomId) -> Vec<String> {
    let member = member(site, someone, room_id).await;
    let page = ops::api::page(&site.state, &member, ops::api::Range::Newest).await.unwrap();
    page.messages.into_iter().map(|message| message.plain_text).collect()
}

async fn run(site: &TestSite) {
    jobs::run_due(&site.state).await.unwrap();
}

#[tokio::test]
async fn a_message_is_sent_at_its_time_and_its_text_is_kept_by_the_message_alone() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let path = format!("/rooms/{room_id}/scheduled");
    assert!(ada.browser.get(&format!("{path}/new")).await.text().contains("In All Talk"));
    let fields = [("body", "good *morning* @Bob"), ("when", "tomorrow"), ("zone", "Asia/Kathmandu")];
    assert_eq!(ada.browser.post(&path, &fields).await.location(), "/scheduled");
    let html = ada.browser.get("/scheduled").await.text();
    assert!(html.contains("good *morning* @Bob") && html.contains("2023-11-15T03:15:00Z"), "{html}");
    run(&site).await;
    assert!(texts(&site, &bob, room_id).await.is_empty());
    // 22:13:20 to 3:15.
    site.state.clock.advance(5 * HOUR_MS + 2 * 60_000);
    run(&site).await;
    run(&site).await;
    assert_eq!(texts(&site, &bob, room_id).await, ["good morning @Bob"]);
    let [sent] = &list(&site, &ada).await[..] else { panic!("one") };
    assert!(matches!(sent.state, ScheduledState::Sent { .. }) && sent.body.is_empty() && !sent.is_late());
    let stored: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM scheduled_messages WHERE body LIKE '%morning%'")
        .fetch_one(site.state.db.reader())
        .await
        .unwrap();
    assert_eq!(stored, 0);
}

#[tokio::test]
async fn a_crash_between_the_post_and_the_end_of_its_job_sends_nothing_twice() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let scheduled_id = schedule(&site, &ada, room_id, 1, "once").await;
    site.state.clock.advance(HOUR_MS);
    // What the job does up to the crash: it begins, and posts.
    let now_ms = site.state.clock.now_ms();
    let begin = async move |tx: &mut campfire::store::Tx| {
        tx.changes_nothing_visible();
        Ok(campfire::store::scheduled::begin(tx.db(), scheduled_id, now_ms).await?)
    };
    site.state.db.write(begin).await.unwrap();
    let writer = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::messages::post(&site.state, &writer, id(1), "once".parse::<Draft>().unwrap()).await.unwrap();
    let refused = ops::scheduled::change(&site.state, &ada.current(), scheduled_id, "other", now_ms + HOUR_MS).await;
    assert!(matches!(refused, Err(AppError::Conflict(_))), "its text changes no more");
    assert!(matches!(
        ops::scheduled::remove(&site.state, &ada.current(), scheduled_id).await,
        Err(AppError::Conflict(_))
    ));
    run(&site).await;
    assert_eq!(texts(&site, &ada, room_id).await, ["once"]);
    assert!(matches!(list(&site, &ada).await[0].state, ScheduledState::Sent { .. }));
    // And what was deleted since does not come again.
    assert_eq!(ops::scheduled::send(&site.state, scheduled_id).await, Ok(None));
    assert_eq!(texts(&site, &ada, room_id).await, ["once"]);
}

#[tokio::test]
async fn a_message_whose_time_passed_while_the_server_was_down_is_sent_once_and_said_to_be_late() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    schedule(&site, &ada, room_id, 1, "better late").await;
    site.state.clock.advance(9 * HOUR_MS);
    // Another process on the same folder, after the start.
    let again = site.state_again().await;
    jobs::run_due(&again).await.unwrap();
    jobs::run_due(&again).await.unwrap();
    run(&site).await;
    assert_eq!(texts(&site, &ada, room_id).await, ["better late"]);
    assert!(list(&site, &ada).await[0].is_late());
    assert!(ada.browser.get("/scheduled").await.text().contains("late: Campfire was not running at its time"));
}

#[tokio::test]
async fn a_message_is_not_sent_for_who_has_left_the_room() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let all_talk = site.all_talk(&ada).await;
    let room = site.closed_room(&ada, "Club").await;
    let admin = member(&site, &ada, room.id).await;
    let audience = Audience::Chosen(vec![ada.user.id, bob.user.id]);
    ops::rooms::change(&site.state, &admin, "Club".parse().unwrap(), audience).await.unwrap();
    let of_ada = schedule(&site, &ada, room.id, 1, "in a room that is gone").await;
    schedule(&site, &bob, room.id, 1, "in a room that I left").await;
    schedule(&site, &bob, all_talk, 2, "still here").await;
    ops::memberships::leave(&site.state, &member(&site, &bob, room.id).await).await.unwrap();
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert_eq!(texts(&site, &ada, all_talk).await, ["still here"]);
    assert_eq!(texts(&site, &ada, room.id).await, ["in a room that is gone"]);
    assert!(matches!(list(&site, &ada).await[0].state, ScheduledState::Sent { .. }), "{of_ada}");
    let html = bob.browser.get("/scheduled").await.text();
    assert!(html.contains("The room was gone by then, or you were not in it any more."), "{html}");
    assert!(html.contains("in a room that I left"), "the text is left to copy");
    schedule(&site, &ada, room.id, 2, "too late").await;
    ops::rooms::remove(&site.state, &member(&site, &ada, room.id).await).await.unwrap();
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    let failed = list(&site, &ada).await;
    assert!(failed.iter().any(|one| one.body == "too late" && matches!(one.state, ScheduledState::Failed { .. })));
}

#[tokio::test]
async fn a_waiting_message_is_changed_sent_at_once_and_cancelled() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let first = schedule(&site, &ada, room_id, 1, "first").await;
    let path = format!("/scheduled/{first}");
    let html = ada.browser.get(&path).await.text();
    assert!(html.contains("value=\"2023-11-14T23:13\"") && html.contains("first"), "{html}");
    let changed = [("body", "first, changed"), ("when", "at"), ("at", "2023-11-16T08:00"), ("zone", "UTC")];
    assert_eq!(ada.browser.post(&path, &changed).await.location(), "/scheduled");
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert!(texts(&site, &ada, room_id).await.is_empty(), "put off");
    for (fields, reason) in [
        (&[("body", "x"), ("when", "at"), ("at", "2023-11-14T08:00")][..], "That time is over."),
        (&[("body", "x"), ("when", "at"), ("at", "soon")], "Choose a date"),
        (&[("body", " "), ("when", "hour")], "Write something first."),
        (&[("body", "/deploy now"), ("when", "hour")], "cannot be sent later"),
    ] {
        let refused = ada.browser.post(&path, fields).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.text().contains(reason), "{reason}");
    }
    assert_eq!(list(&site, &ada).await[0].body, "first, changed");

    for fields in [&[("when", "now")][..], &[("body", "mine"), ("when", "hour")]] {
        assert_eq!(bob.browser.post(&path, fields).await.status, StatusCode::NOT_FOUND, "somebody else's");
    }
    assert_eq!(bob.browser.get(&path).await.status, StatusCode::NOT_FOUND);
    bob.browser.post(&path, &[("_method", "delete")]).await;
    let sent = ada.browser.post(&path, &[("when", "now")]).await;
    assert!(sent.location().starts_with(&format!("/rooms/{room_id}/@")), "{}", sent.location());
    assert_eq!(ada.browser.post(&path, &[("when", "now")]).await.status, StatusCode::CONFLICT, "again");
    run(&site).await;
    assert_eq!(texts(&site, &ada, room_id).await, ["first, changed"]);

    let second = schedule(&site, &ada, room_id, 2, "second").await;
    for _ in 0..2 {
        let path = format!("/scheduled/{second}");
        assert_eq!(ada.browser.post(&path, &[("_method", "delete")]).await.location(), "/scheduled");
    }
    site.state.clock.advance(2 * HOUR_MS);
    run(&site).await;
    assert_eq!(texts(&site, &ada, room_id).await.len(), 1, "cancelled");
}

#[tokio::test]
async fn a_form_is_idempotent_and_the_number_that_waits_is_bounded() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let path = format!("/rooms/{room_id}/scheduled");
    let twice =
        [("body", "hi"), ("when", "hour"), ("client_message_id", id(1).as_str())].map(|(a, b)| (a, b.to_owned()));
    let twice: Vec<_> = twice.iter().map(|(name, value)| (*name, value.as_str())).collect();
    for _ in 0..2 {
        assert_eq!(ada.browser.post(&path, &twice).await.location(), "/scheduled");
    }
    assert_eq!(list(&site, &ada).await.len(), 1);
    for number in 2..=u64::try_from(MAX_SCHEDULED).unwrap() {
        schedule(&site, &ada, room_id, number, "one of many").await;
    }
    let refused = ada.browser.post(&path, &[("body", "too much"), ("when", "hour")]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("50 of your messages wait already.") && refused.text().contains("too much"));
    assert_eq!(list(&site, &ada).await.len(), 50);
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert_eq!(site.db_message_count().await, 50);
}

#[tokio::test]
async fn the_composer_submits_its_text_to_the_form_and_the_names_of_its_files() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let path = format!("/rooms/{room_id}/scheduled/new");
    ada.browser.cookie += "; time_zone=Europe/Berlin";
    let page = ada.browser.post(&path, &[("seq", "1"), ("files", ""), ("body", "</textarea>& more\n\nlines")]).await;
    assert_eq!(page.status, StatusCode::OK);
    let html = page.text();
    assert!(html.contains("&lt;/textarea&gt;&amp; more\n\nlines</textarea>"), "{html}");
    assert!(html.contains("Times are those of <bdi>Europe/Berlin</bdi>") && !html.contains("Files are not sent later"));
    assert!(html.contains(&format!("data-clears-draft=\"campfire:draft:{}:{room_id}\"", ada.user.id)));
    assert!(!html.contains("name=\"client_message_id\" value=\"\""), "a double click schedules one message");
    let html = ada.browser.post(&path, &[("files", "a.png"), ("files", ""), ("body", "hi")]).await.text();
    assert!(html.contains("Files are not sent later"));
    assert!(list(&site, &ada).await.is_empty(), "nothing is scheduled yet");
}

#[tokio::test]
async fn an_id_stands_for_one_text_in_one_room_and_the_last_time_that_was_chosen() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let club = site.closed_room(&ada, "Club").await.id;
    let first = schedule(&site, &ada, room_id, 1, "hi").await;
    let now_ms = site.state.clock.now_ms();
    let (talk_member, club_member) = (member(&site, &ada, room_id).await, member(&site, &ada, club).await);
    let again = async |member: &Member, text: &str, send_at| {
        ops::scheduled::schedule(&site.state, member, id(1), text, send_at).await
    };
    assert_eq!(again(&talk_member, "hi", now_ms + 2 * HOUR_MS).await, Ok(first));
    assert_eq!(list(&site, &ada).await[0].send_at, now_ms + 2 * HOUR_MS);
    assert!(matches!(again(&talk_member, "other", now_ms + HOUR_MS).await, Err(AppError::Conflict(_))));
    assert!(matches!(again(&club_member, "hi", now_ms + HOUR_MS).await, Err(AppError::Conflict(_))));
    assert_eq!(list(&site, &ada).await.len(), 1);

    // The page after the refusal schedules another message.
    let path = format!("/rooms/{room_id}/scheduled");
    let given = id(1);
    let fields = [("body", "other"), ("when", "hour"), ("client_message_id", given.as_str())];
    let refused = ada.browser.post(&path, &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let html = refused.text();
    assert!(html.contains("This form was sent before") && !html.contains(given.as_str()), "{html}");

    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert!(texts(&site, &ada, room_id).await.is_empty(), "the first time is no longer that of the message");
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert!(matches!(again(&talk_member, "hi", now_ms + 5 * HOUR_MS).await, Err(AppError::Conflict(_))), "it was sent");
    assert_eq!(texts(&site, &ada, room_id).await, ["hi"]);
}

#[tokio::test]
async fn what_its_absent_writer_has_not_read_stays_unread() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let (room_id, club) = (site.all_talk(&ada).await, site.closed_room(&ada, "Club").await.id);
    let unread = async |room_id: RoomId| {
        let room = ops::sync::sidebar_room(&site.state, &ada.current(), room_id).await.unwrap().unwrap();
        (room.unread, room.mention_count)
    };
    schedule(&site, &ada, room_id, 1, "from my bed").await;
    schedule(&site, &ada, club, 2, "in a quiet room").await;
    site.post(&bob, room_id, "where are you, @Ada?").await;
    let before = unread(room_id).await;
    assert!(before.0, "{before:?}");
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert_eq!(texts(&site, &ada, room_id).await.len(), 2);
    assert_eq!(unread(room_id).await, before);
    assert_eq!(unread(club).await, (false, 0), "nothing was unread, and one's own message is not");
    site.post(&ada, room_id, "here I am").await;
    assert_eq!(unread(room_id).await, (false, 0));
}

#[tokio::test]
async fn a_message_whose_job_is_dead_was_not_sent_unless_it_was() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let failed = schedule(&site, &ada, room_id, 1, "failed").await;
    let posted = schedule(&site, &ada, room_id, 2, "posted").await;
    site.state.clock.advance(HOUR_MS);
    let now_ms = site.state.clock.now_ms();
    let begin = async move |tx: &mut campfire::store::Tx| {
        tx.changes_nothing_visible();
        Ok(campfire::store::scheduled::begin(tx.db(), posted, now_ms).await?)
    };
    site.state.db.write(begin).await.unwrap();
    let writer = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::messages::post(&site.state, &writer, id(2), "posted".parse::<Draft>().unwrap()).await.unwrap();
    for id in [failed, posted] {
        ops::scheduled::give_up(&site.state, id).await.unwrap();
    }
    let states: Vec<_> = list(&site, &ada).await.into_iter().map(|one| (one.id, one.body, one.state)).collect();
    for (id, body, state) in states {
        match state {
            ScheduledState::Sent { .. } => assert_eq!((id, body.as_str()), (posted, "")),
            ScheduledState::Failed { reason } => {
                assert_eq!((id, body.as_str(), reason.contains("failed again")), (failed, "failed", true));
                ops::scheduled::remove(&site.state, &ada.current(), id).await.unwrap();
            }
            other => panic!("{other:?}"),
        }
    }
    run(&site).await;
    assert_eq!(texts(&site, &ada, room_id).await, ["posted"]);
}

#[tokio::test]
async fn what_was_posted_is_sent_also_if_its_writer_has_lost_the_room_since() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let scheduled_id = schedule(&site, &bob, room_id, 1, "bye").await;
    site.state.clock.advance(HOUR_MS);
    let now_ms = site.state.clock.now_ms();
    let begin = async move |tx: &mut campfire::store::Tx| {
        tx.changes_nothing_visible();
        Ok(campfire::store::scheduled::begin(tx.db(), scheduled_id, now_ms).await?)
    };
    site.state.db.write(begin).await.unwrap();
    let writer = site.state.members.find(&bob.user, room_id).await.unwrap();
    ops::messages::post(&site.state, &writer, id(1), "bye".parse::<Draft>().unwrap()).await.unwrap();
    site.db_set_status(bob.user.id, Status::Deactivated).await;
    run(&site).await;
    let row = campfire::store::scheduled::list(site.state.db.reader(), bob.user.id).await.unwrap().remove(0);
    assert_eq!((row.state, row.reason.as_str()), (campfire::store::scheduled::RowState::Sent, ""));
}

#[tokio::test]
async fn who_leaves_the_account_or_is_banned_leaves_nothing_to_be_sent() {
    let (site, ada) = TestSite::with_ada().await;
    let (bob, cleo) = (site.join("Bob").await, site.join("Cleo").await);
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "keep me").await;
    for (number, someone) in [(1, &bob), (2, &cleo)] {
        schedule(&site, someone, room_id, number, "later").await;
        let member = member(&site, someone, room_id).await;
        let saved_id = ops::saved::save(&site.state, &member, message.id).await.unwrap();
        let remind = ops::saved::Remind::At(site.state.clock.now_ms() + HOUR_MS);
        let note = "note".parse().unwrap();
        ops::saved::change(&site.state, &someone.current(), saved_id, note, remind).await.unwrap();
    }
    ops::bans::ban(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    ops::users::deactivate(&site.state, &ada.administrator(), cleo.user.id).await.unwrap();
    let count =
        async |sql: &'static str| -> i64 { sqlx::query_scalar(sql).fetch_one(site.state.db.reader()).await.unwrap() };
    assert_eq!(count("SELECT COUNT(*) FROM scheduled_messages").await, 0);
    assert_eq!(count("SELECT COUNT(*) FROM saved_messages").await, 1, "a ban can be lifted");
    assert_eq!(count("SELECT COUNT(*) FROM jobs WHERE kind = 'send_scheduled'").await, 0);
    assert_eq!(count("SELECT COUNT(*) FROM jobs WHERE kind = 'remind'").await, 1);
    ops::bans::unban(&site.state, &ada.administrator(), bob.user.id).await.unwrap();
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert_eq!(site.db_message_count().await, 1);
}

#[tokio::test]
async fn a_time_that_is_not_changed_keeps_its_seconds() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let scheduled_id = schedule(&site, &ada, room_id, 1, "hi").await;
    let send_at = list(&site, &ada).await[0].send_at;
    assert_ne!(send_at % 60_000, 0);
    let fields = [("body", "hi, changed"), ("when", "at"), ("at", "2023-11-14T23:13"), ("zone", "UTC")];
    ada.browser.post(&format!("/scheduled/{scheduled_id}"), &fields).await;
    let changed = list(&site, &ada).await.remove(0);
    assert_eq!((changed.body.as_str(), changed.send_at), ("hi, changed", send_at));
}

#[tokio::test]
async fn old_ended_messages_are_forgotten_and_a_banned_person_sends_nothing() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    schedule(&site, &bob, room_id, 1, "spam").await;
    site.db_set_status(bob.user.id, Status::Banned).await;
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert_eq!(site.db_message_count().await, 0);
    let rows = async || campfire::store::scheduled::list(site.state.db.reader(), bob.user.id).await.unwrap();
    let count = async || rows().await.len();
    assert_eq!(rows().await[0].reason, "You were not part of this Campfire at that time.");
    jobs::enqueue(&site.state, campfire::model::Job::Prune).await.unwrap();
    site.state.clock.advance(31 * 24 * HOUR_MS);
    run(&site).await;
    assert_eq!(count().await, 0);
}

#[tokio::test]
async fn the_writer_is_told_by_a_push_of_what_is_late_or_was_not_sent_alone() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let room = site.closed_room(&ada, "Club").await;
    let service = PushService::new(&site).await;
    service.register(&site, &ada, 1).await;
    service.register(&site, &bob, 2).await;
    schedule(&site, &ada, room_id, 1, "on time").await;
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    assert!(service.received().is_empty());
    schedule(&site, &ada, room_id, 2, "late").await;
    site.state.clock.advance(2 * HOUR_MS);
    run(&site).await;
    let [late] = &service.received()[..] else { panic!("one push") };
    assert_eq!((late.device, late.title()), (1, "Sent late"));
    schedule(&site, &ada, room.id, 3, "nowhere to go").await;
    ops::rooms::remove(&site.state, &member(&site, &ada, room.id).await).await.unwrap();
    site.state.clock.advance(HOUR_MS);
    run(&site).await;
    let [failed] = &service.received()[..] else { panic!("one push") };
    assert_eq!((failed.device, failed.title()), (1, "Not sent"));
    assert!(!failed.body().contains("nowhere to go"));
}
