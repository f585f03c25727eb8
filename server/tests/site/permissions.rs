//! Permissions: every action attempted by every kind of user, each on a fresh target.
//!
//! A row of a table is an action; its columns are those of [`ACTORS`], in this order.

use axum::body::Body;
use axum::http::{Method, StatusCode};
use campfire::model::{Answering, ClientMessageId, Message, Role, Room, RoomId, Status};
use campfire::ops;
use campfire::ops::rooms::Audience;
use serde_json::json;

use crate::support::{Answer, Browser, Someone, TestSite};

/// The kinds of users, in the order of the columns. The last three have no valid session.
const ACTORS: [&str; 8] =
    ["creator", "member", "outsider", "admin inside", "admin outside", "signed out", "bot", "banned"];

/// The outcome of an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// 200, or the redirect after a form.
    Done,
    /// The redirect home with the notice that the room does not exist.
    NoRoom,
    NotFound,
    Forbidden,
    /// 401, or the redirect to the sign-in page.
    SignedOut,
    Other(u16),
}
use Outcome::{Done, Forbidden, NoRoom, NotFound, SignedOut};

impl Outcome {
    fn of(answer: &Answer) -> Self {
        match (answer.status, answer.location()) {
            (StatusCode::SEE_OTHER, "/?notice=room-missing") => NoRoom,
            (StatusCode::SEE_OTHER, to) if to.starts_with("/session/new") => SignedOut,
            (StatusCode::OK | StatusCode::SEE_OTHER, _) => Done,
            (StatusCode::NOT_FOUND, _) => NotFound,
            (StatusCode::FORBIDDEN, _) => Forbidden,
            (StatusCode::UNAUTHORIZED, _) => SignedOut,
            (status, _) => Self::Other(status.as_u16()),
        }
    }
}

struct Cast {
    site: TestSite,
    creator: Someone,
    member: Someone,
    outsider: Someone,
    admin_inside: Someone,
    admin_outside: Someone,
    bot: Someone,
    banned: Someone,
}

/// The target of an action: a closed room with a message of its creator.
struct Target {
    room: Room,
    message: Message,
}

impl Cast {
    async fn new() -> Self {
        let (site, admin_inside) = TestSite::with_ada().await;
        let creator = site.join("Bob").await;
        let member = site.join("Cleo").await;
        let outsider = site.join("Eve").await;
        let admin_outside = site.join("Max").await;
        let bot = site.join("Robo").await;
        let banned = site.join("Mallory").await;
        let ada = admin_inside.administrator();
        ops::users::change_role(&site.state, &ada, admin_outside.user.id, Role::Administrator).await.unwrap();
        site.db_set_role(bot.user.id, Role::Bot).await;
        Self { site, creator, member, outsider, admin_inside, admin_outside, bot, banned }
    }

    /// A fresh target. The bot and the banned user are members, too.
    async fn target(&self) -> Target {
        let inside = [&self.member, &self.admin_inside, &self.bot, &self.banned];
        let chosen = Audience::Chosen(inside.map(|someone| someone.user.id).into());
        self.site.db_set_status(self.banned.user.id, Status::Active).await;
        let room =
            ops::rooms::open(&self.site.state, &self.creator.user, "Club".parse().unwrap(), chosen).await.unwrap();
        self.site.db_set_status(self.banned.user.id, Status::Banned).await;
        let message = self.site.post(&self.creator, room.id, "hello").await;
        Target { room, message }
    }

    /// A new bot with a webhook, and its key.
    async fn program(&self) -> (campfire::model::UserId, String) {
        let ada = self.admin_inside.administrator();
        let webhook_url = Some("http://127.0.0.1:1/".to_owned());
        let form = ops::bots::BotForm { name: "Program".parse().unwrap(), webhook_url, commands: Vec::new() };
        let bot_id = ops::bots::create(&self.site.state, &ada, form).await.unwrap();
        (bot_id, ops::bots::find(&self.site.state, &ada, bot_id).await.unwrap().key.to_string())
    }

    fn browsers(&self) -> [Browser; 8] {
        [
            self.creator.browser.clone(),
            self.member.browser.clone(),
            self.outsider.browser.clone(),
            self.admin_inside.browser.clone(),
            self.admin_outside.browser.clone(),
            self.site.browser(),
            self.bot.browser.clone(),
            self.banned.browser.clone(),
        ]
    }

