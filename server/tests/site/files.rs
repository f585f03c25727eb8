//! Files: uploads that go on, messages with files, and who may read them.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use campfire::jobs;
use campfire::model::{FileKey, Job, RoomId};
use image::{ImageFormat, Rgb, RgbImage};
use pictures::Thumbnailer;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{Answer, Browser, Someone, TestSite};

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

fn header_of(answer: &Answer, name: &str) -> String {
    answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

async fn begin(browser: &mut Browser, id: Uuid, name: &str, bytes: usize) -> Answer {
    let description = json!({"client_upload_id": id.to_string(), "name": name, "size_bytes": bytes});
    let headers = [("content-type", "application/json")];
    browser.send(Method::POST, "/uploads", &headers, description.to_string().into()).await
}

async fn append(browser: &mut Browser, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    let offset = offset.to_string();
    browser.send(Method::PATCH, path, &[("upload-offset", &offset)], Body::from(bytes.to_vec())).await
}

/// Uploads a file in one piece, and returns its key.
async fn upload(browser: &mut Browser, name: &str, bytes: &[u8]) -> String {
    let begun = begin(browser, Uuid::now_v7(), name, bytes.len()).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text());
    let path = begun.location().to_owned();
    if !bytes.is_empty() {
        let appended = append(browser, &path, 0, bytes).await;
        assert_eq!(appended.status, StatusCode::NO_CONTENT, "{}", appended.text());
    }
    path.rsplit('/').next().unwrap().to_owned()
}

async fn post(browser: &mut Browser, room_id: RoomId, id: Uuid, body: &str, keys: &[&str]) -> Answer {
    let arguments = json!({"room_id": room_id, "client_message_id": id.to_string(), "body": body, "files": keys});
    browser.call("messages/post", &arguments).await
}

/// Posts a message with files, and returns it.
async fn posted(browser: &mut Browser, room_id: RoomId, body: &str, keys: &[&str]) -> Value {
    let answer = post(browser, room_id, Uuid::now_v7(), body, keys).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
    serde_json::from_slice::<Value>(&answer.body).unwrap()["stored"].clone()
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(width, height, Rgb([200, 30, 40])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn makes_previews(site: &TestSite) {
    let program = env!("CARGO_BIN_EXE_campfire");
    site.state.files.set_thumbnailer(Thumbnailer::new(program, ["picture".into()]));
}

async fn count(site: &TestSite, table: &str) -> i64 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(site.state.db.reader()).await.unwrap()
}

/// The names of all files on disk, sorted.
fn on_disk(site: &TestSite) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![site.folder().join("files")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                names.push(entry.file_name().into_string().unwrap());
            }
        }
    }
    names.sort();
    names
}

async fn everyone_in(site: &TestSite) -> (Someone, Someone, RoomId) {
    let ada = site.join("Adele").await;
    let bob = site.join("Bob").await;
    let room_id = site.all_talk(&ada).await;
    (ada, bob, room_id)
}

