//! Test fixtures: a site of its own for each test, and people with browsers.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use campfire::access::{Administrator, CurrentUser};
use campfire::clock::Clock;
use campfire::model::Posted;
use campfire::model::{ClientMessageId, Message, Profile, Role, Room, RoomId, SessionId, Status, User, UserId};
use campfire::ops::rooms::Audience;
use campfire::state::AppState;
use campfire::{ops, store};
use http_body_util::BodyExt;
use server::{Site, app};
use sqlx::Connection;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

pub const PASSWORD: &str = "correct horse";

pub struct TestSite {
    pub state: AppState,
    pub site: Site,
    pub router: Router,
    pub close: watch::Sender<bool>,
    folder: TempDir,
}

/// A response with its body.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }
}

/// A browser, which stores the session cookie.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    /// The host in the address bar; empty to send the header by itself.
    pub host: String,
    pub cookie: String,
}

pub struct Someone {
    pub user: User,
    pub session_id: SessionId,
    pub browser: Browser,
}

impl Someone {
    /// The person as the user of a request.
    pub fn current(&self) -> CurrentUser {
        CurrentUser { user: self.user.clone(), session_id: self.session_id }
    }

    /// The person as an administrator.
    pub fn administrator(&self) -> Administrator {
        Administrator::of(self.current()).unwrap()
    }
}

