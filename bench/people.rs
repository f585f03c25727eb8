//! Times of finding a direct room among 10,000 and of listing 5,000 people, on a generated database.
//! Usage: cargo run --release -p server --example people

#![expect(clippy::disallowed_methods, reason = "what is measured here is real time")]

#[expect(dead_code, reason = "this program has no budgets and no rounds")]
#[path = "meter/table.rs"]
mod table;

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, header};
use campfire::clock::Clock;
use campfire::model::{Role, User, UserId};
use campfire::state::AppState;
use campfire::{AppResult, ops, store};
use http_body_util::BodyExt;
use server::{Site, app};
use tokio::sync::watch;
use tower::ServiceExt;

const PEOPLE: i64 = 5_000;
const DIRECT_ROOMS: usize = 10_000;
const ROUNDS: usize = 200;

#[tokio::main]
async fn main() {
    let folder = tempfile::tempdir().expect("a folder of its own");
    let state = AppState::open(folder.path(), Clock::System).await.expect("the data can be opened");
    let (_close, closing) = watch::channel(false);
    let site = app(Site::new(state.clone(), closing));

    let form = "name=Ada&email_address=ada%40example.com&password=correct+horse";
    let request = Request::post("/first_run")
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = site.clone().oneshot(request.body(Body::from(form)).expect("a request")).await.expect("an answer");
    let cookie = answer.headers()[header::SET_COOKIE]
        .to_str()
        .expect("a cookie")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();

    let made = state.db.write(async |tx| -> AppResult<Vec<User>> {
        let mut people = Vec::new();
        for number in 0..PEOPLE {
            let name = format!("Person {number:05}");
            let address = format!("person{number}@example.com");
            let id = store::users::insert(tx.db(), &name.parse()?, &address.parse()?, "x", Role::Member, 1).await?;
            people.push(User { id, name, role: Role::Member });
        }
        Ok(people)
    });
    let people = made.await.expect("people");
    let pairs: Vec<(User, UserId)> = (0..DIRECT_ROOMS)
        .map(|number| {
            let one = number % people.len();
            let step = number / people.len() + 1;
            (people[one].clone(), people[(one + step) % people.len()].id)
        })
        .collect();
    for group in pairs.chunks(64) {
        let pings = group.iter().map(|(one, other)| ops::rooms::ping(&state, one, vec![*other]));
        for made in futures::future::join_all(pings).await {
            made.expect("a ping");
        }
    }

    let mut times = Vec::new();
    for round in 0..ROUNDS {
        let (one, other) = &pairs[round * 37 % pairs.len()];
        let began = Instant::now();
        ops::rooms::ping(&state, one, vec![*other]).await.expect("the ping");
        times.push(began.elapsed());
    }
    print("ping with the same set", &times);

    for (name, path) in [
        ("people, first page of 500", "/account/edit"),
        ("people, last page", "/account/edit?page=11"),
        ("people, filtered to 10", "/account/edit?filter=person+0499"),
    ] {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let request = Request::get(path)
                .header(header::HOST, "localhost")
                .header(header::COOKIE, &cookie)
                .body(Body::empty())
                .expect("a request");
            let began = Instant::now();
            let answer = site.clone().oneshot(request).await.expect("an answer");
            assert!(answer.status().is_success());
            answer.into_body().collect().await.expect("a body");
            times.push(began.elapsed());
        }
        print(name, &times);
    }
}

/// Prints one row: the median with the range, and the 99th percentile.
fn print(workload: &str, times: &[Duration]) {
    let (_, p99) = table::p50_and_p99(times);
    table::print_times(workload, times, &format!("p99 {}", table::milliseconds(p99)));
}