    /// Attempts an action as every actor, each on a fresh target.
    async fn row(&self, action: &str, expected: [Outcome; 8], attempt: impl AsyncFn(Browser, Target) -> Answer) {
        for (index, browser) in self.browsers().into_iter().enumerate() {
            let target = self.target().await;
            let outcome = Outcome::of(&attempt(browser, target).await);
            assert_eq!(outcome, expected[index], "{action} by {}", ACTORS[index]);
        }
    }
}

async fn form(mut browser: Browser, path: String, fields: &[(&str, &str)]) -> Answer {
    browser.post(&path, fields).await
}

async fn page(mut browser: Browser, path: String) -> Answer {
    browser.get(&path).await
}

async fn call(mut browser: Browser, function: &str, arguments: serde_json::Value) -> Answer {
    browser.call(function, &arguments).await
}

const ANYONE_SIGNED_IN: [Outcome; 8] = [Done, Done, Done, Done, Done, SignedOut, SignedOut, SignedOut];
const ADMINISTRATORS: [Outcome; 8] = [Forbidden, Forbidden, Forbidden, Done, Done, SignedOut, SignedOut, SignedOut];
const INSIDE_PAGE: [Outcome; 8] = [Done, Done, NoRoom, Done, NoRoom, SignedOut, SignedOut, SignedOut];
const INSIDE: [Outcome; 8] = [Done, Done, NotFound, Done, NotFound, SignedOut, SignedOut, SignedOut];
const ROOM_ADMINS_PAGE: [Outcome; 8] = [Done, Forbidden, NoRoom, Done, NoRoom, SignedOut, SignedOut, SignedOut];
const ROOM_ADMINS: [Outcome; 8] = [Done, Forbidden, NotFound, Done, NotFound, SignedOut, SignedOut, SignedOut];

#[tokio::test]
async fn permissions_to_read_and_post_in_a_room() {
    let cast = Cast::new().await;
    cast.row("open the room", INSIDE_PAGE, async |who, it| page(who, format!("/rooms/{}", it.room.id)).await).await;
    cast.row("open a message", INSIDE_PAGE, async |who, it| {
        page(who, format!("/rooms/{}/@{}", it.room.id, it.message.id)).await
    })
    .await;
    cast.row("load the room", INSIDE, async |who, it| {
        call(who, "rooms/page", json!({"room_id": it.room.id, "anchor": "newest"})).await
    })
    .await;
    for function in ["messages/before", "messages/after"] {
        cast.row(function, INSIDE, async |who, it| {
            call(who, function, json!({"room_id": it.room.id, "message_id": it.message.id})).await
        })
        .await;
    }
    cast.row("post by form", INSIDE_PAGE, async |who, it| {
        form(who, format!("/rooms/{}/messages", it.room.id), &[("body", "hi")]).await
    })
    .await;
    let id = "01920000-0001-7fff-bfff-ffffffffffff";
    cast.row("post", INSIDE, async |who, it| {
        // An id is unique per author: each room needs another one.
        let id = format!("{}{:012}", &id[..24], it.room.id.0);
        call(who, "messages/post", json!({"room_id": it.room.id, "client_message_id": id, "body": "hi"})).await
    })
    .await;
}

#[tokio::test]
async fn permissions_to_edit_and_remove_messages() {
    let cast = Cast::new().await;
    let path = |it: &Target| format!("/rooms/{}/messages/{}", it.room.id, it.message.id);
    let named = |it: &Target| json!({"room_id": it.room.id, "message_id": it.message.id});
    cast.row("see the form", ROOM_ADMINS_PAGE, async |who, it| page(who, format!("{}/edit", path(&it))).await).await;
    cast.row("edit by form", ROOM_ADMINS_PAGE, async |who, it| {
        form(who, path(&it), &[("_method", "put"), ("body", "changed")]).await
    })
    .await;
    cast.row("delete by form", ROOM_ADMINS_PAGE, async |who, it| form(who, path(&it), &[("_method", "delete")]).await)
        .await;
    cast.row("read the source", ROOM_ADMINS, async |who, it| call(who, "messages/source", named(&it)).await).await;
    cast.row("edit", ROOM_ADMINS, async |who, it| {
        let arguments = json!({"room_id": it.room.id, "message_id": it.message.id, "body": "changed"});
        call(who, "messages/edit", arguments).await
    })
    .await;
}