#[tokio::test]
async fn an_upload_goes_on_from_where_it_stands() {
    let (site, mut ada) = TestSite::with_ada().await;
    let content: Vec<u8> = (0..300_000_u32).flat_map(u32::to_le_bytes).collect();
    let id = Uuid::now_v7();
    let begun = begin(&mut ada.browser, id, "data.bin", content.len()).await;
    assert_eq!(begun.status, StatusCode::CREATED);
    assert_eq!((header_of(&begun, "upload-offset"), header_of(&begun, "upload-complete")), ("0".into(), "?0".into()));
    let path = begun.location().to_owned();
    let first = append(&mut ada.browser, &path, 0, &content[..65_536]).await;
    assert_eq!((first.status, header_of(&first, "upload-offset")), (StatusCode::NO_CONTENT, "65536".into()));

    let again = begin(&mut ada.browser, id, "data.bin", content.len()).await;
    assert_eq!((again.status, again.location()), (StatusCode::OK, path.as_str()), "the same id, the same upload");
    assert_eq!(header_of(&again, "upload-offset"), "65536");
    let stands = ada.browser.send(Method::HEAD, &path, &[], Body::empty()).await;
    assert_eq!(header_of(&stands, "upload-offset"), "65536");
    assert_eq!(header_of(&stands, "upload-length"), content.len().to_string());
    let wrong = append(&mut ada.browser, &path, 0, &content[..10]).await;
    assert_eq!((wrong.status, header_of(&wrong, "upload-offset")), (StatusCode::CONFLICT, "65536".into()));

    // A connection that is cut after every 64 KiB.
    let mut offset = 65_536;
    while offset < content.len() {
        let end = (offset + 65_536).min(content.len());
        let piece = content[offset..end].to_vec();
        let cut = end < content.len();
        let body = Body::from_stream(futures::stream::iter(
            std::iter::once(Ok(piece)).chain(cut.then(|| Err(std::io::Error::other("cut")))),
        ));
        let headers = [("upload-offset", &*offset.to_string())];
        let answer = ada.browser.send(Method::PATCH, &path, &headers, body).await;
        assert_eq!(answer.status, if cut { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT });
        offset = end;
        let stands = ada.browser.send(Method::HEAD, &path, &[], Body::empty()).await;
        assert_eq!(header_of(&stands, "upload-offset"), offset.to_string());
    }
    let stands = ada.browser.send(Method::HEAD, &path, &[], Body::empty()).await;
    assert_eq!(header_of(&stands, "upload-complete"), "?1");
    let room_id = site.all_talk(&ada).await;
    let key = path.rsplit('/').next().unwrap();
    posted(&mut ada.browser, room_id, "", &[key]).await;
    let served = ada.browser.get(&format!("/files/{key}/data.bin")).await;
    assert_eq!(Sha256::digest(&served.body), Sha256::digest(&content));
    assert_eq!(on_disk(&site), [key]);
}

#[tokio::test]
async fn uploads_that_are_odd_are_refused_with_a_reason() {
    let (site, mut ada) = TestSite::with_ada().await;
    site.state.files.set_max_file_bytes(1_000);
    let refused = begin(&mut ada.browser, Uuid::now_v7(), "big.bin", 1_001).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.text().contains("at most 1 KB"), "{}", refused.text());
    let endless = begin(&mut ada.browser, Uuid::now_v7(), "big.bin", usize::MAX).await;
    assert_eq!(endless.status, StatusCode::PAYLOAD_TOO_LARGE);
    for odd in [r#"{"name":"x"}"#, "", "[]", r#"{"client_upload_id":"1","name":"x","size_bytes":1}"#] {
        let headers = [("content-type", "application/json")];
        let answer = ada.browser.send(Method::POST, "/uploads", &headers, odd.into()).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{odd}");
    }
    let negative = r#"{"client_upload_id":"01920000-0001-7fff-bfff-ffffffffffff","name":"x","size_bytes":-1}"#;
    let answer = ada.browser.send(Method::POST, "/uploads", &[("content-type", "application/json")], negative.into());
    assert_eq!(answer.await.status, StatusCode::BAD_REQUEST);

    let id = Uuid::now_v7();
    let path = begin(&mut ada.browser, id, "a.txt", 5).await.location().to_owned();
    let other = begin(&mut ada.browser, id, "a.txt", 6).await;
    assert_eq!(other.status, StatusCode::CONFLICT, "the same id for another file");
    let long = append(&mut ada.browser, &path, 0, b"123456").await;
    assert_eq!(long.status, StatusCode::BAD_REQUEST, "longer than announced");
    assert_eq!(append(&mut ada.browser, &path, 0, b"123").await.status, StatusCode::NO_CONTENT, "nothing was kept");
    let missing = ada.browser.send(Method::PATCH, &path, &[], Body::from("x")).await;
    assert_eq!(missing.status, StatusCode::BAD_REQUEST, "no offset");
    let headers = [("upload-offset", "3"), ("content-length", "9000000")];
    let huge = ada.browser.send(Method::PATCH, &path, &headers, Body::from("45")).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    for path in ["/uploads/x", "/uploads/ffffffffffffffffffffffffffffffff"] {
        assert_eq!(ada.browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }

    site.state.files.set_min_free_bytes(u64::MAX);
    let full = begin(&mut ada.browser, Uuid::now_v7(), "b.txt", 5).await;
    assert_eq!(full.status, StatusCode::INSUFFICIENT_STORAGE);
    assert!(full.text().contains("disk is full"), "{}", full.text());
    site.state.files.set_min_free_bytes(0);
    for number in 0..19 {
        let begun = begin(&mut ada.browser, Uuid::now_v7(), "c.txt", 5).await;
        assert_eq!(begun.status, StatusCode::CREATED, "{number}");
    }
    let many = begin(&mut ada.browser, Uuid::now_v7(), "c.txt", 5).await;
    assert_eq!(many.status, StatusCode::CONFLICT, "the twenty-first under way");
    assert_eq!(ada.browser.send(Method::DELETE, &path, &[], Body::empty()).await.status, StatusCode::NO_CONTENT);
    assert_eq!(begin(&mut ada.browser, Uuid::now_v7(), "c.txt", 5).await.status, StatusCode::CREATED);
    assert!(on_disk(&site).is_empty(), "{:?}", on_disk(&site));
}

