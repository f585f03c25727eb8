//! Pictures of people and the account's logo, by their forms and URLs.

use axum::http::{Method, StatusCode};
use campfire::ops;
use image::{ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use pictures::Thumbnailer;

use crate::support::{Answer, Browser, TestSite};

const OWN: &str = "/users/me/avatar";

fn header_of(answer: &Answer, name: &str) -> String {
    answer.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

fn makes_pictures(site: &TestSite) {
    let program = env!("CARGO_BIN_EXE_campfire");
    site.state.files.set_thumbnailer(Thumbnailer::new(program, ["picture".into()]));
}

/// A picture, red on the left and blue on the right.
fn picture(width: u32, height: u32) -> Vec<u8> {
    let color = |x| if x < width / 2 { Rgb([220, 30, 30]) } else { Rgb([30, 30, 220]) };
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(width, height, |x, _| color(x)).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// Sends a form with a picture, as a browser does.
async fn send(browser: &mut Browser, path: &str, field: &str, crop: &str, file: &[u8]) -> Answer {
    let begin = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"crop\"\r\n\r\n{crop}\r\n\
         --edge\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"me.png\"\r\nContent-Type: image/png\r\n\r\n"
    );
    let body = [begin.as_bytes(), file, b"\r\n--edge--\r\n"].concat();
    let headers = [("content-type", "multipart/form-data; boundary=edge")];
    browser.send(Method::POST, path, &headers, body.into()).await
}

/// The URLs in the style sheet of pictures that a page links to.
async fn pictures_of(browser: &mut Browser, page: &str) -> Vec<String> {
    let html = browser.get(page).await.text();
    let Some(link) = html.split("id=\"avatars\"").nth(1) else { return Vec::new() };
    let path = link.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let sheet = browser.get(&path).await;
    assert_eq!(header_of(&sheet, "content-type"), "text/css");
    assert_eq!(header_of(&sheet, "cache-control"), "private, max-age=31536000, immutable");
    sheet.text().split("url(").skip(1).map(|rest| rest.split(')').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_picture_is_shown_to_everybody_and_can_be_removed() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_pictures(&site);
    let mut bob = site.join("Bob").await;
    assert_eq!(pictures_of(&mut ada.browser, "/users/me/profile").await, [""; 0]);
    assert!(!bob.browser.get("/users/me/profile").await.text().contains("Remove the picture"));

    let sent = send(&mut bob.browser, OWN, "avatar", "", &picture(900, 600)).await;
    assert_eq!(sent.location(), "/users/me/profile?notice=saved", "{}", sent.text());
    assert!(bob.browser.get("/users/me/profile").await.text().contains("Remove the picture"));
    let room = format!("/rooms/{}", site.all_talk(&ada).await);
    let [path] = pictures_of(&mut ada.browser, &room).await.try_into().unwrap();
    let served = ada.browser.get(&path).await;
    assert_eq!((served.status, header_of(&served, "content-type")), (StatusCode::OK, "image/jpeg".into()));
    assert_eq!(header_of(&served, "cache-control"), "private, max-age=31536000, immutable");
    let decoded = image::load_from_memory(&served.body).unwrap();
    assert_eq!((decoded.width(), decoded.height()), (512, 341));

    // Another change is another URL.
    send(&mut bob.browser, OWN, "user[avatar]", "", &picture(60, 60)).await;
    let [other] = pictures_of(&mut ada.browser, &room).await.try_into().unwrap();
    assert_ne!(path, other);
    assert_eq!(path.split('?').next(), other.split('?').next());
    let outdated = ada.browser.get(&path).await;
    assert!(header_of(&outdated, "cache-control").contains("max-age=1800"), "the old URL is not kept for ever");

    let removed = bob.browser.post(OWN, &[("_method", "delete")]).await;
    assert_eq!(removed.location(), "/users/me/profile?notice=picture-removed");
    assert_eq!(pictures_of(&mut ada.browser, &room).await, [""; 0]);
    let initials = ada.browser.get(&other).await;
    assert_eq!(header_of(&initials, "content-type"), "image/svg+xml");
    assert!(initials.text().contains(">B</text>"));
}

#[tokio::test]
async fn the_chosen_part_is_what_is_kept() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_pictures(&site);
    for (crop, expected) in [("0,0,0.5,1", [220, 30, 30]), ("0.5,0,0.5,1", [30, 30, 220])] {
        send(&mut ada.browser, OWN, "avatar", crop, &picture(800, 400)).await;
        let [path] = pictures_of(&mut ada.browser, "/users/me/profile").await.try_into().unwrap();
        let shown = image::load_from_memory(&ada.browser.get(&path).await.body).unwrap().to_rgb8();
        assert_eq!(shown.dimensions(), (400, 400));
        let Rgb(found) = *shown.get_pixel(200, 200);
        assert!(found.iter().zip(expected).all(|(found, expected)| found.abs_diff(expected) < 30), "{found:?}");
    }
    // What is no part of a picture is all of it.
    for crop in ["nonsense", "0,0,2,2", "0.5,0.5,0.6,0.6"] {
        send(&mut ada.browser, OWN, "avatar", crop, &picture(80, 40)).await;
        let [path] = pictures_of(&mut ada.browser, "/users/me/profile").await.try_into().unwrap();
        let picture = image::load_from_memory(&ada.browser.get(&path).await.body).unwrap();
        assert_eq!((picture.width(), picture.height()), (80, 40), "{crop}");
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_shown_is_refused_with_a_reason_and_initials_stay() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_pictures(&site);
    let bitmap = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0\x01\0\0\0".to_vec();
    let svg = b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>".to_vec();
    let mut bomb = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x7a\x12\0\xff\xff\xff\xff\x08\x02\0\0\0".to_vec();
    bomb.extend([0; 12]);
    let damaged = picture(60, 60)[..80].to_vec();
    for (file, words) in [
        (bitmap, "Choose a JPEG, PNG, GIF or WebP."),
        (svg, "Choose a JPEG, PNG, GIF or WebP."),
        (bomb, "50 megapixels"),
        (damaged, "damaged"),
        (Vec::new(), "Choose a picture first."),
        (vec![0; 25 * 1024 * 1024 + 1024], "at most 25 MB"),
    ] {
        let answer = send(&mut ada.browser, OWN, "avatar", "", &file).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}");
        assert!(answer.text().contains(words) && answer.text().contains(r#"aria-invalid="true""#), "{words}");
        let logo = send(&mut ada.browser, "/account/logo", "logo", "", &file).await;
        assert_eq!(logo.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}");
        assert!(logo.text().contains(words), "{words}");
    }
    assert_eq!(pictures_of(&mut ada.browser, "/users/me/profile").await, [""; 0]);
    assert_eq!(ada.browser.get(OWN).await.location(), "/users/me/profile", "a reload of the refused form");
    let left = std::fs::read_dir(site.folder().join("files/incoming")).map_or(0, Iterator::count);
    assert_eq!(left, 0, "nothing is left on the disk");
}

#[tokio::test]
async fn pictures_are_for_signed_in_people_and_references_cannot_be_made_up() {
    let (site, mut ada) = TestSite::with_ada().await;
    let mut bob = site.join("Kevin").await;
    let path = ops::avatars::path(&site.state, bob.user.id).await.unwrap();
    let shown = ada.browser.get(&path).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(shown.text().contains(">K</text>"));
    let tag = header_of(&shown, "etag");
    let again = ada.browser.send(Method::GET, &path, &[("if-none-match", &tag)], "".into()).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));

    for forged in ["/users/1/avatar", "/users/me2/avatar", "/users/AAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAA/avatar"] {
        assert_eq!(bob.browser.get(forged).await.status, StatusCode::NOT_FOUND, "{forged}");
    }
    let mut stranger = site.browser();
    assert!(stranger.get(&path).await.location().starts_with("/session/new"));
    let sheet = stranger.get("/users/avatars/1.css").await;
    assert_eq!((sheet.status, header_of(&sheet, "cache-control").as_str()), (StatusCode::OK, "no-store"));
    assert_eq!(sheet.text(), "");
    for wrong in ["/users/avatars/1", "/users/avatars/x.css", "/users/avatars/1-x.css", "/users/avatars/1-9.css"] {
        assert_eq!(ada.browser.get(wrong).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
    let unsigned = send(&mut stranger, OWN, "avatar", "", &picture(8, 8)).await;
    assert_eq!(unsigned.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_logo_is_public_in_two_sizes_and_the_stock_icon_without_one() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_pictures(&site);
    let mut bob = site.join("Bob").await;
    let mut stranger = site.browser();
    let size = |answer: &Answer| {
        assert_eq!(header_of(answer, "content-type"), "image/png");
        let picture = image::load_from_memory(&answer.body).unwrap();
        (picture.width(), picture.height())
    };
    let stock = stranger.get("/account/logo").await;
    assert_eq!(size(&stock), (512, 512));
    assert_eq!(size(&stranger.get("/account/logo?size=small").await), (192, 192));

    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbaImage::from_pixel(700, 700, Rgba([9, 120, 60, 255])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    let logo = bytes.into_inner();
    assert_eq!(send(&mut bob.browser, "/account/logo", "logo", "", &logo).await.status, StatusCode::FORBIDDEN);
    assert_eq!(bob.browser.post("/account/logo", &[("_method", "delete")]).await.status, StatusCode::FORBIDDEN);
    let sent = send(&mut ada.browser, "/account/logo", "account[logo]", "", &logo).await;
    assert_eq!(sent.location(), "/account/edit?notice=saved");
    let version = site.state.picture_versions().logo;
    for path in ["/session/new", &site.join_path().await] {
        let page = stranger.get(path).await.text();
        assert!(page.contains(&format!("/account/logo?size=small&amp;v={version}")), "{path}");
    }
    let shown = stranger.get(&format!("/account/logo?v={version}")).await;
    assert_eq!(size(&shown), (512, 512));
    assert_ne!(shown.body, stock.body);
    assert!(header_of(&shown, "cache-control").contains("immutable"));
    assert_eq!(size(&stranger.get("/account/logo?size=small").await), (192, 192));
    let icon = stranger.get(&format!("/icon/3.svg?v={version}")).await.text();
    assert!(icon.contains("data:image/png;base64,") && icon.contains(">3</text>"));
    assert!(!stranger.get("/icon/3.svg").await.text().contains("base64"));
    assert!(bob.browser.get("/account/edit").await.text().contains("sheet__logo"), "members see it");

    let removed = ada.browser.post("/account/logo", &[("_method", "delete")]).await;
    assert_eq!(removed.location(), "/account/edit?notice=picture-removed");
    assert_eq!(stranger.get("/account/logo").await.body, stock.body);
}

#[tokio::test]
async fn without_files_there_are_initials_and_no_forms() {
    let (site, mut ada) = TestSite::with_ada().await;
    makes_pictures(&site);
    ada.browser = ada.browser.clone().at(site.router_without_files());
    for (page, action) in [("/users/me/profile", "\"/users/me/avatar\""), ("/account/edit", "\"/account/logo\"")] {
        assert!(!ada.browser.get(page).await.text().contains(action), "{page}");
    }
    for path in [OWN, "/account/logo"] {
        let refused = send(&mut ada.browser, path, "avatar", "", &picture(8, 8)).await;
        assert_eq!(refused.status, StatusCode::NOT_FOUND, "{path}");
    }
    let path = ops::avatars::path(&site.state, ada.user.id).await.unwrap();
    assert!(ada.browser.get(&path).await.text().contains(">A</text>"));
}
