//! This device and its notifications: whether it gets them, the page that says so, and turning them on and off.
//!
//! What is used of the browser (permission, service worker, subscription) is called by name, and not through `web_sys`:
//! each of its functions would be a line of JavaScript in the script that every page loads.

use std::cell::Cell;
use std::time::Duration;

use campfire::model::paths;
use js_sys::futures::JsFuture;
use js_sys::{Array, Function, Object, Promise, Reflect, Uint8Array};
use leptos::prelude::{document, window};
use leptos::task::spawn_local;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, HtmlAnchorElement, HtmlElement, MessageEvent, MouseEvent, UrlSearchParams};

use crate::{browser, frame, names};

/// How long the service worker may take to start, after it was registered.
const WORKER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long a registration is trusted, in milliseconds: a day. Then the server is told again, in case it has lost it.
const TRUST_MS: u64 = 24 * 60 * 60 * 1_000;

/// The answer of the server for a device that the person has removed.
const OFF: u16 = 410;

/// The key of the local storage with the endpoint that was registered, and when.
const REGISTERED: &str = "campfire:push";

/// Why a device gets no notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Obstacle {
    /// The site is not served by https.
    Insecure,
    /// The browser shows notifications to installed apps alone.
    NotInstalled,
    /// The browser has no notifications.
    Unsupported,
    /// The permission was refused.
    Denied,
    /// Nobody has asked for the permission.
    NotAsked,
    /// There is no service worker.
    NoWorker,
    /// It is turned off on this device.
    Off,
    /// The server did not take the registration.
    NotRegistered,
}

impl Obstacle {
    /// The state in words.
    const fn words(self) -> &'static str {
        match self {
            Self::Insecure => {
                "This device gets no notifications: browsers have them for sites with https only. Open Campfire at its https address."
            }
            Self::NotInstalled => {
                "This device gets no notifications yet: iPhone and iPad show them for installed apps. Press Share, then “Add to Home Screen”, and open Campfire from there."
            }
            Self::Unsupported => {
                "This browser has no notifications for sites. Another browser, or the installed app, may have them."
            }
            Self::Denied => {
                "This device gets no notifications: they are blocked for this site. Allow them in the browser, and reload this page."
            }
            Self::NotAsked => "This device gets no notifications yet. The browser asks once you turn them on.",
            Self::NoWorker => {
                "This device gets no notifications: the part of Campfire that receives them is not installed in this browser."
            }
            Self::Off => "Notifications are turned off on this device.",
            Self::NotRegistered => {
                "This device gets no notifications: Campfire could not register it. Turn them on again."
            }
        }
    }

    /// The help that fits, by its name in the page.
    const fn help(self) -> Option<&'static str> {
        match self {
            Self::NotInstalled => Some("install"),
            Self::Denied => Some("browser"),
            _ => None,
        }
    }

    /// Whether turning them on may help.
    const fn can_be_turned_on(self) -> bool {
        matches!(self, Self::NotAsked | Self::NoWorker | Self::Off | Self::NotRegistered)
    }
}

/// The subscription of this browser, as the server takes it.
struct Subscription {
    /// The browser's object.
    object: JsValue,
    endpoint: String,
    p256dh: String,
    auth: String,
    /// The key that it was made for; empty if the browser does not say.
    key: Vec<u8>,
}

/// Finds out whether this device gets notifications, registers it anew if that is due, and shows the result: on the page of
/// notifications if it is there, and in the bell. Called when the chat starts with the permission, and when that page is shown.
pub fn check() {
    listen_once();
    spawn_local(async {
        let section = find("[data-push-key]");
        let result = current(section.is_some()).await;
        mark(result.is_ok());
        if let Some(section) = section {
            show(&section, result).await;
        }
    });
}

/// Marks the document with whether this device gets notifications.
fn mark(gets: bool) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute(names::attribute::PUSHES, if gets { "on" } else { "off" });
    }
}

thread_local! {
    /// Whether the listeners are there.
    static LISTENS: Cell<bool> = const { Cell::new(false) };
}