#[tokio::test]
async fn an_upload_is_its_owners_and_used_once() {
    let (site, _) = TestSite::with_ada().await;
    let (mut ada, mut bob, room_id) = everyone_in(&site).await;
    let key = upload(&mut ada.browser, "a.txt", b"hello").await;
    let unfinished = begin(&mut ada.browser, Uuid::now_v7(), "b.txt", 5).await.location().to_owned();
    let unfinished_key = unfinished.rsplit('/').next().unwrap();
    assert_eq!(bob.browser.get(&unfinished).await.status, StatusCode::NOT_FOUND);
    assert_eq!(append(&mut bob.browser, &unfinished, 0, b"12345").await.status, StatusCode::NOT_FOUND);
    bob.browser.send(Method::DELETE, &unfinished, &[], Body::empty()).await;
    assert_eq!(ada.browser.get(&unfinished).await.status, StatusCode::NO_CONTENT, "it is still there");
    let mut stranger = site.browser();
    let unsigned = append(&mut stranger, &unfinished, 0, b"12345").await.status;
    assert_eq!(unsigned, StatusCode::UNAUTHORIZED);
    assert_eq!(ada.browser.get(&format!("/files/{key}/a.txt")).await.status, StatusCode::NOT_FOUND, "in no message");

    for (is_owner, keys) in [
        (false, vec![key.as_str()]),
        (true, vec![unfinished_key]),
        (true, vec![key.as_str(), key.as_str()]),
        (true, vec![key.as_str(), "ffffffffffffffffffffffffffffffff"]),
    ] {
        let browser = if is_owner { &mut ada.browser } else { &mut bob.browser };
        let refused = post(browser, room_id, Uuid::now_v7(), "look", &keys).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{keys:?}");
    }
    let many = vec![key.as_str(); 11];
    assert_eq!(post(&mut ada.browser, room_id, Uuid::now_v7(), "", &many).await.status.as_u16(), 422);
    assert_eq!(site.db_message_count().await, 0);

    let id = Uuid::now_v7();
    let first = post(&mut ada.browser, room_id, id, "look", &[&key]).await;
    assert_eq!(first.status, StatusCode::OK);
    assert_eq!(post(&mut ada.browser, room_id, id, "look", &[&key]).await.body, first.body, "sent again");
    assert_eq!(post(&mut ada.browser, room_id, id, "look", &[]).await.status, StatusCode::CONFLICT, "other files");
    let again = post(&mut ada.browser, room_id, Uuid::now_v7(), "look", &[&key]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "used twice");
    assert_eq!((site.db_message_count().await, count(&site, "attachments").await), (1, 1));
}

#[tokio::test]
async fn files_are_read_by_the_members_of_the_room_alone() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Designers").await;
    let key = upload(&mut ada.browser, "plan.txt", b"secret plan").await;
    posted(&mut ada.browser, room.id, "", &[&key]).await;
    let path = format!("/files/{key}/plan.txt");
    let served = ada.browser.get(&path).await;
    assert_eq!((served.status, served.text()), (StatusCode::OK, "secret plan".into()));
    assert_eq!(header_of(&served, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header_of(&served, "content-security-policy"), "sandbox; default-src 'none'");
    assert_eq!(header_of(&served, "x-content-type-options"), "nosniff");
    assert_eq!(header_of(&served, "cache-control"), "private, max-age=31536000, immutable");
    assert_eq!(
        header_of(&served, "content-disposition"),
        "attachment; filename=\"plan.txt\"; filename*=UTF-8''plan.txt"
    );
    let etag = header_of(&served, "etag");
    assert_eq!(ada.browser.send(Method::GET, &path, &[("if-none-match", &etag)], Body::empty()).await.status, 304);

    assert_eq!(bob.browser.get(&path).await.status, StatusCode::NOT_FOUND, "an outsider");
    let cached = bob.browser.send(Method::GET, &path, &[("if-none-match", &etag)], Body::empty()).await;
    assert_eq!(cached.status, StatusCode::NOT_FOUND, "an outsider who had it");
    assert_eq!(site.browser().get(&path).await.status, StatusCode::SEE_OTHER, "nobody");
    for odd in [format!("/files/{key}x/plan.txt"), "/files/../campfire.sqlite3".into(), format!("{path}/thumb")] {
        assert_eq!(ada.browser.get(&odd).await.status, StatusCode::NOT_FOUND, "{odd}");
    }
    let removed = ada.browser.send(Method::DELETE, &format!("/rooms/{}", room.id), &[], Body::empty()).await;
    assert!(removed.status.is_redirection(), "{}", removed.status);
    assert_eq!(ada.browser.get(&path).await.status, StatusCode::NOT_FOUND, "the room is gone");
}

