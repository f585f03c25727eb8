//! Messages that a person keeps for later, with a note and a reminder.

use axum::http::StatusCode;
use campfire::model::{Cause, Delivery, Kept, MAX_REMINDERS, MAX_SAVED, MessageId, Saved};
use campfire::ops::pushes::Pause;
use campfire::ops::saved::Remind;
use campfire::{AppError, jobs, ops};

use crate::push_service::{Answer, ORIGIN, PushService};
use crate::support::{Someone, TestSite};

const HOUR_MS: i64 = 60 * 60 * 1_000;

async fn kept(site: &TestSite, someone: &Someone) -> Vec<Saved> {
    ops::saved::list(&site.state, &someone.current(), false, None).await.unwrap().0
}

async fn save(site: &TestSite, someone: &Someone, message_id: MessageId) -> Result<i64, AppError> {
    let member = ops::messages::member_of_room_of(&site.state, &someone.current(), message_id).await?;
    ops::saved::save(&site.state, &member, message_id).await
}

#[tokio::test]
async fn a_message_is_kept_with_a_note_and_a_reminder_by_forms() {
    let (site, ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "the **plan**").await;
    let form = format!("/messages/{}/saved", message.id);
    assert!(bob.browser.get("/saved").await.text().contains("Nothing is saved."));
    assert!(bob.browser.get(&form).await.text().contains("the plan"));
    let saved = bob.browser.post(&form, &[]).await;
    assert_eq!((saved.status, saved.location()), (StatusCode::SEE_OTHER, &*message.path()));
    assert_eq!(bob.browser.post(&form, &[]).await.status, StatusCode::SEE_OTHER, "again");
    let id = kept(&site, &bob).await[0].id;
    let path = format!("/saved/{id}");
    assert_eq!(bob.browser.get(&form).await.location(), path, "the form of what is kept");

    // 2023-11-14 22:13 UTC; the page was written for a zone that is 5:45 ahead.
    let zone = ("zone", "Asia/Kathmandu");
    let fields = [zone, ("note", "<ask> Ada"), ("when", "tomorrow"), ("at", "")];
    assert_eq!(bob.browser.post(&path, &fields).await.location(), "/saved");
    let html = bob.browser.get("/saved").await.text();
    assert!(html.contains("&lt;ask&gt; Ada") && html.contains("2023-11-15T03:15:00Z"), "{html}");
    let past = bob.browser.post(&path, &[zone, ("note", "x"), ("when", "at"), ("at", "2023-11-15T03:57")]).await;
    assert_eq!(past.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(past.text().contains("That time is over.") && past.text().contains("value=\"2023-11-15T03:57\""));
    assert_eq!(kept(&site, &bob).await[0].note, "<ask> Ada", "nothing was stored");
    bob.browser.post(&path, &[zone, ("note", "x"), ("when", "never")]).await;
    assert_eq!(kept(&site, &bob).await[0].remind_at, None);

    bob.browser.post(&path, &[("done", "true")]).await;
    assert!(kept(&site, &bob).await.is_empty());
    assert!(bob.browser.get("/saved?show=done").await.text().contains("the plan"));
    bob.browser.post(&path, &[("done", "false")]).await;
    assert_eq!(kept(&site, &bob).await.len(), 1);
    for _ in 0..2 {
        assert_eq!(bob.browser.post(&path, &[("_method", "delete")]).await.location(), "/saved");
    }
    assert!(kept(&site, &bob).await.is_empty());
}

#[tokio::test]
async fn nobody_else_sees_or_changes_what_a_person_keeps() {
    let (site, mut ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let id = save(&site, &bob, message.id).await.unwrap();
    let path = format!("/saved/{id}");
    assert_eq!(ada.browser.get(&path).await.status, StatusCode::NOT_FOUND, "an administrator");
    for fields in [&[("note", "mine")][..], &[("done", "true")]] {
        assert_eq!(ada.browser.post(&path, fields).await.status, StatusCode::NOT_FOUND);
    }
    ada.browser.post(&path, &[("_method", "delete")]).await;
    assert_eq!(kept(&site, &bob).await.len(), 1);
    assert!(ada.browser.get("/saved").await.text().contains("Nothing is saved."));
    for path in ["/saved/0", "/saved/x", "/saved/99999"] {
        assert_eq!(ada.browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn what_is_gone_or_lost_leaves_the_note_alone() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let all_talk = site.all_talk(&ada).await;
    let room = site.closed_room(&ada, "Club").await;
    let audience = ops::rooms::Audience::Chosen(vec![ada.user.id, bob.user.id]);
    let admin = site.state.members.find(&ada.user, room.id).await.unwrap();
    ops::rooms::change(&site.state, &admin, "Club".parse().unwrap(), audience).await.unwrap();
    let secret = site.post(&ada, room.id, "the secret").await;
    let gone = site.post(&ada, all_talk, "gone soon").await;
    for message_id in [secret.id, gone.id] {
        let id = save(&site, &bob, message_id).await.unwrap();
        let note = format!("note {message_id}").parse().unwrap();
        let remind = Remind::At(site.state.clock.now_ms() + HOUR_MS);
        ops::saved::change(&site.state, &bob.current(), id, note, remind).await.unwrap();
    }
    let adas = site.state.members.find(&ada.user, all_talk).await.unwrap();
    ops::messages::remove(&site.state, &adas, gone.id).await.unwrap();
    let bobs = site.state.members.find(&bob.user, room.id).await.unwrap();
    ops::memberships::leave(&site.state, &bobs).await.unwrap();
    let [deleted, lost] = &kept(&site, &bob).await[..] else { panic!("both are kept") };
    assert_eq!((&deleted.kept, &lost.kept), (&Kept::Deleted, &Kept::Lost));
    let html = bob.browser.get("/saved").await.text();
    assert!(!html.contains("the secret") && !html.contains("gone soon") && html.contains("note "), "{html}");
    // Reminders come all the same, and say so.
    site.state.clock.advance(HOUR_MS);
    jobs::run_due(&site.state).await.unwrap();
    assert!(kept(&site, &bob).await.iter().all(|saved| saved.reminded_at.is_some() && saved.remind_at.is_none()));
    let (entries, _) = ops::inbox::page(&site.state, &bob.current(), None).await.unwrap();
    assert!(entries.iter().all(|entry| entry.cause != Cause::Reminder), "an entry would say what it was");
    assert!(matches!(save(&site, &bob, secret.id).await, Err(AppError::NotFound)), "not kept again");
    assert_eq!(ada.browser.get(&format!("/messages/{}/saved", gone.id)).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_reminder_comes_once_at_its_last_time() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let message = site.post(&ada, room_id, "hello").await;
    let id = save(&site, &ada, message.id).await.unwrap();
    let now_ms = site.state.clock.now_ms();
    let remind = async |remind| {
        ops::saved::change(&site.state, &ada.current(), id, "".parse().unwrap(), remind).await.unwrap();
    };
    let reminded_at = async || {
        jobs::run_due(&site.state).await.unwrap();
        ops::saved::find(&site.state, &ada.current(), id).await.unwrap().reminded_at
    };
    remind(Remind::At(now_ms + HOUR_MS)).await;
    remind(Remind::At(now_ms + 3 * HOUR_MS)).await;
    remind(Remind::Keep).await;
    let job_count = sqlx::query_scalar("SELECT COUNT(*) FROM jobs WHERE kind = 'remind'");
    let job_count: i64 = job_count.fetch_one(site.state.db.reader()).await.unwrap();
    assert_eq!(job_count, 1, "put off, not doubled");
    site.state.clock.advance(2 * HOUR_MS);
    assert_eq!(reminded_at().await, None);
    site.state.clock.advance(HOUR_MS);
    assert_eq!(reminded_at().await, Some(now_ms + 3 * HOUR_MS));
    site.state.clock.advance(HOUR_MS);
    assert_eq!(reminded_at().await, Some(now_ms + 3 * HOUR_MS), "once");
    let (entries, _) = ops::inbox::page(&site.state, &ada.current(), None).await.unwrap();
    let [entry] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!((entry.cause, entry.message_id, entry.text.as_str()), (Cause::Reminder, message.id, "hello"));
    assert!(entry.unread && entry.actor.is_none());

    remind(Remind::At(now_ms + 5 * HOUR_MS)).await;
    ops::saved::set_done(&site.state, &ada.current(), id, true).await.unwrap();
    site.state.clock.advance(HOUR_MS);
    assert_eq!(reminded_at().await, Some(now_ms + 3 * HOUR_MS), "who is done needs none");
}

#[tokio::test]
async fn what_is_kept_and_the_reminders_to_come_are_bounded() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let user_id = ada.user.id;
    let fill = async move |tx: &mut campfire::store::Tx| {
        for number in 0..MAX_SAVED {
            campfire::store::saved::insert(tx.db(), user_id, MessageId(1_000_000 + number), 1).await?;
        }
        Ok(())
    };
    let message = site.post(&ada, room_id, "one more").await;
    let first = save(&site, &ada, message.id).await.unwrap();
    site.state.db.write(fill).await.unwrap();
    let other = site.post(&ada, room_id, "too much").await;
    assert!(matches!(save(&site, &ada, other.id).await, Err(AppError::Conflict(_))));
    let refused = ada.browser.post(&format!("/messages/{}/saved", other.id), &[]).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    let html = refused.text();
    assert!(html.contains("You keep 500 messages already.") && html.contains("name=\"note\""), "{html}");
    assert_eq!(save(&site, &ada, message.id).await, Ok(first), "what is kept already stays");

    let now_ms = site.state.clock.now_ms();
    let ids = ops::saved::list(&site.state, &ada.current(), false, None).await.unwrap();
    assert_eq!((ids.0.len(), ids.1.is_some()), (40, true));
    let remind = async |id| {
        let remind = Remind::At(now_ms + HOUR_MS);
        ops::saved::change(&site.state, &ada.current(), id, "".parse().unwrap(), remind).await
    };
    for number in 0..MAX_REMINDERS {
        remind(first + 1 + number).await.unwrap();
    }
    assert!(matches!(remind(first).await, Err(AppError::Invalid(_))));
    assert_eq!(remind(first + 1).await, Ok(()), "one of them at another time");
}

#[tokio::test]
async fn a_reminder_is_pushed_to_the_devices_of_who_asked_for_it_also_in_a_pause() {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    let service = PushService::new(&site).await;
    service.register(&site, &ada, 1).await;
    service.register(&site, &bob, 2).await;
    let message = site.post(&ada, room_id, "the *plan*").await;
    let id = save(&site, &bob, message.id).await.unwrap();
    ops::pushes::pause(&site.state, &bob.current(), Pause::UntilTomorrow, campfire::search::Zone::UTC).await.unwrap();
    let remind = async |note: &str| {
        let remind = Remind::At(site.state.clock.now_ms() + 1_000);
        ops::saved::change(&site.state, &bob.current(), id, note.parse().unwrap(), remind).await.unwrap();
        site.state.clock.advance(1_000);
        jobs::run_due(&site.state).await.unwrap();
        service.received()
    };
    let [push] = &remind("").await[..] else { panic!("one push") };
    assert_eq!((push.device, push.title(), push.body()), (2, "Reminder: All Talk", "Ada: the plan"));
    assert_eq!((push.ttl, push.urgency.as_str(), push.is_signed), (86_400, "high", true));
    assert_eq!(push.message["notification"]["navigate"], format!("{ORIGIN}{}", message.path()));

    // A push service that is busy gets it again, and with the note.
    service.answer(2, Answer::Of(503, ""));
    assert_eq!(remind("ask about it").await.len(), 1);
    service.answer(2, Answer::Of(201, ""));
    site.state.clock.advance(40_000);
    jobs::run_due(&site.state).await.unwrap();
    let [again] = &service.received()[..] else { panic!("one more") };
    assert_eq!(again.body(), "ask about it");

    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    ops::messages::remove(&site.state, &member, message.id).await.unwrap();
    let [gone] = &remind("what was it?").await[..] else { panic!("one push") };
    assert_eq!((gone.title(), gone.body()), ("Reminder", "what was it? (The message was deleted.)"));
    let quiet = vec![(Cause::Reminder, Delivery::Quiet)];
    ops::inbox::set_deliveries(&site.state, &bob.current(), quiet).await.unwrap();
    assert!(remind("in the inbox alone").await.is_empty());
}