fn listen_once() {
    if LISTENS.replace(true) {
        return;
    }
    let workers = get(&window().navigator(), "serviceWorker");
    if let Ok(workers) = workers.dyn_into::<web_sys::EventTarget>() {
        // A notification was clicked.
        browser::listen_forever(&workers, "message", |event: MessageEvent| {
            let data = event.data();
            if get(&data, "kind").as_string().as_deref() == Some("open")
                && let Some(path) = get(&data, "path").as_string()
            {
                let port = get(&get(&event, "ports"), "0");
                let _ = call(&port, "postMessage", &[JsValue::TRUE]);
                open(&path);
            }
        });
    }
    browser::listen_forever(&document(), "visibilitychange", |_: web_sys::Event| close_shown());
    close_shown();
}

/// Opens a page of the site as a click on a link to it does.
fn open(path: &str) {
    let Some(body) = document().body() else { return };
    let link = document().create_element("a").ok().and_then(|link| link.dyn_into::<HtmlAnchorElement>().ok());
    if let Some(link) = link {
        link.set_href(path);
        let _ = body.append_child(&link);
        link.click();
        link.remove();
    }
}

/// Closes the notifications of the room that somebody looks at.
fn close_shown() {
    let room_id = find(".timeline[data-room]").and_then(|timeline| timeline.get_attribute("data-room"));
    let Some(room_id) = room_id.filter(|_| browser::is_visible()) else { return };
    spawn_local(async move {
        let _ = close_notifications(&room_id).await;
    });
}

async fn close_notifications(room_id: &str) -> Result<(), JsValue> {
    let Some(registration) = registration().await? else { return Ok(()) };
    // Mentions and other messages have a notification each.
    for tag in [format!("room-{room_id}"), format!("room-{room_id}-talk")] {
        let filter = object(&[("tag", tag.into())]);
        let shown = call_and_wait(&registration, "getNotifications", &[filter]).await?;
        for notification in Array::from(&shown).iter() {
            call(&notification, "close", &[])?;
        }
    }
    Ok(())
}

/// Whether this device gets notifications. With `is_thorough`, the server is asked; otherwise once a day.
async fn current(is_thorough: bool) -> Result<Subscription, Obstacle> {
    if !get(&window(), "isSecureContext").is_truthy() {
        return Err(Obstacle::Insecure);
    }
    let navigator = window().navigator();
    let is_supported = ["Notification", "PushManager"].into_iter().all(|name| get(&window(), name).is_truthy());
    if !is_supported || !get(&navigator, "serviceWorker").is_truthy() {
        return Err(if is_ios_tab() { Obstacle::NotInstalled } else { Obstacle::Unsupported });
    }
    match permission().as_str() {
        "granted" => {}
        "denied" => return Err(Obstacle::Denied),
        _ => return Err(Obstacle::NotAsked),
    }
    let registration = registration().await.ok().flatten().ok_or(Obstacle::NoWorker)?;
    let found = subscription(&registration).await.map_err(|_| Obstacle::Off)?.ok_or(Obstacle::Off)?;
    if !is_thorough && is_trusted(&found.endpoint) {
        return Ok(found);
    }
    registered(&registration, found, false)
        .await
        .map_err(|error| if error.as_f64() == Some(f64::from(OFF)) { Obstacle::Off } else { Obstacle::NotRegistered })
}

/// Registers the subscription with the server. If that has another key by now, the browser subscribes anew: that needs no
/// question. If the person has removed this device on another one, and does not ask for it now, the browser unsubscribes.
async fn registered(registration: &JsValue, found: Subscription, is_by_click: bool) -> Result<Subscription, JsValue> {
    let (status, answer) = register(&found, is_by_click).await?;
    if status == 200 {
        return Ok(found);
    }
    if status == OFF {
        forget();
        call_and_wait(&found.object, "unsubscribe", &[]).await?;
    }
    if status != 409 {
        return Err(JsValue::from(status));
    }
    call_and_wait(&found.object, "unsubscribe", &[]).await?;
    let renewed = subscribe(registration, &answer).await?;
    match register(&renewed, is_by_click).await? {
        (200, _) => Ok(renewed),
        (status, _) => Err(JsValue::from(status)),
    }
}