#[tokio::test]
async fn a_part_of_a_file_is_sent_on_request() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let key = upload(&mut ada.browser, "a.bin", b"0123456789").await;
    posted(&mut ada.browser, room_id, "", &[&key]).await;
    let path = format!("/files/{key}/a.bin");
    let mut part = async |headers: &[(&str, &str)]| ada.browser.send(Method::GET, &path, headers, Body::empty()).await;
    let whole = part(&[]).await;
    let etag = header_of(&whole, "etag");
    let middle = part(&[("range", "bytes=2-4")]).await;
    assert_eq!((middle.status, middle.text()), (StatusCode::PARTIAL_CONTENT, "234".into()));
    assert_eq!(header_of(&middle, "content-range"), "bytes 2-4/10");
    assert_eq!(part(&[("range", "bytes=-3")]).await.text(), "789");
    let beyond = part(&[("range", "bytes=10-")]).await;
    assert_eq!(
        (beyond.status, header_of(&beyond, "content-range")),
        (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */10".into())
    );
    assert_eq!(part(&[("range", "bytes=0-1,3-4")]).await.text(), "0123456789");
    assert_eq!(part(&[("range", "bytes=2-4"), ("if-range", &etag)]).await.text(), "234");
    assert_eq!(part(&[("range", "bytes=2-4"), ("if-range", "\"other\"")]).await.text(), "0123456789");
    let head = ada.browser.send(Method::HEAD, &path, &[], Body::empty()).await;
    assert_eq!((head.status, header_of(&head, "content-length"), head.body.len()), (StatusCode::OK, "10".into(), 0));
}

#[tokio::test]
async fn files_that_browsers_execute_are_never_shown() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let script = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    for (name, content) in [
        ("a.svg", &script[..]),
        ("b.html", b"<!doctype html><script>alert(1)</script>"),
        ("c.png", b"<html><script>alert(1)</script>"),
        ("d.xml", b"<?xml version='1.0'?><x/>"),
        ("e.js", b"alert(1)"),
    ] {
        let key = upload(&mut ada.browser, name, content).await;
        let message = posted(&mut ada.browser, room_id, "", &[&key]).await;
        assert!(!message["extras_html"].as_str().unwrap().contains("<img"), "{name}");
        let served = ada.browser.get(&format!("/files/{key}/{name}")).await;
        let disposition = header_of(&served, "content-disposition");
        assert!(disposition.starts_with("attachment"), "{name}: {disposition}");
        let content_type = header_of(&served, "content-type");
        assert!(matches!(&*content_type, "application/octet-stream" | "text/plain; charset=utf-8"), "{content_type}");
    }
}