#[tokio::test]
async fn permissions_to_pin_save_and_send_later() {
    let cast = Cast::new().await;
    let path = |it: &Target| format!("/rooms/{}/messages/{}", it.room.id, it.message.id);
    cast.row("see the pins", INSIDE_PAGE, async |who, it| page(who, format!("/rooms/{}/pins", it.room.id)).await).await;
    cast.row("pin", INSIDE_PAGE, async |who, it| form(who, format!("{}/pin", path(&it)), &[]).await).await;
    cast.row("unpin", INSIDE_PAGE, async |who, it| {
        form(who, format!("{}/pin", path(&it)), &[("_method", "delete")]).await
    })
    .await;
    cast.row("see the history", INSIDE_PAGE, async |who, it| page(who, format!("{}/history", path(&it))).await).await;
    cast.row("save for later", INSIDE, async |who, it| {
        form(who, format!("/messages/{}/saved", it.message.id), &[]).await
    })
    .await;
    cast.row("see the form", INSIDE, async |who, it| page(who, format!("/messages/{}/saved", it.message.id)).await)
        .await;
    cast.row("send later", INSIDE_PAGE, async |who, it| {
        form(who, format!("/rooms/{}/scheduled", it.room.id), &[("body", "hi"), ("when", "hour")]).await
    })
    .await;
    cast.row("send later, the form", INSIDE_PAGE, async |who, it| {
        form(who, format!("/rooms/{}/scheduled/new", it.room.id), &[("body", "hi")]).await
    })
    .await;
    for path in ["/saved", "/scheduled"] {
        cast.row(path, ANYONE_SIGNED_IN, async |who, _| page(who, path.into()).await).await;
    }
}

#[tokio::test]
async fn permissions_to_boost_reply_and_search() {
    let cast = Cast::new().await;
    let path = |it: &Target| format!("/rooms/{}/messages/{}", it.room.id, it.message.id);
    let boosts = |it: &Target| format!("/messages/{}/boosts", it.message.id);
    cast.row("choose a boost", INSIDE, async |who, it| page(who, format!("{}/new", boosts(&it))).await).await;
    cast.row("boost", INSIDE, async |who, it| form(who, boosts(&it), &[("content", "👍")]).await).await;
    cast.row("take a boost back", INSIDE, async |who, it| form(who, boosts(&it), &[("remove", "👍")]).await).await;
    let authors = [Done, Forbidden, NotFound, Done, NotFound, SignedOut, SignedOut, SignedOut];
    cast.row("take a preview away", authors, async |who, it| {
        form(who, format!("/messages/{}/previews", it.message.id), &[("link", "https://a.example/")]).await
    })
    .await;
    cast.row("answer", INSIDE_PAGE, async |who, it| page(who, format!("{}/reply", path(&it))).await).await;
    cast.row("mark unread", INSIDE_PAGE, async |who, it| form(who, format!("{}/unread", path(&it)), &[]).await).await;
    cast.row("preview", INSIDE, async |who, it| {
        form(who, format!("/rooms/{}/messages/preview", it.room.id), &[("body", "hi")]).await
    })
    .await;
    cast.row("list the people", INSIDE, async |who, it| {
        page(who, format!("/autocompletable/users?room_id={}", it.room.id)).await
    })
    .await;
    for path in ["/searches", "/searches?q=hello", "/autocompletable/users", "/autocompletable/rooms", "/inbox"] {
        cast.row(path, ANYONE_SIGNED_IN, async |who, _| page(who, path.into()).await).await;
    }
    for path in ["/searches", "/searches/clear"] {
        cast.row(path, ANYONE_SIGNED_IN, async |who, _| form(who, path.into(), &[("q", "hello")]).await).await;
    }
    for (path, field) in [("/inbox/read", ("up_to", "1")), ("/inbox/settings", ("mention", "off"))] {
        cast.row(path, ANYONE_SIGNED_IN, async |who, _| form(who, path.into(), &[field]).await).await;
    }
}

