//! Pushes: who gets one, what it says, what the answers of push services do, and the devices that take them.

use std::sync::Arc;

use axum::http::{Method, StatusCode};
use campfire::model::{
    Cause, ClientMessageId, Delivery, Involvement, Job, Minute, PushSettings, QuietHours, RoomId, Weekdays,
};
use campfire::ops::pushes::{Outcome, Pause, Registered};
use campfire::search::Zone;
use campfire::{AppError, jobs, ops, store};
use push::{KeyPair, encode_key};
use serde_json::json;

use crate::push_service::{Answer, ORIGIN, PushService, Received, device, device_id};
use crate::support::{Someone, TestSite};

/// Ada, who posts, with Bob and Cleo, who have a device each: 1 and 2.
struct Cast {
    site: TestSite,
    service: PushService,
    ada: Someone,
    bob: Someone,
    cleo: Someone,
    room_id: RoomId,
}

impl Cast {
    async fn new() -> Self {
        let (site, ada) = TestSite::with_ada().await;
        let (bob, cleo) = (site.join("Bob").await, site.join("Cleo").await);
        let service = PushService::new(&site).await;
        service.register(&site, &bob, 1).await;
        service.register(&site, &cleo, 2).await;
        let room_id = site.all_talk(&ada).await;
        let cast = Self { site, service, ada, bob, cleo, room_id };
        cast.wants(&cast.bob, Involvement::Everything).await;
        cast
    }

    async fn wants(&self, person: &Someone, involvement: Involvement) {
        let member = self.site.state.members.find(&person.user, self.room_id).await.unwrap();
        ops::memberships::set_involvement(&self.site.state, &member, involvement).await.unwrap();
    }

    async fn run(&self) {
        jobs::run_due(&self.site.state).await.unwrap();
    }

    /// Ada posts, and the devices that get a push.
    async fn post(&self, text: &str) -> Vec<u8> {
        self.site.post(&self.ada, self.room_id, text).await;
        self.run().await;
        self.service.devices()
    }
}

#[tokio::test]
async fn a_push_is_signed_encrypted_and_declarative() {
    let cast = Cast::new().await;
    cast.site.post(&cast.ada, cast.room_id, "hello *there* @Cleo").await;
    cast.run().await;
    let [to_bob, to_cleo] = &cast.service.received()[..] else { panic!("two pushes") };
    for push in [to_bob, to_cleo] {
        assert!(push.is_signed);
        assert_eq!(push.subject.as_deref(), Some(ORIGIN));
        assert_eq!((push.topic.len(), push.title()), (32, "All Talk"));
        assert!(push.body().starts_with("Ada: hello there @Cleo"), "{}", push.body());
        let notification = &push.message["notification"];
        assert_eq!(notification["navigate"], format!("{ORIGIN}/rooms/{}", cast.room_id));
        assert_eq!(push.message["web_push"], 8030);
    }
    assert_eq!((to_bob.ttl, to_bob.urgency.as_str(), &to_bob.message["app_badge"]), (3_600, "normal", &json!(0)));
    assert_eq!((to_cleo.ttl, to_cleo.urgency.as_str(), &to_cleo.message["app_badge"]), (86_400, "high", &json!(1)));
    let tag = |push: &Received| push.message["notification"]["tag"].clone();
    assert_eq!(
        (tag(to_bob), tag(to_cleo)),
        (json!(format!("room-{}-talk", cast.room_id)), json!(format!("room-{}", cast.room_id)))
    );
    assert_ne!(to_bob.topic, to_cleo.topic, "a push service cannot tell who shares a room");
    let topic = to_bob.topic.clone();
    cast.post("again").await;
    cast.site.post(&cast.ada, cast.room_id, "and again").await;
    cast.run().await;
    assert_eq!(cast.service.received()[0].topic, topic, "of several, a sleeping phone gets the last one");
}

#[tokio::test]
async fn everybody_who_wants_to_hear_of_it_gets_a_push_but_not_its_author() {
    let cast = Cast::new().await;
    cast.service.register(&cast.site, &cast.ada, 0).await;
    let dora = cast.site.join("Dora").await;
    cast.service.register(&cast.site, &dora, 3).await;
    assert_eq!(cast.post("hello").await, [1], "everything, not mentions");
    assert_eq!(cast.post("hello @Cleo").await, [1, 2]);
    cast.wants(&cast.ada, Involvement::Everything).await;
    cast.site.post(&cast.cleo, cast.room_id, "from Cleo").await;
    cast.run().await;
    assert_eq!(cast.service.devices(), [0, 1]);
    cast.wants(&cast.bob, Involvement::Nothing).await;
    cast.wants(&cast.cleo, Involvement::Invisible).await;
    assert_eq!(cast.post("@Bob @Cleo @Dora").await, [3], "not even when mentioned");
    // A second device of the same person.
    cast.service.register(&cast.site, &dora, 4).await;
    assert_eq!(cast.post("@Dora").await, [3, 4]);
}