#[tokio::test]
async fn a_picture_gets_a_preview_after_it_was_posted() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_previews(&site);
    let room_id = site.all_talk(&ada).await;
    let key = upload(&mut ada.browser, "wide.png", &png(2_400, 800)).await;
    let message = posted(&mut ada.browser, room_id, "look", &[&key]).await;
    let waiting = message["extras_html"].as_str().unwrap();
    assert!(waiting.contains(r#"width="600" height="200""#) && !waiting.contains("<img"), "{waiting}");
    jobs::run_due(&site.state).await.unwrap();
    let page = ada.browser.get(&format!("/rooms/{room_id}")).await.text();
    let preview = format!("/files/{key}/wide.png/thumb");
    assert!(page.contains(&format!(r#"<img src="{preview}" alt="wide.png" width="600" height="200""#)), "{page}");
    assert!(page.contains(r##"fill="#c81e28""##), "the main colour");
    let served = ada.browser.get(&preview).await;
    assert_eq!((served.status, header_of(&served, "content-type")), (StatusCode::OK, "image/jpeg".into()));
    let thumbnail = image::load_from_memory(&served.body).unwrap();
    assert_eq!((thumbnail.width(), thumbnail.height()), (1_200, 400));
    let mut bob = site.join("Bob").await;
    let other = site.closed_room(&ada, "Closed").await;
    let secret = upload(&mut ada.browser, "secret.png", &png(9, 9)).await;
    posted(&mut ada.browser, other.id, "", &[&secret]).await;
    jobs::run_due(&site.state).await.unwrap();
    let path = format!("/files/{secret}/secret.png/thumb");
    assert_eq!(ada.browser.get(&path).await.status, StatusCode::OK);
    assert_eq!(bob.browser.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_picture_that_cannot_be_decoded_is_a_file() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_previews(&site);
    let room_id = site.all_talk(&ada).await;
    // The header announces 8,000,000 × 4,294,967,295 pixels.
    let mut announced = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    announced.extend(8_000_000_u32.to_be_bytes());
    announced.extend(u32::MAX.to_be_bytes());
    announced.extend(b"\x08\x02\0\0\0\0\0\0\0");
    let mut cut = png(400, 300);
    cut.truncate(60);
    for (name, content) in [("huge.png", &announced), ("cut.png", &cut)] {
        let key = upload(&mut ada.browser, name, content).await;
        posted(&mut ada.browser, room_id, "", &[&key]).await;
        jobs::run_due(&site.state).await.unwrap();
        let page = ada.browser.get(&format!("/rooms/{room_id}")).await.text();
        assert!(page.contains(&format!("/files/{key}/{name}")) && !page.contains("/thumb"), "{name}");
        assert_eq!(ada.browser.get(&format!("/files/{key}/{name}")).await.status, StatusCode::OK);
    }
    assert_eq!(count(&site, "jobs WHERE kind = 'make_preview'").await, 0, "each is tried once");
}

#[tokio::test]
async fn where_a_picture_was_taken_is_taken_out() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut jpeg = std::io::Cursor::new(Vec::new());
    RgbImage::from_pixel(40, 30, Rgb([1, 2, 3])).write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
    let jpeg = jpeg.into_inner();
    let secret = b"Exif\0\0MM\0*\0\0\0\x08\0\0GPS 52.5200 N 13.4050 E";
    let mut with_position = jpeg[..2].to_vec();
    with_position.extend(b"\xff\xe1");
    with_position.extend(u16::try_from(secret.len() + 2).unwrap().to_be_bytes());
    with_position.extend(secret);
    with_position.extend(&jpeg[2..]);
    let key = upload(&mut ada.browser, "photo.jpg", &with_position).await;
    posted(&mut ada.browser, room_id, "", &[&key]).await;
    let served = ada.browser.get(&format!("/files/{key}/photo.jpg")).await;
    assert!(!served.body.windows(3).any(|bytes| bytes == b"GPS"), "the position is gone");
    assert_eq!(header_of(&served, "etag"), format!("\"{}\"", campfire::model::hex(&Sha256::digest(&served.body))));
    assert_eq!(image::load_from_memory(&served.body).unwrap(), image::load_from_memory(&jpeg).unwrap());

    site.state.files.set_keeps_metadata(true);
    let key = upload(&mut ada.browser, "photo.jpg", &with_position).await;
    posted(&mut ada.browser, room_id, "", &[&key]).await;
    assert_eq!(ada.browser.get(&format!("/files/{key}/photo.jpg")).await.body, with_position);
}

#[tokio::test]
async fn the_files_of_a_deleted_message_are_deleted() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_previews(&site);
    let room_id = site.all_talk(&ada).await;
    let kept = upload(&mut ada.browser, "kept.txt", b"kept").await;
    posted(&mut ada.browser, room_id, "", &[&kept]).await;
    let key = upload(&mut ada.browser, "gone.png", &png(20, 10)).await;
    let message = posted(&mut ada.browser, room_id, "look", &[&key]).await;
    jobs::run_due(&site.state).await.unwrap();
    assert_eq!(on_disk(&site).len(), 3, "two files and a preview");
    let path = format!("/rooms/{room_id}/messages/{}", message["id"]);
    ada.browser.send(Method::DELETE, &path, &[], Body::empty()).await;
    assert_eq!(ada.browser.get(&format!("/files/{key}/gone.png")).await.status, StatusCode::NOT_FOUND, "at once");
    jobs::run_due(&site.state).await.unwrap();
    assert_eq!(on_disk(&site), [kept]);
    assert_eq!((count(&site, "blobs").await, count(&site, "attachments").await), (1, 1));
}

#[tokio::test]
async fn uploads_that_no_message_has_expire() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let unused = upload(&mut ada.browser, "unused.txt", b"unused").await;
    let begun = begin(&mut ada.browser, Uuid::now_v7(), "half.txt", 8).await.location().to_owned();
    append(&mut ada.browser, &begun, 0, b"half").await;
    let used = upload(&mut ada.browser, "used.txt", b"used").await;
    posted(&mut ada.browser, room_id, "", &[&used]).await;
    assert_eq!(on_disk(&site).len(), 3);
    site.state.clock.advance(DAY_MS + 120_000);
    let late = post(&mut ada.browser, room_id, Uuid::now_v7(), "", &[&unused]).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY, "too late");
    jobs::enqueue(&site.state, Job::Prune).await.unwrap();
    jobs::run_due(&site.state).await.unwrap();
    assert_eq!(on_disk(&site), [used]);
    assert_eq!((count(&site, "uploads").await, count(&site, "blobs").await), (0, 1));
}

#[tokio::test]
async fn what_somebody_uploads_and_does_not_send_is_bounded_in_bytes() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    site.state.files.set_max_file_bytes(10);
    let mut keys = Vec::new();
    for number in 0..20 {
        keys.push(upload(&mut ada.browser, &format!("{number}.txt"), b"0123456789").await);
        site.state.clock.advance(1_000);
    }
    let refused = begin(&mut ada.browser, Uuid::now_v7(), "more.txt", 1).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(refused.text().contains("Your files that are in no message take 200 B, the most."), "{}", refused.text());

    // One that is removed is deleted at once, so that uploading and removing fills no disk.
    let removed = ada.browser.send(Method::DELETE, &format!("/uploads/{}", keys[0]), &[], Body::empty()).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT);
    jobs::run_due(&site.state).await.unwrap();
    assert_eq!(on_disk(&site).len(), 19);
    upload(&mut ada.browser, "more.txt", b"0123456789").await;
    assert_eq!(begin(&mut ada.browser, Uuid::now_v7(), "more.txt", 1).await.status, StatusCode::CONFLICT);

    // What is sent does not count.
    posted(&mut ada.browser, room_id, "", &[&keys[1], &keys[2]]).await;
    let begun = begin(&mut ada.browser, Uuid::now_v7(), "more.txt", 10).await;
    assert_eq!(begun.status, StatusCode::CREATED);
    // Another one's do not either.
    let mut bob = site.join("Bob").await;
    upload(&mut bob.browser, "bob.txt", b"0123456789").await;
}

#[tokio::test]
async fn a_message_with_files_is_edited_and_found() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let key = upload(&mut ada.browser, "Budget_2026 Größe.pdf", b"%PDF-1.7").await;
    let message = posted(&mut ada.browser, room_id, "first words", &[&key]).await;
    let id = message["id"].as_i64().unwrap();
    let edit = json!({"room_id": room_id, "message_id": id, "body": ""});
    let edited = ada.browser.call("messages/edit", &edit).await;
    assert_eq!(edited.status, StatusCode::OK, "a message with a file needs no words: {}", edited.text());
    assert!(edited.text().contains("Budget_2026"), "the files stay");
    let plain = site.post(&ada, room_id, "plain").await;
    let emptied = json!({"room_id": room_id, "message_id": plain.id, "body": " "});
    assert_eq!(ada.browser.call("messages/edit", &emptied).await.status, StatusCode::UNPROCESSABLE_ENTITY);

    let mut finds = async |query: &str| {
        let query: String = form_urlencoded::byte_serialize(query.as_bytes()).collect();
        ada.browser.get(&format!("/searches?q={query}")).await.text().contains("Budget_2026")
    };
    for query in ["budget", "2026", "grosse", "has:file", "udget"] {
        assert!(finds(query).await, "{query}");
    }
    for query in ["first", "has:image", "has:link"] {
        assert!(!finds(query).await, "{query}");
    }
}