/// Whether the server knows this endpoint, as of today.
fn is_trusted(endpoint: &str) -> bool {
    let stored = browser::storage().and_then(|storage| storage.get_item(REGISTERED).ok().flatten());
    let at_ms = stored.as_deref().and_then(|stored| stored.strip_prefix(endpoint)?.strip_prefix(' ')?.parse().ok());
    // A time that is ahead was noted by a clock that was wrong.
    at_ms.is_some_and(|at_ms: u64| browser::now_ms().checked_sub(at_ms).is_some_and(|age_ms| age_ms < TRUST_MS))
}

async fn register(subscription: &Subscription, is_by_click: bool) -> Result<(u16, String), JsValue> {
    let key = base64(&subscription.key)?;
    let fields = fields(&[
        ("endpoint", &subscription.endpoint),
        ("p256dh_key", &subscription.p256dh),
        ("auth_key", &subscription.auth),
        ("server_key", &key),
    ])?;
    if is_by_click {
        fields.append("by_click", "1");
    }
    let (response, text) = frame::fetch(paths::PUSH_SUBSCRIPTIONS, Some(&fields), None).await?;
    if response.status() == 200
        && let Some(storage) = browser::storage()
    {
        let _ = storage.set_item(REGISTERED, &[&subscription.endpoint, " ", &browser::now_ms().to_string()].concat());
    }
    Ok((response.status(), text))
}

fn fields(pairs: &[(&str, &str)]) -> Result<UrlSearchParams, JsValue> {
    let fields = UrlSearchParams::new()?;
    pairs.iter().for_each(|(name, value)| fields.append(name, value));
    Ok(fields)
}

/// The registration of the service worker, if there is one.
async fn registration() -> Result<Option<JsValue>, JsValue> {
    let workers = get(&window().navigator(), "serviceWorker");
    let found = call_and_wait(&workers, "getRegistration", &["/".into()]).await?;
    Ok(Some(found).filter(JsValue::is_truthy))
}

async fn subscription(registration: &JsValue) -> Result<Option<Subscription>, JsValue> {
    let found = call_and_wait(&get(registration, "pushManager"), "getSubscription", &[]).await?;
    Ok(if found.is_truthy() { Some(read(found)) } else { None })
}

async fn subscribe(registration: &JsValue, key: &str) -> Result<Subscription, JsValue> {
    let options = object(&[("userVisibleOnly", JsValue::TRUE), ("applicationServerKey", key.trim().into())]);
    Ok(read(call_and_wait(&get(registration, "pushManager"), "subscribe", &[options]).await?))
}

fn read(subscription: JsValue) -> Subscription {
    let json = call(&subscription, "toJSON", &[]).unwrap_or_default();
    let text = |of: &JsValue, name: &str| get(of, name).as_string().unwrap_or_default();
    let keys = get(&json, "keys");
    let key = get(&get(&subscription, "options"), "applicationServerKey");
    let key = if key.is_object() { Uint8Array::new(&key).to_vec() } else { Vec::new() };
    Subscription {
        endpoint: text(&json, "endpoint"),
        p256dh: text(&keys, "p256dh"),
        auth: text(&keys, "auth"),
        key,
        object: subscription,
    }
}

fn permission() -> String {
    get(&get(&window(), "Notification"), "permission").as_string().unwrap_or_default()
}

/// Whether this is a browser tab of iOS, which has pushes for installed apps alone. An iPad says that it is a Mac, but has a
/// touch screen.
fn is_ios_tab() -> bool {
    let navigator = window().navigator();
    let user_agent = get(&navigator, "userAgent").as_string().unwrap_or_default();
    let has_touch = get(&navigator, "maxTouchPoints").as_f64().unwrap_or_default() > 1.0;
    let is_ios = ["iPhone", "iPad", "iPod"].iter().any(|name| user_agent.contains(name));
    let is_installed = get(&navigator, "standalone").is_truthy();
    (is_ios || has_touch && user_agent.contains("Macintosh")) && !is_installed
}