#[tokio::test]
async fn a_ping_is_named_after_its_author_and_counts_in_the_badge() {
    let cast = Cast::new().await;
    let state = &cast.site.state;
    let ping = ops::rooms::ping(state, &cast.ada.current(), vec![cast.bob.user.id]).await.unwrap();
    cast.site.post(&cast.ada, cast.room_id, "@Bob one").await;
    cast.site.post(&cast.ada, cast.room_id, "@Bob two").await;
    cast.run().await;
    cast.service.received();
    cast.site.post(&cast.ada, ping.id, "a word").await;
    cast.run().await;
    let [push] = &cast.service.received()[..] else { panic!("one push") };
    assert_eq!((push.device, push.title(), push.body()), (1, "Ada", "a word"));
    assert_eq!((push.ttl, push.urgency.as_str()), (86_400, "high"));
    assert_eq!(push.message["app_badge"], 3, "two mentions and a ping");
}

#[tokio::test]
async fn pushes_follow_what_each_person_wants_to_hear_of() {
    let cast = Cast::new().await;
    let state = &cast.site.state;
    let deliver = async |person: &Someone, cause, delivery| {
        ops::inbox::set_deliveries(state, &person.current(), vec![(cause, delivery)]).await.unwrap();
    };
    cast.wants(&cast.bob, Involvement::Mentions).await;
    let own = cast.site.post(&cast.bob, cast.room_id, "mine").await;
    cast.run().await;
    cast.service.received();
    let answer = async |text: &str| {
        let member = state.members.find(&cast.ada.user, cast.room_id).await.unwrap();
        let id = ClientMessageId::v7(7, uuid::Uuid::new_v4().as_bytes()[..10].try_into().unwrap());
        ops::messages::post_with_files(state, &member, id, text, Vec::new(), own.id.into()).await.unwrap();
        cast.run().await;
        cast.service.devices()
    };
    assert_eq!(answer("an answer").await, [1], "it is said to Bob");
    assert_eq!(answer("an answer for @Cleo, too").await, [1, 2]);
    deliver(&cast.bob, Cause::Answer, Delivery::Quiet).await;
    assert_eq!(answer("quietly").await, [0_u8; 0]);
    assert_eq!(answer("and @Bob is mentioned").await, [1]);
    deliver(&cast.cleo, Cause::Mention, Delivery::Off).await;
    assert_eq!(cast.post("@Cleo").await, [0_u8; 0]);

    let boost = async |content: &str| {
        let member = state.members.find(&cast.ada.user, cast.room_id).await.unwrap();
        ops::boosts::boost(state, &member, own.id, content.parse().unwrap()).await.unwrap();
        cast.run().await;
        cast.service.received()
    };
    assert!(boost("👍").await.is_empty(), "boosts are quiet by default");
    deliver(&cast.bob, Cause::Boost, Delivery::Notify).await;
    let [push] = &boost("🎉").await[..] else { panic!("one push") };
    assert_eq!((push.device, push.title(), push.body()), (1, "Ada", "🎉 for your message: mine"));
    assert_eq!(push.message["notification"]["navigate"], format!("{ORIGIN}{}", own.path()));

    let ping = ops::rooms::ping(state, &cast.ada.current(), vec![cast.bob.user.id]).await.unwrap();
    deliver(&cast.bob, Cause::Ping, Delivery::Quiet).await;
    cast.site.post(&cast.ada, ping.id, "psst").await;
    cast.run().await;
    assert!(cast.service.devices().is_empty());
    deliver(&cast.bob, Cause::Ping, Delivery::Notify).await;
    cast.site.post(&cast.ada, ping.id, "psst").await;
    cast.run().await;
    assert_eq!(cast.service.devices(), [1]);
}

struct NoTransport;