#[tokio::test]
async fn permissions_to_read_answer_and_follow_threads() {
    let cast = Cast::new().await;
    let path = |it: &Target| format!("/rooms/{}/threads/{}", it.room.id, it.message.id);
    cast.row("open a thread", INSIDE_PAGE, async |who, it| page(who, path(&it)).await).await;
    cast.row("load a thread", INSIDE, async |who, it| {
        let arguments = json!({"room_id": it.room.id, "anchor": "newest", "thread": it.message.id});
        call(who, "rooms/page", arguments).await
    })
    .await;
    for function in ["messages/before", "messages/after"] {
        cast.row(function, INSIDE, async |who, it| {
            let id = it.message.id;
            call(who, function, json!({"room_id": it.room.id, "message_id": id, "thread": id})).await
        })
        .await;
    }
    cast.row("answer in a thread", INSIDE_PAGE, async |who, it| {
        let fields = [("body", "hi"), ("thread", &*it.message.id.to_string())];
        form(who, format!("/rooms/{}/messages", it.room.id), &fields).await
    })
    .await;
    let creator = cast.creator.current();
    for method in ["put", "delete"] {
        cast.row(method, INSIDE_PAGE, async |who, it| {
            let member = cast.site.state.members.find(&creator, it.room.id).await.unwrap();
            let answering = Answering { message_id: it.message.id, in_room: false };
            let id = ClientMessageId::v7(it.room.id.0.unsigned_abs(), [5; 10]);
            ops::messages::post_with_files(&cast.site.state, &member, id, "an answer", vec![], answering.into())
                .await
                .unwrap();
            form(who, format!("{}/follow", path(&it)), &[("_method", method)]).await
        })
        .await;
    }
    cast.row("list threads", ANYONE_SIGNED_IN, async |who, _| page(who, "/threads".into()).await).await;
}

#[tokio::test]
async fn permissions_to_administer_a_room() {
    let cast = Cast::new().await;
    let creator = cast.creator.user.id.to_string();
    let administrator = cast.admin_inside.user.id.to_string();
    cast.row("look at the settings", INSIDE_PAGE, async |who, it| {
        page(who, format!("/rooms/closeds/{}/edit", it.room.id)).await
    })
    .await;
    cast.row("rename and choose", ROOM_ADMINS_PAGE, async |who, it| {
        let fields = [("_method", "put"), ("name", "Other"), ("user_ids", &creator), ("user_ids", &administrator)];
        form(who, format!("/rooms/closeds/{}", it.room.id), &fields).await
    })
    .await;
    cast.row("convert", ROOM_ADMINS_PAGE, async |who, it| {
        form(who, format!("/rooms/opens/{}", it.room.id), &[("_method", "put"), ("name", "Open")]).await
    })
    .await;
    cast.row("delete", ROOM_ADMINS_PAGE, async |who, it| {
        form(who, format!("/rooms/{}", it.room.id), &[("_method", "delete")]).await
    })
    .await;
    cast.row("turn the bell", INSIDE, async |who, it| {
        form(who, format!("/rooms/{}/involvement", it.room.id), &[("_method", "put"), ("involvement", "nothing")]).await
    })
    .await;
    cast.row("leave", INSIDE, async |who, it| {
        form(who, format!("/rooms/{}/membership", it.room.id), &[("_method", "delete")]).await
    })
    .await;
}

