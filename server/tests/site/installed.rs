//! The installed app: its manifest, and what other apps share with it.

use serde_json::Value;

use crate::support::TestSite;

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
        for shortcut in manifest["shortcuts"].as_array().unwrap() {
            assert_eq!(ada.browser.get(shortcut["url"].as_str().unwrap()).await.status, 200);
        }
    }
    assert!(ada.browser.get("/rooms/1").await.text().contains(r#"<link rel="manifest" href="/webmanifest""#));
}

#[tokio::test]
async fn what_is_shared_is_sent_to_a_room_once() {
    let (site, mut ada) = TestSite::with_ada().await;
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
    // Without a worker, nothing that is shared is read.
    let missed = ada.browser.post("/share", &[("text", "x")]).await;
    assert_eq!((missed.status.as_u16(), missed.location()), (303, "/share?missed=1"));
    assert!(ada.browser.get("/share?missed=1").await.text().contains("could not be kept"));

    let outsider = site.browser().get("/share?text=x").await;
    assert!(outsider.status == 303 && outsider.location().starts_with("/session/new"));
}

#[tokio::test]
async fn only_pages_of_the_chat_say_whose_they_are() {
    let (site, mut ada) = TestSite::with_ada().await;
    let person = |answer: &crate::support::Answer| {
        answer.headers.get("x-person").map(|value| value.to_str().unwrap().to_owned())
    };
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