#[tokio::test]
async fn the_line_above_an_answer_names_the_files() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let key = upload(&mut ada.browser, "plan *v2* @Ada.pdf", b"%PDF-1.7").await;
    let message = posted(&mut ada.browser, room_id, "", &[&key]).await;
    let path = format!("/rooms/{room_id}/messages");
    let answer = [("body", "Indeed"), ("reply_to", &message["id"].to_string())];
    assert_eq!(ada.browser.post(&path, &answer).await.status, StatusCode::SEE_OTHER);
    let page = ada.browser.get(&format!("/rooms/{room_id}")).await.text();
    let line = page.split("reply__words").nth(1).unwrap().split("</a>").next().unwrap().to_owned();
    // The name as it is kept: no system stores an asterisk.
    assert!(line.contains("plan -v2- @Ada.pdf"), "{line}");
}

#[tokio::test]
async fn a_form_without_scripts_posts_text_and_files() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let field =
        |name: &str, value: &str| format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let file = |name: &str, content: &str| {
        format!(
            "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: text/plain\r\n\r\n{content}\r\n"
        )
    };
    let mut send = async |body: String| {
        let headers = [("content-type", "multipart/form-data; boundary=x")];
        ada.browser
            .send(Method::POST, &format!("/rooms/{room_id}/messages"), &headers, (body + "--x--\r\n").into())
            .await
    };
    let form = field("body", "see these") + &field("seq", "7") + &file("a.txt", "one") + &file("b.txt", "two");
    let sent = send(form.clone()).await;
    assert_eq!(sent.status, StatusCode::SEE_OTHER, "{}", sent.text());
    assert_eq!(send(form).await.status, StatusCode::SEE_OTHER, "the same form again");
    assert_eq!((site.db_message_count().await, count(&site, "attachments").await), (1, 2));

    // As fast as the server takes them: a file is one write, with its message.
    site.state.limit_writes(5);
    let ten: String = (0..10).map(|number| file(&format!("{number}.txt"), "x")).collect();
    let ten = send(field("body", "ten") + &field("seq", "12") + &ten).await;
    assert_eq!(ten.status, StatusCode::SEE_OTHER, "{}", ten.text());
    site.state.limit_writes(0);

    let without = send(field("body", "only words") + &field("seq", "8") + &file("", "")).await;
    assert_eq!(without.status, StatusCode::SEE_OTHER);
    let nothing = send(field("body", "") + &field("seq", "9") + &file("", "")).await;
    assert_eq!(nothing.status, StatusCode::UNPROCESSABLE_ENTITY);
    let many: String = (0..11).map(|number| file(&format!("{number}.txt"), "x")).collect();
    let many = send(field("body", "keep me") + &field("seq", "10") + &many).await;
    assert_eq!(many.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(many.text().contains("keep me") && many.text().contains("at most 10 files"), "{}", many.text());
    site.state.files.set_max_file_bytes(2);
    let large = send(field("body", "keep me") + &field("seq", "11") + &file("c.txt", "three")).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(large.text().contains("keep me"), "{}", large.text());
    assert_eq!(site.db_message_count().await, 3);
}