#[tokio::test]
async fn permissions_to_make_rooms_and_to_ping() {
    let cast = Cast::new().await;
    let bob = cast.creator.user.id.to_string();
    for kind in ["opens", "closeds"] {
        cast.row("see the form", ANYONE_SIGNED_IN, async |who, _| page(who, format!("/rooms/{kind}/new")).await).await;
        cast.row("make a room", ANYONE_SIGNED_IN, async |who, _| {
            form(who, format!("/rooms/{kind}"), &[("name", "New")]).await
        })
        .await;
    }
    ops::accounts::restrict_room_creation(&cast.site.state, &cast.admin_inside.administrator(), true).await.unwrap();
    for kind in ["opens", "closeds"] {
        for (index, mut browser) in cast.browsers().into_iter().enumerate() {
            let seen = Outcome::of(&browser.get(&format!("/rooms/{kind}/new")).await);
            let made = Outcome::of(&browser.post(&format!("/rooms/{kind}"), &[("name", "New")]).await);
            assert_eq!((seen, made), (ADMINISTRATORS[index], ADMINISTRATORS[index]), "{kind} by {}", ACTORS[index]);
        }
    }
    ops::accounts::restrict_room_creation(&cast.site.state, &cast.admin_inside.administrator(), false).await.unwrap();

    cast.row("ping somebody", ANYONE_SIGNED_IN, async |who, _| {
        form(who, "/rooms/directs".into(), &[("user_ids", &bob)]).await
    })
    .await;
    // A ping of Bob and Cleo: administrators are outsiders, too.
    let direct = async || -> RoomId {
        ops::rooms::ping(&cast.site.state, &cast.creator.user, vec![cast.member.user.id]).await.unwrap().id
    };
    let participants = [Done, Done, NoRoom, NoRoom, NoRoom, SignedOut, SignedOut, SignedOut];
    for (index, mut browser) in cast.browsers().into_iter().enumerate() {
        let room_id = direct().await;
        let shown = Outcome::of(&browser.get(&format!("/rooms/{room_id}")).await);
        let settings = Outcome::of(&browser.get(&format!("/rooms/directs/{room_id}/edit")).await);
        let removed = Outcome::of(&browser.post(&format!("/rooms/directs/{room_id}"), &[("_method", "delete")]).await);
        assert_eq!([shown, settings, removed], [participants[index]; 3], "a ping by {}", ACTORS[index]);
    }
}

#[tokio::test]
async fn permissions_to_administer_the_account() {
    let cast = Cast::new().await;
    for path in ["/account/edit", "/account/edit?filter=e", "/users/1"] {
        cast.row(path, ANYONE_SIGNED_IN, async |who, _| page(who, path.into()).await).await;
    }
    cast.row("remove one's picture", ANYONE_SIGNED_IN, async |who, _| {
        form(who, "/users/me/avatar".into(), &[("_method", "delete")]).await
    })
    .await;
    cast.row("see the styles", ADMINISTRATORS, async |who, _| page(who, "/account/custom_styles/edit".into()).await)
        .await;
    for (path, fields) in [
        ("/account", &[("_method", "put"), ("account[name]", "Fire")][..]),
        ("/account", &[("_method", "put"), ("account[settings][restrict_room_creation_to_administrators]", "false")]),
        ("/account", &[("_method", "put"), ("preview_links", "true")]),
        ("/account/join_code", &[]),
        ("/account/custom_styles", &[("_method", "put"), ("account[custom_styles]", "b{}")]),
        ("/account/logo", &[("_method", "delete")]),
    ] {
        cast.row(path, ADMINISTRATORS, async |who, _| form(who, path.into(), fields).await).await;
    }
    // Each attempt has another user as its target.
    for (what, method) in [("promote", "put"), ("remove", "delete")] {
        cast.row(what, ADMINISTRATORS, async |who, _| {
            let path = format!("/account/users/{}", cast.site.db_somebody().await);
            form(who, path, &[("_method", method), ("role", "administrator")]).await
        })
        .await;
    }
    cast.row("sign-in link", ADMINISTRATORS, async |who, _| {
        form(who, format!("/users/{}/sign_in_link", cast.site.db_somebody().await), &[]).await
    })
    .await;
    cast.row("ban", ADMINISTRATORS, async |who, _| {
        form(who, format!("/users/{}/ban", cast.site.db_somebody().await), &[]).await
    })
    .await;
    cast.row("unban", ADMINISTRATORS, async |who, _| {
        let user_id = cast.site.db_somebody().await;
        cast.site.db_set_status(user_id, Status::Banned).await;
        form(who, format!("/users/{user_id}/ban"), &[("_method", "delete")]).await
    })
    .await;
}