impl TestSite {
    /// A site before its first run.
    pub async fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = AppState::open(folder.path(), Clock::manual(1_700_000_000_000)).await.unwrap();
        let (close, closing) = watch::channel(false);
        let site = Site::new(state.clone(), closing);
        let router = app(site.clone());
        Self { state, site, router, close, folder }
    }

    /// A site set up by Ada, its administrator.
    pub async fn with_ada() -> (Self, Someone) {
        let site = Self::empty().await;
        let mut browser = site.browser();
        let form = [("name", "Ada"), ("email_address", "ada@example.com"), ("password", PASSWORD)];
        let answer = browser.post("/first_run", &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let ada = site.someone("ada@example.com", browser).await;
        (site, ada)
    }

    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), host: "chat.example".into(), cookie: String::new() }
    }

    pub async fn join_path(&self) -> String {
        let account = store::accounts::find(self.state.db.reader()).await.unwrap().unwrap();
        format!("/join/{}", account.join_code)
    }

    /// Registers a member through the join link.
    pub async fn join(&self, name: &str) -> Someone {
        let mut browser = self.browser();
        let email_address = format!("{}@example.com", name.to_lowercase());
        let form = [("name", name), ("email_address", &email_address), ("password", PASSWORD)];
        let answer = browser.post(&self.join_path().await, &form).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        self.someone(&email_address, browser).await
    }

    pub async fn all_talk(&self, someone: &Someone) -> RoomId {
        store::rooms::oldest_of(self.state.db.reader(), someone.user.id).await.unwrap().unwrap()
    }

    pub async fn closed_room(&self, maker: &Someone, name: &str) -> Room {
        ops::rooms::open(&self.state, &maker.user, name.parse().unwrap(), Audience::Chosen(vec![])).await.unwrap()
    }

    pub async fn post(&self, someone: &Someone, room_id: RoomId, text: &str) -> Message {
        let member = self.state.members.find(&someone.user, room_id).await.unwrap();
        let randomness = uuid::Uuid::new_v4().as_bytes()[..10].try_into().unwrap();
        let id = ClientMessageId::v7(1, randomness);
        match ops::messages::post(&self.state, &member, id, text.parse().unwrap()).await.unwrap() {
            Posted::Stored(message) => message,
            Posted::Removed(_) => unreachable!("a message with a new id cannot be removed"),
        }
    }

    pub async fn profile(&self, user_id: UserId) -> Profile {
        store::users::profile(self.state.db.reader(), user_id).await.unwrap().unwrap()
    }

    pub async fn db_set_role(&self, user_id: UserId, role: Role) {
        let write = async move |tx: &mut store::Tx| Ok(store::users::update_role(tx.db(), user_id, role, 1).await?);
        self.state.db.write(write).await.unwrap();
    }

    pub async fn db_set_status(&self, user_id: UserId, status: Status) {
        let write = async move |tx: &mut store::Tx| Ok(store::users::update_status(tx.db(), user_id, status, 1).await?);
        self.state.db.write(write).await.unwrap();
    }

    /// Inserts members without sessions, named from "Person 00001" on.
    pub async fn db_crowd(&self, count: i64) {
        let write = async move |tx: &mut store::Tx| {
            for number in 1..=count {
                let name = format!("Person {number:05}").parse()?;
                let address = format!("person{number}@example.com").parse()?;
                store::users::insert(tx.db(), &name, &address, "x", Role::Member, 1).await?;
            }
            Ok(())
        };
        self.state.db.write(write).await.unwrap();
    }

    /// The router of the same site with `--text-only`.
    pub fn router_without_files(&self) -> Router {
        self.state.keep_text_only();
        app(Site::new(self.state.clone(), self.close.subscribe()))
    }

    /// Inserts a member without a session, and without hashing a password.
    pub async fn db_somebody(&self) -> UserId {
        let write = async |tx: &mut store::Tx| {
            let address = format!("{}@example.com", uuid::Uuid::new_v4()).parse()?;
            Ok(store::users::insert(tx.db(), &"Somebody".parse()?, &address, "x", Role::Member, 1).await?)
        };
        self.state.db.write(write).await.unwrap()
    }

    pub async fn db_message_count(&self) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM messages").fetch_one(self.state.db.reader()).await.unwrap()
    }

    pub async fn db_pragma(&self, pragma: &'static str) {
        let run = async move |tx: &mut store::Tx| Ok(sqlx::query(pragma).execute(tx.db()).await.map(drop)?);
        self.state.db.write(run).await.unwrap();
    }

    /// The state of another program on the same folder.
    pub async fn state_again(&self) -> AppState {
        AppState::open(self.folder.path(), self.state.clock.clone()).await.unwrap()
    }

    /// The data folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// A connection of another program to the same file.
    pub async fn db_connection(&self) -> sqlx::SqliteConnection {
        let path = self.folder.path().join("campfire.sqlite3");
        sqlx::SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap()
    }

    async fn someone(&self, email_address: &str, browser: Browser) -> Someone {
        let reader = self.state.db.reader();
        let (user_id, _) = store::users::find_by_email(reader, email_address).await.unwrap().unwrap();
        let sessions = store::sessions::list(reader, user_id, self.state.clock.now_ms()).await.unwrap();
        let user = store::users::find(reader, user_id).await.unwrap().unwrap();
        Someone { user, session_id: sessions[0].id, browser }
    }
}

impl Browser {
    /// The same browser, at another router.
    pub fn at(mut self, router: Router) -> Self {
        self.router = router;
        self
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Body::empty()).await
    }

    /// Submits a form.
    pub async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let body: String = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        self.send(Method::POST, path, &[("content-type", "application/x-www-form-urlencoded")], body.into()).await
    }

    /// Calls a server function.
    pub async fn call(&mut self, function: &str, arguments: &serde_json::Value) -> Answer {
        let headers = [("content-type", "application/json"), ("accept", "application/json")];
        self.send(Method::POST, &format!("/api/{function}"), &headers, arguments.to_string().into()).await
    }

    pub async fn send(&mut self, method: Method, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if !self.host.is_empty() {
            request = request.header(header::HOST, &self.host);
        }
        if !self.cookie.is_empty() {
            request = request.header(header::COOKIE, &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        for cookie in parts.headers.get_all(header::SET_COOKIE) {
            let cookie = cookie.to_str().unwrap();
            if cookie.starts_with("session_token=") || cookie.starts_with("__Host-session_token=") {
                self.cookie = cookie.split(';').next().unwrap().to_owned();
            }
        }
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}