impl websocket::Transport for NoTransport {
    fn try_write(&self, buffers: &[std::io::IoSlice<'_>]) -> std::io::Result<usize> {
        Ok(buffers.iter().map(|buffer| buffer.len()).sum())
    }
}

#[tokio::test]
async fn who_looks_at_the_room_gets_none() {
    let cast = Cast::new().await;
    let hub = &cast.site.state.live;
    let mut tab = hub.connect(cast.bob.user.id, "Bob", Arc::new(NoTransport)).unwrap();
    let kind = campfire::model::RoomKind::Open;
    assert!(tab.set_rooms(&[(cast.room_id, kind)], tab.membership_version()));
    tab.set_presence(true, Some(cast.room_id));
    assert_eq!(cast.post("seen").await, Vec::<u8>::new());
    tab.set_presence(true, None);
    assert_eq!(cast.post("looking elsewhere").await, [1]);
    tab.set_presence(true, Some(cast.room_id));
    drop(tab);
    assert_eq!(cast.post("gone").await, [1]);
}

#[tokio::test]
async fn what_changed_between_the_post_and_the_push_counts() {
    let cast = Cast::new().await;
    let state = &cast.site.state;
    let member = async |person: &Someone| state.members.find(&person.user, cast.room_id).await.unwrap();

    let message = cast.site.post(&cast.ada, cast.room_id, "read meanwhile").await;
    ops::memberships::mark_read(state, &cast.bob.current(), cast.room_id, message.id).await.unwrap();
    cast.run().await;
    assert_eq!(cast.service.devices(), Vec::<u8>::new());

    let message = cast.site.post(&cast.ada, cast.room_id, "deleted meanwhile @Cleo").await;
    ops::messages::remove(state, &member(&cast.ada).await, message.id).await.unwrap();
    cast.run().await;
    assert_eq!(cast.service.devices(), Vec::<u8>::new());

    cast.site.post(&cast.ada, cast.room_id, "muted meanwhile").await;
    cast.wants(&cast.bob, Involvement::Mentions).await;
    cast.run().await;
    assert_eq!(cast.service.devices(), Vec::<u8>::new());
    cast.wants(&cast.bob, Involvement::Everything).await;

    let audience = ops::rooms::Audience::Chosen(vec![cast.bob.user.id, cast.cleo.user.id]);
    let closed = ops::rooms::open(state, &cast.ada.user, "Closed".parse().unwrap(), audience).await.unwrap();
    cast.site.post(&cast.ada, closed.id, "left meanwhile @Bob @Cleo").await;
    let bob = state.members.find(&cast.bob.user, closed.id).await.unwrap();
    ops::memberships::leave(state, &bob).await.unwrap();
    cast.run().await;
    assert_eq!(cast.service.devices(), [2]);

    cast.site.post(&cast.ada, cast.room_id, "deactivated meanwhile @Cleo").await;
    ops::users::deactivate(state, &cast.ada.administrator(), cast.cleo.user.id).await.unwrap();
    cast.run().await;
    assert_eq!(cast.service.devices(), [1]);
}

#[tokio::test]
async fn a_message_in_a_room_removed_meanwhile_is_not_pushed() {
    let cast = Cast::new().await;
    let room = cast.site.closed_room(&cast.ada, "Secret").await;
    let member = cast.site.state.members.find(&cast.ada.user, room.id).await.unwrap();
    let audience = ops::rooms::Audience::Chosen(vec![cast.ada.user.id, cast.bob.user.id]);
    ops::rooms::change(&cast.site.state, &member, "Secret".parse().unwrap(), audience).await.unwrap();
    cast.site.post(&cast.ada, room.id, "psst @Bob").await;
    ops::rooms::remove(&cast.site.state, &member).await.unwrap();
    cast.run().await;
    assert_eq!(cast.service.devices(), Vec::<u8>::new());
}

#[tokio::test]
async fn signing_out_ends_the_pushes_of_that_browser_alone() {
    let mut cast = Cast::new().await;
    let mut phone = cast.site.browser();
    let form = [("email_address", "bob@example.com"), ("password", crate::support::PASSWORD)];
    assert_eq!(phone.post("/session", &form).await.status, StatusCode::SEE_OTHER);
    let registration = cast.service.registration(7);
    let form = [
        ("push_subscription[endpoint]", registration.endpoint.as_str()),
        ("push_subscription[p256dh_key]", &registration.p256dh),
        ("push_subscription[auth_key]", &registration.auth),
    ];
    let answer = phone.post("/users/me/push_subscriptions", &form).await;
    assert_eq!((answer.status, answer.text().as_str()), (StatusCode::OK, ""));
    assert_eq!(cast.post("to both").await, [1, 7]);
    // The same person signs in again in the same browser, and stays registered.
    let form = [("email_address", "bob@example.com"), ("password", crate::support::PASSWORD)];
    assert_eq!(phone.post("/session", &form).await.status, StatusCode::SEE_OTHER);
    assert_eq!(cast.post("still to both").await, [1, 7]);
    let left = cast.bob.browser.send(Method::DELETE, "/session", &[], axum::body::Body::empty()).await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    assert_eq!(cast.post("to the phone").await, [7]);
    // Revoked from another device.
    ops::users::deactivate(&cast.site.state, &cast.ada.administrator(), cast.bob.user.id).await.unwrap();
    assert_eq!(cast.post("to nobody").await, Vec::<u8>::new());
}

#[tokio::test]
async fn a_phone_with_two_accounts_one_after_the_other_gets_the_pushes_of_the_last_one() {
    let cast = Cast::new().await;
    let dora = cast.site.join("Dora").await;
    cast.service.register(&cast.site, &dora, 1).await;
    assert_eq!(cast.post("for Bob, who has everything").await, Vec::<u8>::new());
    assert!(ops::pushes::list(&cast.site.state, &cast.bob.current()).await.unwrap().is_empty());
    assert_eq!(cast.post("@Dora").await, [1]);
}

#[tokio::test]
async fn a_long_message_is_cut_between_characters_and_fits() {
    let cast = Cast::new().await;
    let family = "👩‍👩‍👧‍👦";
    cast.site.post(&cast.ada, cast.room_id, &family.repeat(32_000 / family.chars().count())).await;
    cast.run().await;
    let [push] = &cast.service.received()[..] else { panic!("one push") };
    assert!(push.body_bytes <= 4_096, "{}", push.body_bytes);
    assert_eq!(push.body(), format!("Ada: {}…", family.repeat(42)));
}

#[tokio::test]
async fn names_only_says_who_and_where_but_not_what() {
    let cast = Cast::new().await;
    let state = &cast.site.state;
    let wanted = PushSettings { names_only: true, ..PushSettings::default() };
    ops::pushes::change_settings(state, &cast.bob.current(), wanted).await.unwrap();
    let ping = ops::rooms::ping(state, &cast.ada.current(), vec![cast.bob.user.id]).await.unwrap();
    for room_id in [cast.room_id, ping.id] {
        cast.site.post(&cast.ada, room_id, "a secret").await;
    }
    cast.run().await;
    let received = cast.service.received();
    let words: Vec<_> = received.iter().map(|push| (push.title(), push.body())).collect();
    assert!(
        words.contains(&("All Talk", "New message from Ada")) && words.contains(&("Ada", "New message")),
        "{words:?}"
    );
    assert!(!received.iter().any(|push| push.message.to_string().contains("secret")));
}

#[tokio::test]
async fn a_pause_and_quiet_hours_hold_back_even_mentions() {
    let cast = Cast::new().await;
    let (state, bob) = (&cast.site.state, cast.bob.current());
    let until_ms = ops::pushes::pause(state, &bob, Pause::Short, Zone::UTC).await.unwrap().unwrap();
    assert_eq!(until_ms - state.clock.now_ms(), 30 * 60 * 1_000);
    assert_eq!(cast.post("@Bob").await, Vec::<u8>::new());
    ops::pushes::pause(state, &bob, Pause::End, Zone::UTC).await.unwrap();
    assert_eq!(cast.post("@Bob").await, [1]);
    ops::pushes::pause(state, &bob, Pause::UntilTomorrow, Zone::UTC).await.unwrap();
    assert_eq!(cast.post("@Bob").await, Vec::<u8>::new());
    assert!(ops::pushes::settings(state, &bob).await.unwrap().paused_until.is_some());
    // It is Tuesday, 22:13 in UTC. Tomorrow is Wednesday, 22:13.
    state.clock.advance(24 * 60 * 60 * 1_000);
    assert_eq!(ops::pushes::settings(state, &bob).await.unwrap().paused_until, None);
    let quiet = |zone: &str| PushSettings {
        quiet: QuietHours {
            from: Minute::new(22, 0).unwrap(),
            to: Minute::new(7, 0).unwrap(),
            nights: Weekdays::new([2]),
            days: Weekdays::default(),
        },
        time_zone: zone.into(),
        ..PushSettings::default()
    };
    ops::pushes::change_settings(state, &bob, quiet("UTC")).await.unwrap();
    assert_eq!(cast.post("@Bob").await, Vec::<u8>::new());
    ops::pushes::change_settings(state, &bob, quiet("America/Los_Angeles")).await.unwrap();
    assert_eq!(cast.post("@Bob").await, [1], "it is afternoon there");
}

#[tokio::test]
async fn a_device_that_is_gone_stays_dead_until_its_browser_subscribes_anew() {
    let cast = Cast::new().await;
    for (number, (status, renewed)) in [(1, (404, 6)), (6, (410, 7))] {
        cast.service.answer(number, Answer::Of(status, ""));
        assert_eq!(cast.post("one").await, [number]);
        let gone = device(&cast.site, &cast.bob).await;
        assert!(gone.dead_at.is_some() && gone.last_failure.unwrap().contains(&status.to_string()));
        assert_eq!(cast.post("two").await, Vec::<u8>::new());
        assert_eq!(cast.service.try_register(&cast.site, &cast.bob, number).await, Ok(Registered::Renew));
        // It has the place of the one that is dead: they are of one session.
        cast.service.register(&cast.site, &cast.bob, renewed).await;
        assert!(device(&cast.site, &cast.bob).await.dead_at.is_none());
        assert_eq!(cast.post("three").await, [renewed]);
    }
    let state = &cast.site.state;
    cast.service.answer(7, Answer::Of(410, ""));
    cast.post("four").await;
    let prune = async || {
        jobs::enqueue(state, Job::Prune).await.unwrap();
        cast.run().await;
    };
    state.clock.advance(29 * 24 * 60 * 60 * 1_000);
    prune().await;
    assert!(device(&cast.site, &cast.bob).await.dead_at.is_some());
    state.clock.advance(2 * 24 * 60 * 60 * 1_000);
    prune().await;
    assert!(ops::pushes::list(state, &cast.bob.current()).await.unwrap().is_empty(), "nobody came back");
}

#[tokio::test]
async fn five_refusals_in_a_row_end_a_device_and_a_success_in_between_does_not() {
    let cast = Cast::new().await;
    let refuse = async |status, count: usize| {
        cast.service.answer(1, Answer::Of(status, ""));
        for _ in 0..count {
            assert_eq!(cast.post("x").await, [1], "{status}");
        }
    };
    refuse(400, 4).await;
    refuse(201, 1).await;
    let works = device(&cast.site, &cast.bob).await;
    assert!(works.dead_at.is_none() && works.last_success_at.is_some() && works.last_failure.is_some());
    refuse(403, 2).await;
    refuse(302, 2).await;
    assert_eq!(device(&cast.site, &cast.bob).await.dead_at, None);
    refuse(403, 1).await;
    let dead = device(&cast.site, &cast.bob).await;
    assert!(dead.dead_at.is_some() && dead.last_failure.as_deref().is_some_and(|words| words.contains("(403)")));
    assert_eq!(cast.post("x").await, Vec::<u8>::new());
    // The browser is told to subscribe anew; another subscription takes the place of the dead one.
    assert_eq!(cast.service.try_register(&cast.site, &cast.bob, 1).await, Ok(Registered::Renew));
    cast.service.register(&cast.site, &cast.bob, 3).await;
    assert_eq!(device(&cast.site, &cast.bob).await.dead_at, None);
    assert_eq!(cast.post("x").await, [3]);
}

#[tokio::test]
async fn a_push_that_is_too_large_is_sent_once_more_with_less_text() {
    let cast = Cast::new().await;
    cast.service.answer(1, Answer::UpTo(600));
    cast.site.post(&cast.ada, cast.room_id, &"word ".repeat(100)).await;
    cast.run().await;
    let [long, short] = &cast.service.received()[..] else { panic!("two pushes") };
    assert!(long.body_bytes > 600 && short.body_bytes <= 600 && short.body().ends_with('…'), "{}", short.body_bytes);
    assert!(short.is_signed && device(&cast.site, &cast.bob).await.last_success_at.is_some());
    cast.service.answer(1, Answer::Of(413, ""));
    assert_eq!(cast.post("short").await, [1, 1], "not a third time");
    assert!(device(&cast.site, &cast.bob).await.last_failure.is_some_and(|words| words.contains("(413)")));
}

#[tokio::test]
async fn a_busy_push_service_is_left_alone_for_as_long_as_it_asks() {
    let cast = Cast::new().await;
    let clock = &cast.site.state.clock;
    cast.service.answer(1, Answer::Of(429, "120"));
    cast.site.post(&cast.ada, cast.room_id, "later").await;
    cast.run().await;
    assert_eq!(cast.service.devices(), [1]);
    clock.advance(119_000);
    cast.run().await;
    assert_eq!(cast.service.devices(), Vec::<u8>::new());
    clock.advance(2_000);
    cast.service.answer(1, Answer::Of(500, ""));
    cast.run().await;
    assert_eq!(cast.service.devices(), [1]);
    cast.service.answer(1, Answer::Of(201, ""));
    clock.advance(3 * 60_000);
    cast.run().await;
    let [push] = &cast.service.received()[..] else { panic!("one push") };
    assert_eq!((push.body(), push.ttl), ("Ada: later", 3_600 - 301), "of use for what is left of an hour");
    let device = device(&cast.site, &cast.bob).await;
    assert!(device.dead_at.is_none() && device.last_success_at > device.last_failure_at);
}

#[tokio::test]
async fn what_was_read_meanwhile_is_not_tried_again_and_nothing_is_tried_for_ever() {
    let cast = Cast::new().await;
    let state = &cast.site.state;
    cast.service.answer(1, Answer::Of(503, ""));
    let message = cast.site.post(&cast.ada, cast.room_id, "x").await;
    cast.run().await;
    assert_eq!(cast.service.devices(), [1]);
    ops::memberships::mark_read(state, &cast.bob.current(), cast.room_id, message.id).await.unwrap();
    state.clock.advance(60_000);
    cast.run().await;
    assert_eq!(cast.service.devices(), Vec::<u8>::new());

    cast.site.post(&cast.ada, cast.room_id, "y").await;
    let mut tries = 0;
    for _ in 0..60 {
        cast.run().await;
        tries += cast.service.devices().len();
        state.clock.advance(60_000);
    }
    // At once, and 2, 10 and 40 minutes later: the failure before it counts, too.
    assert_eq!(tries, 4);
    assert_eq!(device(&cast.site, &cast.bob).await.dead_at, None, "a busy service says nothing about the device");
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM jobs WHERE kind LIKE 'push%'")
        .fetch_one(state.db.reader())
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_push_service_that_hangs_or_closes_does_not_hold_up_the_others() {
    let cast = Cast::new().await;
    cast.service.answer(1, Answer::Close);
    assert_eq!(cast.post("@Cleo").await, [1, 2]);
    let closed = device(&cast.site, &cast.bob).await.last_failure.unwrap();
    assert!(closed.starts_with("The push service could not be reached"), "{closed}");
    assert!(device(&cast.site, &cast.cleo).await.last_success_at.is_some());
}

#[tokio::test]
async fn a_push_service_that_never_answers_is_given_up_after_a_while() {
    let cast = Cast::new().await;
    cast.service.answer(1, Answer::Hang);
    assert_eq!(cast.post("@Cleo").await, [1, 2]);
    let hung = device(&cast.site, &cast.bob).await.last_failure.unwrap();
    assert_eq!(hung, "The push service did not answer within 3 seconds.");
    // It has more time when it is tried again, in a job of its own. Until then it holds up nobody.
    let begun_at = campfire::clock::monotonic();
    assert_eq!(cast.post("@Cleo again").await, [2], "it is left alone");
    assert!(begun_at.elapsed() < std::time::Duration::from_secs(2), "{:?}", begun_at.elapsed());
    cast.service.answer(1, Answer::Of(201, ""));
    cast.site.state.clock.advance(35_000);
    cast.run().await;
    let [push] = &cast.service.received()[..] else { panic!("one push") };
    assert!(push.device == 1 && push.body().ends_with("again"), "the later one, and not both: {}", push.body());
}

#[tokio::test]
async fn devices_of_another_key_are_told_to_subscribe_anew_and_get_nothing_until_then() {
    let cast = Cast::new().await;
    let other = KeyPair::from_private_key(&[9; 32]).unwrap();
    let later = cast.site.state_again().await;
    later.push_key.set(other.clone()).unwrap();
    later.outgoing.permit_pushes(["127.0.0.0/8".parse().unwrap()]);
    cast.site.post(&cast.ada, cast.room_id, "hello").await;
    jobs::run_due(&later).await.unwrap();
    assert_eq!(cast.service.devices(), Vec::<u8>::new(), "it would be refused");
    let old = encode_key(&ops::pushes::key_pair(&cast.site.state).await.unwrap().public_key());
    let mut registration = cast.service.registration(1);
    registration.server_key = old;
    let registered = ops::pushes::register(&later, &cast.bob.current(), registration.clone()).await;
    assert_eq!(registered, Ok(Registered::Renew));
    assert!(ops::pushes::list(&later, &cast.bob.current()).await.unwrap().is_empty(), "it gets nothing any more");
    registration.server_key = encode_key(&other.public_key());
    registration.endpoint += "0";
    assert_eq!(ops::pushes::register(&later, &cast.bob.current(), registration).await, Ok(Registered::Done));
}

#[tokio::test]
async fn the_key_is_made_once_and_kept_in_the_database() {
    let (site, _) = TestSite::with_ada().await;
    let first = ops::pushes::public_key(&site.state).await.unwrap();
    assert_eq!(first.len(), 87);
    assert_eq!(ops::pushes::public_key(&site.state_again().await).await.unwrap(), first);
    let another = TestSite::empty().await;
    assert_ne!(ops::pushes::public_key(&another.state).await.unwrap(), first);
}

#[tokio::test]
async fn every_device_of_a_large_room_gets_one_push() {
    let cast = Cast::new().await;
    let registration = cast.service.registration(3);
    let (bob, server_key) = (cast.bob.user.id, ops::pushes::key_pair(&cast.site.state).await.unwrap().public_key());
    let session_id = cast.bob.session_id;
    let insert = async move |tx: &mut store::Tx| {
        for number in 0..250 {
            let new = store::pushes::NewSubscription {
                endpoint: format!("{}?{number}", registration.endpoint),
                p256dh: crate::push_service::inbox(3).p256dh().to_vec(),
                auth: vec![3; 16],
                server_key: server_key.to_vec(),
                origin: ORIGIN.into(),
                user_agent: String::new(),
            };
            store::pushes::register(tx.db(), bob, session_id, &new, 1).await?;
        }
        Ok(())
    };
    cast.site.state.db.write(insert).await.unwrap();
    assert_eq!(cast.post("x").await.len(), 251);
    assert_eq!(cast.post("y").await.len(), 251);
}

#[tokio::test]
async fn what_is_no_subscription_is_refused_with_words() {
    let cast = Cast::new().await;
    let (state, bob) = (&cast.site.state, cast.bob.current());
    let good = cast.service.registration(5);
    let long = format!("https://push.example/{}", "x".repeat(2_000));
    for endpoint in [
        "",
        "nonsense",
        "http://push.example/x",
        "https://10.0.0.1/x",
        "https://[::1]/x",
        "https://169.254.169.254/latest",
        "https://user:password@push.example/x",
        "https://push.example/x#y",
        "ftp://push.example/x",
        &long,
    ] {
        let registration = ops::pushes::Registration { endpoint: endpoint.into(), ..good.clone() };
        let refused = ops::pushes::register(state, &bob, registration).await;
        assert!(matches!(refused, Err(AppError::Invalid(_))), "{endpoint}");
    }
    for (p256dh, auth) in [
        ("", ""),
        (good.p256dh.as_str(), "AAAA"),
        ("AAAA", &good.auth),
        (&good.p256dh, "*"),
        (&good.auth, &good.p256dh),
    ] {
        let registration = ops::pushes::Registration { p256dh: p256dh.into(), auth: auth.into(), ..good.clone() };
        assert!(matches!(ops::pushes::register(state, &bob, registration).await, Err(AppError::Invalid(_))));
    }
    assert_eq!(ops::pushes::list(state, &bob).await.unwrap().len(), 1);
}

#[tokio::test]
async fn sixteen_devices_of_a_person_take_pushes() {
    let cast = Cast::new().await;
    for device in 10..25 {
        cast.service.register(&cast.site, &cast.bob, device).await;
    }
    assert!(matches!(cast.service.try_register(&cast.site, &cast.bob, 30).await, Err(AppError::Invalid(_))));
    cast.service.register(&cast.site, &cast.bob, 12).await;
    cast.service.register(&cast.site, &cast.cleo, 30).await;
    let id = ops::pushes::list(&cast.site.state, &cast.bob.current()).await.unwrap()[0].id;
    ops::pushes::remove(&cast.site.state, &cast.bob.current(), id).await.unwrap();
    cast.service.register(&cast.site, &cast.bob, 31).await;
}

#[tokio::test]
async fn a_test_is_answered_by_what_came_of_it() {
    let mut cast = Cast::new().await;
    let id = device_id(&cast.site, &cast.bob).await;
    let path = format!("/users/me/push_subscriptions/{id}/test_notifications");
    let answer = cast.bob.browser.post(&path, &[]).await;
    assert_eq!(answer.location(), "/users/me/push_subscriptions?notice=test-queued");
    let [push] = &cast.service.received()[..] else { panic!("one push") };
    assert!(push.is_signed && push.message["app_badge"].is_null() && push.title() == "Campfire test");
    assert_eq!(push.message["notification"]["navigate"], format!("{ORIGIN}/users/me/push_subscriptions"));
    cast.service.answer(1, Answer::Of(403, ""));
    let answer = cast.bob.browser.post(&path, &[]).await;
    assert_eq!(answer.location(), "/users/me/push_subscriptions?notice=test-queued");
    let page = cast.bob.browser.get("/users/me/push_subscriptions").await.text();
    assert!(page.contains("refused the key of this Campfire (403)"), "{page}");
    assert_eq!(cast.cleo.browser.post(&path, &[]).await.status, StatusCode::NOT_FOUND, "not her device");
    let removal = format!("/users/me/push_subscriptions/{id}");
    assert_eq!(cast.cleo.browser.post(&removal, &[("_method", "delete")]).await.status, StatusCode::NOT_FOUND);
    cast.service.answer(1, Answer::Of(410, ""));
    let outcome = ops::pushes::test(&cast.site.state, &cast.bob.current(), id).await;
    assert!(matches!(outcome, Ok(Outcome::Gone(_))), "{outcome:?}");
    let page = cast.bob.browser.get("/users/me/push_subscriptions").await.text();
    assert!(page.contains("this subscription has ended (410)") && page.contains("registers anew"), "{page}");
    assert_eq!(cast.bob.browser.post(&removal, &[("_method", "delete")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(cast.bob.browser.post(&path, &[]).await.status, StatusCode::NOT_FOUND, "removed");
}

#[tokio::test]
async fn the_page_lists_devices_and_its_forms_work_without_scripts() {
    let mut cast = Cast::new().await;
    let browser = &mut cast.bob.browser;
    let page = browser.get("/users/me/push_subscriptions").await;
    assert_eq!(page.status, StatusCode::OK);
    let page = page.text();
    assert!(page.contains("Chrome on Linux") && page.contains("This device") && page.contains("127.0.0.1"), "{page}");
    let settings = "/users/me/push_settings";
    let entered = [
        ("_method", "put"),
        ("content", "names"),
        ("quiet_from", "18:30"),
        ("quiet_to", "08:00"),
        ("quiet_nights", "0"),
        ("quiet_nights", "4"),
        ("quiet_days", "6"),
        ("quiet_days", "17"),
    ];
    let answer = browser.post(settings, &entered).await;
    assert_eq!(answer.location(), "/users/me/push_subscriptions?notice=saved");
    let current = cast.bob.current();
    let stored = ops::pushes::settings(&cast.site.state, &current).await.unwrap();
    assert!(
        stored.names_only && stored.quiet.nights == Weekdays::new([0, 4]) && stored.quiet.days == Weekdays::new([6])
    );
    let browser = &mut cast.bob.browser;
    for (from, to) in [("25:00", "08:00"), ("08:00", "08:00"), ("", "")] {
        let wrong = [("quiet_from", from), ("quiet_to", to), ("quiet_nights", "0")];
        let answer = browser.post(settings, &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{from}");
        assert!(answer.text().contains("field__note--wrong"));
    }
    let answer = browser.post(settings, &[("pause", "tomorrow")]).await;
    assert_eq!(answer.location(), "/users/me/push_subscriptions?notice=saved");
    assert!(browser.get("/users/me/push_subscriptions").await.text().contains("Paused on all your devices"));
    // It is 22:13 in UTC. Without a cookie, the zone is the one that is stored: there it is 3:58, and tomorrow is today.
    let stored = PushSettings { time_zone: "Asia/Kathmandu".into(), ..stored };
    ops::pushes::change_settings(&cast.site.state, &current, stored).await.unwrap();
    let browser = &mut cast.bob.browser;
    browser.post(settings, &[("pause", "tomorrow")]).await;
    let stored = ops::pushes::settings(&cast.site.state, &current).await.unwrap();
    assert_eq!(stored.paused_until.map(campfire::model::utc_timestamp).as_deref(), Some("2023-11-15T02:15:00Z"));
    let answer = browser.post(settings, &[("pause", "end")]).await;
    assert_eq!(answer.location(), "/users/me/push_subscriptions?notice=saved");
    let stored = ops::pushes::settings(&cast.site.state, &current).await.unwrap();
    assert!(stored.paused_until.is_none() && stored.names_only, "the rest stays");
}

#[tokio::test]
async fn a_browser_registers_asks_for_the_key_and_leaves() {
    let mut cast = Cast::new().await;
    let browser = &mut cast.bob.browser;
    let key = browser.get("/users/me/push_key").await.text();
    assert_eq!(key, ops::pushes::public_key(&cast.site.state).await.unwrap());
    let registration = cast.service.registration(8);
    let other_key = encode_key(&KeyPair::from_private_key(&[9; 32]).unwrap().public_key());
    let form = |server_key| {
        [
            ("endpoint", registration.endpoint.clone()),
            ("p256dh_key", registration.p256dh.clone()),
            ("auth_key", registration.auth.clone()),
            ("server_key", server_key),
        ]
    };
    let post = async |browser: &mut crate::support::Browser, form: &[(&str, String)]| {
        let form: Vec<_> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post("/users/me/push_subscriptions", &form).await
    };
    let answer = post(browser, &form(other_key)).await;
    assert_eq!((answer.status, answer.text()), (StatusCode::CONFLICT, key.clone()));
    assert_eq!(post(browser, &form(key)).await.status, StatusCode::OK);
    assert_eq!(post(browser, &[("endpoint", "x".into())]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let leave = [("_method", "delete".to_owned()), ("endpoint", registration.endpoint.clone())];
    assert_eq!(post(&mut cast.cleo.browser, &leave).await.status, StatusCode::NO_CONTENT, "not hers: nothing happens");
    let count = async || ops::pushes::list(&cast.site.state, &cast.bob.current()).await.unwrap().len();
    assert_eq!(count().await, 2);
    let mut browser = cast.bob.browser.clone();
    assert_eq!(post(&mut browser, &leave).await.status, StatusCode::NO_CONTENT);
    assert_eq!(count().await, 1);
    let mut stranger = cast.site.browser();
    assert_eq!(post(&mut stranger, &leave).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_removed_device_stays_removed_until_its_owner_turns_it_on() {
    let mut cast = Cast::new().await;
    let registration = cast.service.registration(1);
    let id = device_id(&cast.site, &cast.bob).await;
    let removal = format!("/users/me/push_subscriptions/{id}");
    let removed = cast.bob.browser.post(&removal, &[("_method", "delete")]).await;
    assert_eq!(removed.location(), "/users/me/push_subscriptions?notice=saved");
    assert_eq!(cast.post("nobody hears this").await, Vec::<u8>::new());
    let mut form = vec![
        ("endpoint", registration.endpoint.as_str()),
        ("p256dh_key", &registration.p256dh),
        ("auth_key", &registration.auth),
    ];
    // The script of the device registers by itself: at once, and a day later.
    for _ in 0..2 {
        let answer = cast.bob.browser.post("/users/me/push_subscriptions", &form).await;
        assert_eq!((answer.status, answer.text().as_str()), (StatusCode::GONE, "off"));
        assert!(ops::pushes::list(&cast.site.state, &cast.bob.current()).await.unwrap().is_empty());
        cast.site.state.clock.advance(24 * 60 * 60 * 1_000);
    }
    assert_eq!(cast.bob.browser.post(&removal, &[("_method", "delete")]).await.status, StatusCode::NOT_FOUND);
    form.push(("by_click", "1"));
    assert_eq!(cast.bob.browser.post("/users/me/push_subscriptions", &form).await.status, StatusCode::OK);
    assert_eq!(cast.post("Bob hears this").await, [1]);
    form.pop();
    assert_eq!(cast.bob.browser.post("/users/me/push_subscriptions", &form).await.status, StatusCode::OK);
    // Turned off by the script: the same. Somebody else on the same device is not concerned.
    let leave = [("_method", "delete"), ("endpoint", registration.endpoint.as_str())];
    cast.bob.browser.post("/users/me/push_subscriptions", &leave).await;
    assert_eq!(cast.bob.browser.post("/users/me/push_subscriptions", &form).await.status, StatusCode::GONE);
    let dora = cast.site.join("Dora").await;
    cast.service.register(&cast.site, &dora, 1).await;
    assert_eq!(cast.post("@Dora").await, [1]);
}

#[tokio::test]
async fn a_mention_is_not_replaced_by_the_talk_after_it() {
    let cast = Cast::new().await;
    for text in ["@Bob, the house burns", "nice weather", "@Bob, still", "is it"] {
        cast.site.post(&cast.ada, cast.room_id, text).await;
        cast.run().await;
    }
    let received = cast.service.received();
    let [mention, talk, again, more] = &received[..] else { panic!("{} pushes", received.len()) };
    let tag = |push: &Received| push.message["notification"]["tag"].clone();
    assert_ne!(mention.topic, talk.topic, "a sleeping phone gets both");
    assert_ne!(tag(mention), tag(talk), "both are on the screen");
    assert_eq!((mention.ttl, talk.ttl), (86_400, 3_600));
    assert_eq!((&mention.topic, tag(mention)), (&again.topic, tag(again)));
    assert_eq!((&talk.topic, tag(talk)), (&more.topic, tag(more)));
}

#[tokio::test]
async fn another_try_is_left_out_if_a_later_message_takes_its_place() {
    let cast = Cast::new().await;
    for device in [1, 2] {
        cast.service.answer(device, Answer::Of(503, ""));
    }
    for text in ["@Cleo first", "@Cleo second", "third"] {
        cast.site.post(&cast.ada, cast.room_id, text).await;
        cast.run().await;
    }
    assert_eq!(cast.service.devices(), [1, 2], "busy: left alone after the first one");
    for device in [1, 2] {
        cast.service.answer(device, Answer::Of(201, ""));
    }
    cast.site.state.clock.advance(40_000);
    cast.run().await;
    let received = cast.service.received();
    let words: Vec<_> = received.iter().map(|push| (push.device, push.body().trim_start_matches("Ada: "))).collect();
    assert_eq!(words, [(1, "third"), (2, "@Cleo second")]);
}

#[tokio::test]
async fn a_message_that_concerns_no_device_enqueues_no_push() {
    let cast = Cast::new().await;
    let state = &cast.site.state;
    let queued = async || {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM jobs WHERE kind LIKE 'push%'")
            .fetch_one(state.db.reader())
            .await
            .unwrap();
        count
    };
    let room = cast.site.closed_room(&cast.ada, "Alone").await;
    cast.site.post(&cast.ada, room.id, "nobody is here").await;
    assert_eq!(queued().await, 0, "not a member");
    cast.wants(&cast.bob, Involvement::Mentions).await;
    cast.site.post(&cast.ada, cast.room_id, "to whom it may concern").await;
    assert_eq!(queued().await, 0, "Bob and Cleo want mentions");
    cast.site.post(&cast.ada, cast.room_id, "@Cleo").await;
    assert_eq!(queued().await, 1);
    cast.run().await;
    assert_eq!((queued().await, cast.service.devices()), (0, vec![2]));
    ops::pushes::remove(state, &cast.cleo.current(), device_id(&cast.site, &cast.cleo).await).await.unwrap();
    cast.site.post(&cast.ada, cast.room_id, "@Cleo").await;
    assert_eq!(queued().await, 0, "no device any more");
}