#[tokio::test]
async fn permissions_to_administer_bots() {
    let cast = Cast::new().await;
    for path in ["/account/bots", "/account/bots/new", "/account/deliveries"] {
        cast.row(path, ADMINISTRATORS, async |who, _| page(who, path.into()).await).await;
    }
    cast.row("make a bot", ADMINISTRATORS, async |who, _| {
        form(who, "/account/bots".into(), &[("name", "Program")]).await
    })
    .await;
    // Each attempt has another bot as its target.
    for (part, fields) in [
        ("", &[("_method", "put"), ("name", "Other"), ("webhook_url", "http://127.0.0.1:1")][..]),
        ("", &[("_method", "delete")]),
        ("/key", &[("_method", "put")]),
        ("/avatar", &[("_method", "delete")]),
        ("/secret", &[]),
        ("/test", &[]),
    ] {
        cast.row(&format!("bot{part}"), ADMINISTRATORS, async |who, _| {
            form(who, format!("/account/bots/{}{part}", cast.program().await.0), fields).await
        })
        .await;
    }
    cast.row("the form of a bot", ADMINISTRATORS, async |who, _| {
        page(who, format!("/account/bots/{}/edit", cast.program().await.0)).await
    })
    .await;
}

/// What a bot may do by its key, in a room that it is in and in one that it is not in: at most what a member may.
#[tokio::test]
async fn permissions_of_a_key() {
    let cast = Cast::new().await;
    let (bot_id, key) = cast.program().await;
    let bot = campfire::store::users::find(cast.site.state.db.reader(), bot_id).await.unwrap().unwrap();
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let send = async |method: Method, path: &str| {
        let body = if method == Method::GET { Body::empty() } else { Body::from(r#"{"body":"x"}"#) };
        cast.site.browser().send(method, path, &headers, body).await.status.as_u16()
    };
    // The target is closed; the bot is in it, and then is not.
    for (is_inside, columns) in [(true, 0), (false, 1)] {
        let target = cast.target().await;
        let own = if is_inside {
            let room = target.room.id;
            let join = async move |tx: &mut campfire::store::Tx| {
                Ok(campfire::store::memberships::grant(tx.db(), room, &[bot_id], 1).await.map(drop)?)
            };
            cast.site.state.db.write(join).await.unwrap();
            let member = cast.site.state.members.find(&bot, room).await.unwrap();
            let id = campfire::model::ClientMessageId::v7(1, [3; 10]);
            match ops::messages::post(&cast.site.state, &member, id, "own".parse().unwrap()).await.unwrap() {
                campfire::model::Posted::Stored(message) => message.id,
                campfire::model::Posted::Removed(_) => unreachable!("a new message"),
            }
        } else {
            target.message.id
        };
        let base = format!("/api/v1/rooms/{}", target.room.id);
        let theirs = target.message.id;
        for (method, path, expected) in [
            (Method::GET, format!("{base}/messages"), [200, 404]),
            (Method::GET, format!("{base}/users"), [200, 404]),
            (Method::POST, format!("{base}/messages"), [201, 404]),
            (Method::GET, format!("{base}/messages/{theirs}"), [200, 404]),
            (Method::PUT, format!("{base}/messages/{theirs}"), [403, 404]),
            (Method::DELETE, format!("{base}/messages/{theirs}"), [403, 404]),
            (Method::PUT, format!("{base}/messages/{own}"), [200, 404]),
            (Method::POST, format!("{base}/messages/{own}/boosts"), [201, 404]),
            (Method::DELETE, format!("{base}/messages/{own}/boosts/1"), [204, 404]),
            (Method::DELETE, format!("{base}/messages/{own}"), [204, 404]),
        ] {
            let status = send(method.clone(), &path).await;
            assert_eq!(status, expected[columns], "{method} {path} by a bot, inside: {is_inside}");
        }
    }
    // What is for people is not for keys.
    for path in [
        "/",
        "/users/me/profile",
        "/users/me/push_subscriptions",
        "/users/me/push_key",
        "/account/edit",
        "/account/bots",
        "/account/deliveries",
        "/searches",
        "/uploads",
        "/autocompletable/users",
        "/rooms/opens/new",
        "/rooms/1",
        "/rooms/1/messages",
        "/api/messages/post",
        "/cable",
    ] {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let answer = cast.site.browser().send(method.clone(), path, &headers, Body::from("{}")).await;
            let is_refused = answer.status.is_client_error() || answer.location().starts_with("/session/new");
            let is_to_a_form = answer.status.is_redirection() && method == Method::GET;
            assert!(is_refused || is_to_a_form, "{method} {path}: {} {}", answer.status, answer.location());
        }
    }
}

#[tokio::test]
async fn members_do_not_see_what_administrators_see_of_users() {
    let mut cast = Cast::new().await;
    cast.site.db_set_status(cast.banned.user.id, Status::Banned).await;
    let path = format!("/users/{}", cast.member.user.id);
    let to_admin = cast.admin_outside.browser.get(&path).await.text();
    for part in ["cleo@example.com", "/session/transfers/", "Ban Cleo", "Remove Cleo", "Make Cleo an administrator"] {
        assert!(to_admin.contains(part), "{part}");
    }
    let to_member = cast.outsider.browser.get(&path).await.text();
    for part in ["cleo@example.com", "/session/transfers/", "/ban", "Remove", "an administrator"] {
        assert!(!to_member.contains(part), "{part}");
    }
    assert!(to_member.contains("Ping Cleo"));
    let settings = cast.outsider.browser.get("/account/edit").await.text();
    assert!(
        !settings.contains("Only administrators")
            && !settings.contains("Make a new link")
            && !settings.contains("Mallory")
    );
    let settings = cast.admin_outside.browser.get("/account/edit").await.text();
    assert!(
        settings.contains("Only administrators")
            && settings.contains("Make a new link")
            && settings.contains("Mallory")
    );
}

#[tokio::test]
async fn profiles_and_sessions_belong_to_their_user() {
    let mut cast = Cast::new().await;
    let before = cast.site.profile(cast.creator.user.id).await;
    // The id in the path is ignored; fields missing in the form are not changed.
    let path = format!("/users/{}/profile", cast.creator.user.id);
    let answer = cast.member.browser.post(&path, &[("_method", "put"), ("user[bio]", "me")]).await;
    assert_eq!(answer.location(), "/users/me/profile?notice=saved");
    assert_eq!(cast.site.profile(cast.creator.user.id).await, before);
    let cleo = cast.site.profile(cast.member.user.id).await;
    assert_eq!((cleo.name.as_str(), cleo.bio.as_str()), ("Cleo", "me"));

    let sessions = campfire::store::sessions::list(cast.site.state.db.reader(), cast.creator.user.id, 0).await.unwrap();
    let foreign = format!("/users/me/sessions/{}", sessions[0].id);
    let answer = cast.admin_outside.browser.send(Method::DELETE, &foreign, &[], Body::empty()).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(cast.creator.browser.get("/users/me/profile").await.status, StatusCode::OK);
    cast.row("profile", ANYONE_SIGNED_IN, async |who, _| page(who, "/users/me/profile".into()).await).await;
    cast.row("other devices", ANYONE_SIGNED_IN, async |who, _| {
        form(who, "/users/me/sessions".into(), &[("_method", "delete")]).await
    })
    .await;
}

/// Pages and calls run on the same threads and yield in between: a call must not read the Leptos context of another
/// request.
#[tokio::test]
async fn a_call_runs_as_its_user_while_a_page_of_another_is_rendered() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let bob = site.join("Bob").await;
    for number in 0..100 {
        let id = campfire::model::ClientMessageId::v7(number, [7; 10]);
        let arguments = json!({"room_id": room_id, "client_message_id": id, "body": "hi"});
        let mut ada_browser = ada.browser.clone();
        let mut bob_browser = bob.browser.clone();
        let path = format!("/rooms/{room_id}");
        let head_start = async {
            // The page has been rendered a little further each time when the call begins.
            for _ in 0..number % 50 {
                tokio::task::yield_now().await;
            }
        };
        let (page, posted) = tokio::join!(ada_browser.get(&path), async {
            head_start.await;
            bob_browser.call("messages/post", &arguments).await
        });
        assert_eq!((page.status, posted.status), (StatusCode::OK, StatusCode::OK));
        let posted: serde_json::Value = serde_json::from_slice(&posted.body).unwrap();
        assert_eq!(posted["stored"]["creator_name"], "Bob", "{number}: {posted}");
    }
}