#[tokio::test]
async fn the_files_of_a_room_are_a_page_for_its_members() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_previews(&site);
    let mut bob = site.join("Bob").await;
    let room = site.closed_room(&ada, "Designers").await;
    let path = format!("/rooms/{}/files", room.id);
    assert!(ada.browser.get(&path).await.text().contains("No files yet"));
    let mut all = Vec::new();
    for number in 0..35 {
        let text = upload(&mut ada.browser, &format!("{number}.txt"), b"text").await;
        let picture = upload(&mut ada.browser, &format!("{number}.png"), &png(4, 4)).await;
        posted(&mut ada.browser, room.id, "", &[&text, &picture]).await;
        all.push((text, picture));
    }
    jobs::run_due(&site.state).await.unwrap();
    let first = ada.browser.get(&path).await.text();
    let next = first.split("href=\"").find(|rest| rest.starts_with(&format!("{path}?before="))).unwrap();
    let second = ada.browser.get(next.split('"').next().unwrap()).await.text();
    for (text, picture) in &all {
        let count = |page: &str| [text, picture].map(|key| page.matches(&format!("/files/{key}/")).count());
        assert_eq!(count(&first)[0] + count(&second)[0], 1, "on one of the pages");
        assert_eq!(count(&first)[1] + count(&second)[1], 1);
    }
    assert!(!second.contains("?before="), "the last page");
    let outside = bob.browser.get(&path).await;
    assert!(outside.status.is_redirection() && !outside.text().contains("35"), "an outsider");
}