/// Shows the state of this device on the page, and makes its buttons work.
async fn show(section: &Element, result: Result<Subscription, Obstacle>) {
    let obstacle = result.as_ref().err().copied();
    let words = match obstacle {
        None => "This device gets notifications.",
        Some(obstacle) => obstacle.words(),
    };
    say(section, words);
    if let Ok(found) = &result {
        turn_off_when_removed(section, &found.endpoint);
    }
    let is_registered = result.is_ok();
    let has_worker = registration().await.is_ok_and(|registration| registration.is_some());
    let is_supported = !matches!(obstacle, Some(Obstacle::Insecure | Obstacle::Unsupported | Obstacle::NotInstalled));
    let permission = match permission().as_str() {
        "granted" => "allowed",
        "denied" => "blocked",
        _ => "not asked for yet",
    };
    let checks: &[(&str, &str)] = &[
        ("Permission", permission),
        ("Receiving part of Campfire", if has_worker { "installed" } else { "not installed" }),
        ("Subscription", if is_registered { "there, made for the key of this Campfire" } else { "none that works" }),
        ("Campfire", if is_registered { "knows this device" } else { "does not send to this device" }),
    ];
    if let Ok(Some(list)) = section.query_selector("[data-push-checks]") {
        let mut html = campfire::html::HtmlWriter::new();
        for (name, state) in checks.iter().filter(|_| is_supported) {
            html.markup("<li><b>").text(name).markup(":</b> ").text(state).markup("</li>");
        }
        list.set_inner_html(&html.into_string());
    }
    if let Some(name) = obstacle.and_then(Obstacle::help)
        && let Ok(Some(help)) = section.query_selector(&format!("[data-push-help={name}]"))
    {
        let _ = help.set_attribute("open", "");
    }
    let key = section.get_attribute("data-push-key").unwrap_or_default();
    let can_be_turned_on = obstacle.is_some_and(Obstacle::can_be_turned_on);
    button(section, "[data-push-on]", can_be_turned_on, {
        let section = section.clone();
        move || spawn_local(turn_on(section.clone(), key.clone()))
    });
    button(section, "[data-push-off]", is_registered, {
        let section = section.clone();
        move || spawn_local(turn_off(section.clone()))
    });
}

/// Shows or hides a button, and calls `clicked` when it is pressed.
fn button(section: &Element, selector: &str, is_shown: bool, clicked: impl FnMut() + 'static) {
    let found = section.query_selector(selector).ok().flatten();
    let Some(button) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) else { return };
    button.set_hidden(!is_shown);
    let mut clicked = clicked;
    let closure = wasm_bindgen::prelude::Closure::<dyn FnMut(MouseEvent)>::new(move |_| clicked());
    button.set_onclick(Some(closure.as_ref().unchecked_ref()));
    closure.forget();
}

fn say(section: &Element, words: &str) {
    if let Ok(Some(state)) = section.query_selector("[data-push-state]") {
        state.set_text_content(Some(words));
    }
}

/// Turns notifications on, by a click: asks for the permission, subscribes, and registers.
async fn turn_on(section: Element, key: String) {
    // First of all: browsers show the question only while they handle the click.
    let asked = call_and_wait(&get(&window(), "Notification"), "requestPermission", &[]).await;
    let granted = asked.is_ok_and(|answer| answer.as_string().as_deref() == Some("granted"));
    if !granted {
        let refused = if permission() == "denied" { Obstacle::Denied } else { Obstacle::NotAsked };
        return show(&section, Err(refused)).await;
    }
    say(&section, "Turning on…");
    match subscribe_and_register(&key).await {
        Ok(_) => reload(),
        Err(error) => {
            show(&section, Err(Obstacle::NotRegistered)).await;
            if let Some(words) = error.as_string() {
                say(&section, &words);
            }
        }
    }
}

