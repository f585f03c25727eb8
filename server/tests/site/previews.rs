//! Previews of links, from a server on loopback that the site may reach.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use campfire::model::{MessageId, RoomId};
use campfire::{jobs, ops};
use image::{ImageFormat, Rgb, RgbImage};
use pictures::Thumbnailer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Someone, TestSite};

/// A server with pages by path: status, content type, body.
struct Web {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

type Pages = HashMap<String, (String, &'static str, Vec<u8>)>;

impl Web {
    async fn serving(pages: impl FnOnce(SocketAddr) -> Pages) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Arc::new(pages(address));
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (pages, seen) = (Arc::clone(&pages), Arc::clone(&seen));
                tokio::spawn(async move {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        let Ok(byte) = stream.read_u8().await else { return };
                        head.push(byte);
                    }
                    let head = String::from_utf8(head).unwrap();
                    let path = head.split(' ').nth(1).unwrap().to_owned();
                    seen.lock().unwrap().push(path.clone());
                    let missing = ("404 Not Found".to_owned(), "text/html", b"<title>No</title>".to_vec());
                    let (status, kind, body) = pages.get(&path).unwrap_or(&missing);
                    let length = body.len();
                    let answer =
                        format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\r\n");
                    let _ = stream.write_all(&[answer.as_bytes(), body].concat()).await;
                });
            }
        });
        Self { address, requests }
    }

    /// A server with a page about salamanders, which has a picture, and some odd ones.
    async fn about_salamanders() -> Self {
        Self::serving(|address| {
            let page = |title: &str, more: &str| {
                let html = format!(
                    r#"<!doctype html><meta property="og:title" content="{title}">
                       <meta property="og:description" content="About them">{more}"#
                );
                ("200 OK".to_owned(), "text/html; charset=utf-8", html.into_bytes())
            };
            let picture = format!(r#"<meta property="og:image" content="http://{address}/picture">"#);
            let svg = format!(r#"<meta property="og:image" content="http://{address}/svg">"#);
            let inside = r#"<meta property="og:image" content="http://127.0.0.2:1/"><meta property="og:url" content="http://10.0.0.1/">"#;
            Pages::from([
                ("/salamanders".into(), page("Salamanders &amp;amp; <b>newts</b>", &picture)),
                ("/plain".into(), page("Plain", "")),
                ("/other".into(), page("Other", "")),
                ("/svg-page".into(), page("Drawing", &svg)),
                ("/inside".into(), page("Inside", inside)),
                ("/picture".into(), ("200 OK".into(), "image/png", png(900, 450))),
                ("/svg".into(), ("200 OK".into(), "image/svg+xml", b"<svg/>".to_vec())),
                ("/text".into(), ("200 OK".into(), "text/plain", b"<title>x</title>".to_vec())),
                ("/forbidden".into(), ("403 Forbidden".into(), "text/html", page("x", "").2)),
                ("/large".into(), ("200 OK".into(), "text/html", [page("x", "").2, vec![b' '; 5 * 1024 * 1024]].concat())),
                ("/nothing".into(), ("200 OK".into(), "text/html", b"<title>Only a title</title>".to_vec())),
            ])
        })
        .await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(width, height, Rgb([200, 30, 40])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A site that may reach servers on loopback, with Ada, an administrator, and Bob.
async fn site() -> (TestSite, Someone, Someone, RoomId) {
    let (site, ada) = TestSite::with_ada().await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    site.state.outgoing.permit(["127.0.0.1/32".parse().unwrap()]);
    site.state.files.set_thumbnailer(Thumbnailer::new(env!("CARGO_BIN_EXE_campfire"), ["picture".into()]));
    (site, ada, bob, room_id)
}

async fn shown(site: &TestSite, someone: &Someone, room_id: RoomId, message_id: MessageId) -> String {
    let member = site.state.members.find(&someone.user, room_id).await.unwrap();
    ops::messages::find(&site.state, &member, message_id).await.unwrap().extras_html
}

async fn jobs_run(site: &TestSite) {
    jobs::run_due(&site.state).await.unwrap();
}

async fn blob_count(site: &TestSite) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM blobs").fetch_one(site.state.db.reader()).await.unwrap()
}

/// The path of the picture in a message's previews.
fn picture_path(html: &str) -> String {
    html.split_once("src=\"").unwrap().1.split_once('"').unwrap().0.to_owned()
}

#[tokio::test]
async fn a_link_gets_a_preview_with_a_picture_that_members_of_the_room_can_read() {
    let (site, mut ada, mut bob, _) = site().await;
    let web = Web::about_salamanders().await;
    let room = site.closed_room(&ada, "Makers").await;
    let message = site.post(&ada, room.id, &format!("look: {}", web.url("/salamanders"))).await;
    assert!(message.extras_html.is_empty() && web.requests().is_empty(), "the post waits for nothing");
    jobs_run(&site).await;
    assert_eq!(web.requests(), ["/salamanders", "/picture"]);
    let html = shown(&site, &ada, room.id, message.id).await;
    assert!(html.contains("Salamanders &amp; newts") && html.contains("About them"), "{html}");
    assert!(
        html.contains(r#"width="600" height="300""#) && !html.contains("/picture"),
        "made small, from here: {html}"
    );
    let page = ada.browser.get(&format!("/rooms/{}", room.id)).await.text();
    assert!(page.contains(&html), "the page without scripts has it");

    let path = picture_path(&html);
    let picture = ada.browser.get(&path).await;
    assert_eq!((picture.status, &picture.headers["content-type"]), (StatusCode::OK, &"image/jpeg".parse().unwrap()));
    assert_eq!(image::load_from_memory(&picture.body).unwrap().width(), 600);
    assert_eq!(bob.browser.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.browser().get(&path).await.status, StatusCode::SEE_OTHER);

    jobs_run(&site).await;
    assert_eq!(web.requests().len(), 2, "once");
    let member = site.state.members.find(&ada.user, room.id).await.unwrap();
    ops::messages::remove(&site.state, &member, message.id).await.unwrap();
    site.state.clock.advance(5 * 60_000);
    jobs_run(&site).await;
    assert_eq!(blob_count(&site).await, 0, "the picture goes with its message");
    assert_eq!(ada.browser.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_has_nothing_to_show_has_no_preview() {
    let (site, ada, _, room_id) = site().await;
    let web = Web::about_salamanders().await;
    for path in ["/text", "/forbidden", "/large", "/nothing", "/missing", "/picture"] {
        let message = site.post(&ada, room_id, &web.url(path)).await;
        jobs_run(&site).await;
        assert_eq!(shown(&site, &ada, room_id, message.id).await, "", "{path}");
    }
    let before = web.requests().len();
    for unseen in [format!("`{}`", web.url("/plain")), format!("> {}", web.url("/plain")), web.url("/plain.zip")] {
        site.post(&ada, room_id, &unseen).await;
        jobs_run(&site).await;
    }
    assert_eq!(web.requests().len(), before, "quotes, code and files cause no request");
    let message = site.post(&ada, room_id, &web.url("/svg-page")).await;
    jobs_run(&site).await;
    let html = shown(&site, &ada, room_id, message.id).await;
    assert!(html.contains("Drawing") && !html.contains("<img"), "{html}");
}

#[tokio::test]
async fn a_page_cannot_lead_to_the_network_of_the_server() {
    let (site, ada, _, room_id) = site().await;
    let web = Web::about_salamanders().await;
    let listener = TcpListener::bind(("127.0.0.2", 0)).await.unwrap();
    let secret = listener.local_addr().unwrap();
    let redirect = Web::serving(|_| {
        let status = format!("302 Found\r\nlocation: http://{secret}/");
        Pages::from([("/away".into(), (status, "text/html", Vec::new()))])
    })
    .await;
    for link in [
        format!("http://{secret}/"),
        "http://[::1]:80/".into(),
        redirect.url("/away"),
        "http://169.254.169.254/".into(),
    ] {
        let message = site.post(&ada, room_id, &link).await;
        jobs_run(&site).await;
        assert_eq!(shown(&site, &ada, room_id, message.id).await, "", "{link}");
    }
    let message = site.post(&ada, room_id, &web.url("/inside")).await;
    jobs_run(&site).await;
    let html = shown(&site, &ada, room_id, message.id).await;
    assert!(html.contains("Inside") && !html.contains("<img") && !html.contains("10.0.0.1"), "{html}");
    assert!(html.contains(&format!(r#"href="{}""#, web.url("/inside"))), "{html}");
    let own = tokio::net::TcpStream::connect(secret).await.unwrap();
    assert_eq!(listener.accept().await.unwrap().1, own.local_addr().unwrap(), "nothing else connected");
}

#[tokio::test]
async fn an_edit_takes_previews_out_and_in() {
    let (site, ada, _, room_id) = site().await;
    let web = Web::about_salamanders().await;
    let both = format!("{} {}", web.url("/salamanders"), web.url("/plain"));
    let message = site.post(&ada, room_id, &both).await;
    jobs_run(&site).await;
    let html = shown(&site, &ada, room_id, message.id).await;
    assert!(html.find("Salamanders").unwrap() < html.find("Plain").unwrap(), "in the order of the links");
    let member = site.state.members.find(&ada.user, room_id).await.unwrap();
    let edit = async |text: String| {
        ops::messages::edit(&site.state, &member, message.id, text.parse().unwrap()).await.unwrap();
        let at_once = shown(&site, &ada, room_id, message.id).await;
        jobs_run(&site).await;
        (at_once, shown(&site, &ada, room_id, message.id).await)
    };
    let (at_once, later) = edit(format!("{} {}", web.url("/plain"), web.url("/other"))).await;
    assert!(at_once.contains("Plain") && !at_once.contains("Salamanders"), "{at_once}");
    assert!(later.find("Plain").unwrap() < later.find("Other").unwrap(), "{later}");
    assert_eq!(web.requests().iter().filter(|path| *path == "/plain").count(), 1, "what stays is not fetched again");
    let (at_once, _) = edit("no links".into()).await;
    assert_eq!(at_once, "");
    site.state.clock.advance(5 * 60_000);
    ops::messages::remove(&site.state, &member, message.id).await.unwrap();
    jobs_run(&site).await;
    assert_eq!(blob_count(&site).await, 0);
}

#[tokio::test]
async fn the_author_and_administrators_take_a_preview_away_for_good() {
    let (site, mut ada, mut bob, room_id) = site().await;
    let mut cleo = site.join("Cleo").await;
    let web = Web::about_salamanders().await;
    let (first, second) = (web.url("/salamanders"), web.url("/plain"));
    let message = site.post(&bob, room_id, &format!("{first} {second}")).await;
    jobs_run(&site).await;
    let path = format!("/messages/{}/previews", message.id);
    assert_eq!(cleo.browser.post(&path, &[("link", &first)]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(site.browser().post(&path, &[("link", &first)]).await.status, StatusCode::UNAUTHORIZED);
    assert!(shown(&site, &ada, room_id, message.id).await.contains("Salamanders"));
    let taken = bob.browser.post(&path, &[("link", &first)]).await;
    assert_eq!(
        (taken.status, taken.location()),
        (StatusCode::SEE_OTHER, &*format!("/rooms/{room_id}/@{}", message.id))
    );
    let html = shown(&site, &ada, room_id, message.id).await;
    assert!(html.contains("Plain") && !html.contains("Salamanders"), "{html}");
    ada.browser.post(&path, &[("link", &second)]).await;
    assert_eq!(shown(&site, &ada, room_id, message.id).await, "");
    for odd in [&*first, "", "https://a.example/"] {
        assert_eq!(bob.browser.post(&path, &[("link", odd)]).await.status, StatusCode::SEE_OTHER, "{odd:?}");
    }
    let member = site.state.members.find(&bob.user, room_id).await.unwrap();
    let draft = format!("{first} {second} again").parse().unwrap();
    ops::messages::edit(&site.state, &member, message.id, draft).await.unwrap();
    site.state.clock.advance(5 * 60_000);
    jobs_run(&site).await;
    assert_eq!(shown(&site, &ada, room_id, message.id).await, "", "an edit does not bring it back");
    assert_eq!(blob_count(&site).await, 0);
}

#[tokio::test]
async fn the_account_can_switch_previews_off() {
    let (site, mut ada, mut bob, room_id) = site().await;
    let web = Web::about_salamanders().await;
    assert!(ada.browser.get("/account/edit").await.text().contains("Show previews of links"));
    let waiting = site.post(&ada, room_id, &web.url("/other")).await;
    let off = [("_method", "put"), ("preview_links", "false")];
    assert_eq!(bob.browser.post("/account", &off).await.status, StatusCode::FORBIDDEN);
    assert_eq!(ada.browser.post("/account", &off).await.location(), "/account/edit?notice=saved");
    let message = site.post(&ada, room_id, &web.url("/plain")).await;
    jobs_run(&site).await;
    assert!(web.requests().is_empty(), "also for what was posted before");
    assert_eq!(shown(&site, &ada, room_id, message.id).await, "");
    assert_eq!(shown(&site, &ada, room_id, waiting.id).await, "");
    ada.browser.post("/account", &[("_method", "put"), ("preview_links", "false"), ("preview_links", "true")]).await;
    let message = site.post(&ada, room_id, &web.url("/plain")).await;
    jobs_run(&site).await;
    assert!(shown(&site, &ada, room_id, message.id).await.contains("Plain"));
}

#[tokio::test]
async fn a_server_that_does_not_answer_is_asked_a_few_times_and_then_no_more() {
    let (site, ada, _, room_id) = site().await;
    let web = Web::about_salamanders().await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let silent = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            *count.lock().unwrap() += 1;
            drop(stream);
        }
    });
    let message = site.post(&ada, room_id, &format!("http://{silent}/ {}", web.url("/plain"))).await;
    jobs_run(&site).await;
    assert!(shown(&site, &ada, room_id, message.id).await.contains("Plain"), "the other link does not wait");
    for _ in 0..6 {
        site.state.clock.advance(10 * 60_000);
        jobs_run(&site).await;
    }
    assert_eq!(*asked.lock().unwrap(), 3);
}