#[tokio::test]
async fn without_files_there_are_no_routes() {
    let (site, ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let mut browser = ada.browser.at(site.router_without_files());
    assert_eq!(begin(&mut browser, Uuid::now_v7(), "a.txt", 1).await.status, StatusCode::NOT_FOUND);
    let key = FileKey::new([1; 16]);
    assert_eq!(browser.get(&format!("/files/{key}/a.txt")).await.status, StatusCode::NOT_FOUND);
    let page = browser.get(&format!("/rooms/{room_id}")).await.text();
    assert!(!page.contains("type=\"file\""), "no control");
}

#[tokio::test]
async fn bytes_without_a_row_are_swept_and_half_done_uploads_are_completed() {
    let (site, mut ada) = TestSite::with_ada().await;
    let key = upload(&mut ada.browser, "a.txt", b"hello").await;
    let room_id = site.all_talk(&ada).await;
    posted(&mut ada.browser, room_id, "", &[&key]).await;
    let stray = site.folder().join("files/ff/ff");
    std::fs::create_dir_all(&stray).unwrap();
    std::fs::write(stray.join("ffffffffffffffffffffffffffffffff"), b"a crash came before the row").unwrap();
    // All of it has arrived, and the process ended before the file became a blob.
    let half = begin(&mut ada.browser, Uuid::now_v7(), "b.txt", 5).await.location().to_owned();
    let half_key = half.rsplit('/').next().unwrap().to_owned();
    std::fs::create_dir_all(site.folder().join("files/incoming")).unwrap();
    std::fs::write(site.folder().join("files/incoming").join(&half_key), b"world").unwrap();
    std::fs::write(site.folder().join("files/incoming/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee.clean"), b"stray").unwrap();
    // The clock of the test stands in the past; files are as old as the disk says.
    site.state.clock.advance(100 * 365 * DAY_MS);
    jobs::enqueue(&site.state, Job::SweepFiles).await.unwrap();
    jobs::run_due(&site.state).await.unwrap();
    let mut expected = vec![key.clone(), half_key.clone()];
    expected.sort();
    assert_eq!(on_disk(&site), expected);
}

#[tokio::test]
async fn a_complete_upload_without_a_blob_becomes_one_when_its_browser_asks() {
    let (site, mut ada) = TestSite::with_ada().await;
    let half = begin(&mut ada.browser, Uuid::now_v7(), "b.txt", 5).await.location().to_owned();
    let half_key = half.rsplit('/').next().unwrap().to_owned();
    std::fs::create_dir_all(site.folder().join("files/incoming")).unwrap();
    std::fs::write(site.folder().join("files/incoming").join(&half_key), b"world").unwrap();
    let stands = ada.browser.send(Method::HEAD, &half, &[], Body::empty()).await;
    assert_eq!((header_of(&stands, "upload-offset"), header_of(&stands, "upload-complete")), ("5".into(), "?1".into()));
    let room_id = site.all_talk(&ada).await;
    posted(&mut ada.browser, room_id, "", &[&half_key]).await;
    assert_eq!(ada.browser.get(&format!("/files/{half_key}/b.txt")).await.text(), "world");
    assert_eq!(on_disk(&site), [half_key]);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let (site, mut ada) = TestSite::with_ada().await;
    let room_id = site.all_talk(&ada).await;
    let key = upload(&mut ada.browser, "empty", b"").await;
    let message = posted(&mut ada.browser, room_id, "", &[&key]).await;
    assert!(message["extras_html"].as_str().unwrap().contains("0 B"));
    let served = ada.browser.get(&format!("/files/{key}/empty")).await;
    assert_eq!((served.status, served.body.len()), (StatusCode::OK, 0));
    assert_eq!(header_of(&served, header::CONTENT_LENGTH.as_str()), "0");
}