async fn subscribe_and_register(key: &str) -> Result<(), JsValue> {
    let workers = get(&window().navigator(), "serviceWorker");
    if registration().await?.is_none() {
        call_and_wait(&workers, "register", &[paths::WORKER.into()]).await?;
    }
    let ready = JsFuture::from(Promise::resolve(&get(&workers, "ready")));
    let late = || JsValue::from("The part of Campfire that receives notifications did not start. Reload the page.");
    let registration = browser::timeout(WORKER_TIMEOUT, ready).await.ok_or_else(late)??;
    let found = match subscription(&registration).await? {
        Some(found) => found,
        None => subscribe(&registration, key).await.map_err(|_| {
            JsValue::from(
                "The browser could not subscribe to its push service. Some browsers have none, or are offline.",
            )
        })?,
    };
    let object = found.object.clone();
    let result = registered(&registration, found, true).await;
    if result.is_err() {
        // What the server does not know must not look as if it worked.
        let _ = call_and_wait(&object, "unsubscribe", &[]).await;
    }
    result.map(drop).map_err(|_| {
        JsValue::from("Campfire did not take this device. If 16 others get notifications, remove one of them first.")
    })
}

async fn turn_off(section: Element) {
    say(&section, "Turning off…");
    if unsubscribe().await.is_err() {
        say(&section, "That did not work. Check the connection, and try again.");
        return;
    }
    reload();
}

async fn unsubscribe() -> Result<(), JsValue> {
    let Some(registration) = registration().await? else { return Ok(()) };
    let Some(found) = subscription(&registration).await? else { return Ok(()) };
    let fields = fields(&[("_method", "delete"), ("endpoint", &found.endpoint)])?;
    frame::fetch(paths::PUSH_SUBSCRIPTIONS, Some(&fields), None).await?;
    forget();
    call_and_wait(&found.object, "unsubscribe", &[]).await.map(drop)
}

/// Forgets that the server knows this device.
fn forget() {
    if let Some(storage) = browser::storage() {
        let _ = storage.remove_item(REGISTERED);
    }
}

/// Makes the button that removes this device from the list turn notifications off here, too.
fn turn_off_when_removed(section: &Element, endpoint: &str) {
    let found = find(&format!("[data-push-endpoint=\"{endpoint}\"] form:has([name=_method]) button"));
    let Some(button) = found.and_then(|found| found.dyn_into::<HtmlElement>().ok()) else { return };
    let section = section.clone();
    let closure = wasm_bindgen::prelude::Closure::<dyn FnMut(MouseEvent)>::new(move |event: MouseEvent| {
        event.prevent_default();
        spawn_local(turn_off(section.clone()));
    });
    button.set_onclick(Some(closure.as_ref().unchecked_ref()));
    closure.forget();
}

/// Shows the page with its new list of devices.
fn reload() {
    let _ = window().location().reload();
}

fn find(selector: &str) -> Option<Element> {
    document().query_selector(selector).ok().flatten()
}

/// A property; `undefined` if there is none.
fn get(of: &JsValue, name: &str) -> JsValue {
    Reflect::get(of, &name.into()).unwrap_or_default()
}

/// Calls a method.
fn call(of: &JsValue, name: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = get(of, name).dyn_into()?;
    method.apply(of, &arguments.iter().collect::<Array>())
}

/// Calls a method that returns a promise, and waits for its value.
async fn call_and_wait(of: &JsValue, name: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    JsFuture::from(Promise::resolve(&call(of, name, arguments)?)).await
}

fn object(entries: &[(&str, JsValue)]) -> JsValue {
    let object = Object::new();
    for (name, value) in entries {
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object.into()
}

/// Bytes as URL-safe base64 without padding.
fn base64(bytes: &[u8]) -> Result<String, JsValue> {
    let binary: String = bytes.iter().copied().map(char::from).collect();
    let text = call(&window(), "btoa", &[binary.into()])?.as_string().unwrap_or_default();
    Ok(text.replace('+', "-").replace('/', "_").trim_end_matches('=').to_owned())
}
