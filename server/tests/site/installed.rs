//! The installed app: its manifest, and what other apps share with it.

use std::io::Read as _;

use axum::http::Method;
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::support::{Answer, Browser, TestSite};

/// The content of an asset, which is sent compressed.
fn unpacked(answer: &Answer) -> Vec<u8> {
    let mut content = Vec::new();
    GzDecoder::new(&answer.body[..]).read_to_end(&mut content).unwrap();
    content
}

#[tokio::test]
async fn the_manifest_is_public_and_names_the_account_with_icons_that_exist() {
    let before = TestSite::empty().await.browser().get("/webmanifest").await;
    assert_eq!(before.status, 200, "before the first run");
    assert_eq!(serde_json::from_str::<Value>(&before.text()).unwrap()["name"], "Campfire");

    let (site, mut ada) = TestSite::with_ada().await;
    let mut anyone = site.browser();
    ada.browser.post("/account", &[("_method", "put"), ("name", "\"Ćircle\" & co</script>")]).await;
    for path in ["/webmanifest", "/webmanifest.json"] {
        let answer = anyone.get(path).await;
        assert_eq!(answer.headers["content-type"], "application/manifest+json");
        let manifest: Value = serde_json::from_str(&answer.text()).unwrap();
        assert_eq!(manifest["name"], "\"Ćircle\" & co</script>");
        assert_eq!((&manifest["start_url"], &manifest["scope"]), (&"/".into(), &"/".into()));
        let icons = manifest["icons"].as_array().unwrap();
        let purposes: Vec<_> = icons.iter().map(|icon| icon["purpose"].as_str().unwrap()).collect();
        assert_eq!(purposes, ["any", "any", "maskable", "monochrome"]);
        for icon in icons {
            let picture = anyone.get(icon["src"].as_str().unwrap()).await;
            assert_eq!(
                (picture.status.as_u16(), &picture.headers["content-type"]),
                (200, &"image/png".parse().unwrap())
            );
        }
        let screenshots = manifest["screenshots"].as_array().unwrap();
        assert_eq!(screenshots.len(), 2);
        for screenshot in screenshots {
            let picture = anyone.get(screenshot["src"].as_str().unwrap()).await;
            let side = |at: usize| u32::from_be_bytes(unpacked(&picture)[at..at + 4].try_into().unwrap());
            assert_eq!(screenshot["sizes"], format!("{}x{}", side(16), side(20)), "the header of the PNG");
        }
        assert_eq!(manifest["share_target"]["params"]["files"][0]["name"], "files");
        for shortcut in manifest["shortcuts"].as_array().unwrap() {
            assert_eq!(ada.browser.get(shortcut["url"].as_str().unwrap()).await.status, 200);
        }
    }
    assert!(ada.browser.get("/rooms/1").await.text().contains(r#"<link rel="manifest" href="/webmanifest""#));
}

#[tokio::test]
async fn what_is_shared_is_sent_to_a_room_once() {
    let (_site, mut ada) = TestSite::with_ada().await;
    let page =
        ada.browser.get("/share?title=A+%3Cb%3E&text=see+https%3A%2F%2Fa.example&url=https%3A%2F%2Fa.example").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    assert!(text.contains("A &lt;b&gt;\nsee https://a.example</textarea>"));
    assert!(text.contains(r#"formaction="/rooms/1/messages""#));
    let seq = text.split("name=\"seq\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    for _ in 0..2 {
        let sent = ada.browser.post("/rooms/1/messages", &[("seq", seq), ("body", "see https://a.example")]).await;
        assert_eq!((sent.status.as_u16(), sent.location()), (303, "/rooms/1"));
    }
    assert_eq!(ada.browser.get("/rooms/1").await.text().matches("message__body").count(), 1);
    assert_eq!(ada.browser.get("/share").await.status, 200, "nothing was shared");

    // The service worker has the files, and the script of the room takes them from it.
    let files = ada.browser.get("/share?files=a+%3Cb%3E.png%0Atwo.txt%0A+").await.text();
    assert!(files.contains("a &lt;b&gt;.png") && files.contains("two.txt") && !files.contains("<textarea"));
    assert!(files.contains(r#"href="/rooms/1?shared=1""#));
    let many = ada.browser.get(&format!("/share?files={}", "x%0A".repeat(50))).await.text();
    assert_eq!(many.matches(">x</bdi>").count(), 10);
    let missed = ada.browser.get("/share?missed=1").await.text();
    assert!(missed.contains("could not be kept") && !missed.contains("<textarea"));
    let missed = ada.browser.get("/share?missed=1&text=the+%3Crest").await.text();
    assert!(missed.contains("Only this text could be kept") && missed.contains("the &lt;rest</textarea>"));
}

#[tokio::test]
async fn what_is_shared_without_a_worker_keeps_its_texts_also_over_the_sign_in() {
    let (site, mut ada) = TestSite::with_ada().await;
    let shared = ada.browser.post("/share", &[("title", "A & b"), ("text", "see it"), ("url", "see")]).await;
    assert_eq!((shared.status.as_u16(), shared.location()), (303, "/share?text=A+%26+b%0Asee+it"));
    assert!(ada.browser.get(shared.location()).await.text().contains("A &amp; b\nsee it</textarea>"));

    let part = |name: &str, file_name: Option<&str>, content: &str| {
        let file_name = file_name.map(|name| format!("; filename=\"{name}\"")).unwrap_or_default();
        format!("--cut\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n{content}\r\n")
    };
    let parts = async |browser: &mut Browser, parts: &[String], end: &str| {
        let headers = [("content-type", "multipart/form-data; boundary=cut")];
        let answer = browser.send(Method::POST, "/share", &headers, (parts.concat() + end).into()).await;
        assert_eq!(answer.status, 303);
        answer.location().to_owned()
    };
    let browser = &mut ada.browser;
    let text = part("text", None, "see it");
    let file = part("files", Some("a.txt"), &"x".repeat(3_000_000));
    assert_eq!(parts(browser, &[text.clone(), part("url", None, "")], "--cut--").await, "/share?text=see+it");
    assert_eq!(parts(browser, &[file, text.clone()], "--cut--").await, "/share?missed=1&text=see+it");
    assert_eq!(parts(browser, &[part("text", Some("text"), "a file")], "--cut--").await, "/share?missed=1");
    assert_eq!(parts(browser, &[text.clone(), part("url", None, "bro")], "").await, "/share?missed=1&text=see+it");
    // The text that fits into a URL, also as part of another one.
    let long = parts(browser, &[part("text", None, &"ä".repeat(5_000))], "--cut--").await;
    assert_eq!(long, format!("/share?missed=1&text={}", "%C3%A4".repeat(666)));

    let mut outsider = site.browser();
    let shared = parts(&mut outsider, &[text], "--cut--").await;
    assert_eq!(shared, "/share?text=see+it");
    let sign_in = outsider.get(&shared).await;
    assert_eq!(sign_in.location(), "/session/new?return_to=%2Fshare%3Ftext%3Dsee%2Bit");
    assert!(outsider.get(sign_in.location()).await.text().contains("value=\"/share?text=see+it\""));
}

#[tokio::test]
async fn only_pages_of_the_chat_say_whose_they_are() {
    let (site, mut ada) = TestSite::with_ada().await;
    let person = |answer: &Answer| answer.headers.get("x-person").map(|value| value.to_str().unwrap().to_owned());
    for _ in 0..2 {
        // From the page cache, too.
        assert_eq!(person(&ada.browser.get("/rooms/1").await), Some(ada.user.id.to_string()));
    }
    for path in ["/users/me/profile", "/account/edit", "/searches", "/rooms/opens/1/edit", "/offline"] {
        let answer = ada.browser.get(path).await;
        assert_eq!((answer.status.as_u16(), person(&answer)), (200, None), "{path}");
    }
    for path in ["/session/new", "/offline"] {
        let answer = site.browser().get(path).await;
        assert_eq!((answer.status.as_u16(), person(&answer)), (200, None), "{path}");
    }
}

#[tokio::test]
async fn the_service_worker_is_that_of_the_build_and_always_asked_for() {
    let (site, mut ada) = TestSite::with_ada().await;
    let answer = site.browser().get("/service-worker.js").await;
    let page = ada.browser.get("/rooms/1").await;
    // Without scripts there is none, and pages do not name one.
    if option_env!("CAMPFIRE_SITE").is_none() {
        assert_eq!(answer.status, 404);
        assert!(!page.headers.contains_key("x-build") && !page.text().contains("data-build"));
        return;
    }
    let build = page.headers["x-build"].to_str().unwrap();
    assert!(page.text().contains(&format!("data-build=\"{build}\"")));
    assert_eq!(answer.headers["content-type"], "text/javascript; charset=utf-8");
    assert_eq!(answer.headers["cache-control"], "no-cache");
    let csp = answer.headers["content-security-policy"].to_str().unwrap();
    assert!(csp.contains("connect-src 'self'"), "the worker may request the site alone: {csp}");
}
