//! The viewer's notifications: the devices that get them, a pause, and what they say.

use campfire::model::{Cause, Delivery, PushSettings, PushSubscriptionId, QuietHours, WEEKDAYS, Weekdays, paths};
use leptos::prelude::*;

use crate::components::form::{FormState, Problem};
use crate::components::icon::Icon;
use crate::components::local_time::LocalTime;
use crate::components::sheet::{Section, Sheet};
use crate::pages::inbox::InboxSettings;

/// A browser that gets the viewer's notifications.
#[derive(Clone, Debug)]
pub struct PushDevice {
    /// The id of its subscription.
    pub id: PushSubscriptionId,
    /// The name of the browser and its system.
    pub browser: String,
    /// Whether it is the browser that requests the page.
    pub is_this: bool,
    /// Whether it works.
    pub standing: Standing,
    /// Where its push service takes pushes.
    pub endpoint: String,
    /// When its push service took a push last, in milliseconds since the epoch.
    pub last_success_at: Option<i64>,
    /// When one failed last, in milliseconds since the epoch.
    pub last_failure_at: Option<i64>,
    /// Why, in words.
    pub last_failure: Option<String>,
}

/// Whether a device gets notifications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does, as far as the server knows.
    Working,
    /// Its push service says that it has ended, or has refused or not answered too many in a row.
    Dead,
    /// It was registered for another key.
    OtherKey,
}

/// The viewer's devices, the pause, and the settings.
#[component]
pub fn NotificationsPage(
    /// The browsers that get notifications.
    devices: Vec<PushDevice>,
    /// The public key that browsers subscribe with.
    key: String,
    /// The viewer's settings of notifications.
    settings: PushSettings,
    /// The name of the viewer's time zone.
    zone: String,
    /// How the viewer wants to hear of what comes into the inbox.
    deliveries: Vec<(Cause, Delivery)>,
    /// The errors of the form.
    state: FormState,
) -> impl IntoView {
    let paused_until = settings.paused_until;
    view! {
        <Sheet title="Notifications" back=paths::OWN_PROFILE>
            <ThisDevice key/>
            <Devices devices/>
            <InboxSettings chosen=deliveries/>
            <Pause paused_until/>
            <Settings settings zone state/>
        </Sheet>
    }
}

/// The browser that shows the page: a script finds out whether it gets notifications, and turns them on and off.
#[component]
fn ThisDevice(key: String) -> impl IntoView {
    view! {
        <Section title="This device" id="push-device">
            <div class="push" data-push-key=key>
                <p class="push__state" role="status" data-push-state="">
                    "Only a script can tell whether this device gets notifications, and turn them on. It has not run yet."
                </p>
                <ul class="push__checks" data-push-checks=""></ul>
                <p class="push__buttons">
                    <button class="button" type="button" data-push-on="" hidden>"Turn on"</button>
                    <button class="button button--plain" type="button" data-push-off="" hidden>"Turn off on this device"</button>
                </p>
                <Help/>
            </div>
        </Section>
    }
}

/// Instructions for browsers and systems that do not show notifications. The script opens the section of this device.
#[component]
fn Help() -> impl IntoView {
    let section = |name: &'static str, summary: &'static str, lines: &'static [(&'static str, &'static str)]| {
        view! {
            <details class="push__help" data-push-help=name>
                <summary>{summary}</summary>
                <ul>
                    {lines.iter().map(|(subject, text)| view! { <li><b>{*subject}": "</b>{*text}</li> }).collect_view()}
                </ul>
            </details>
        }
    };
    view! {
        {section("install", "Install the app first", &[
            ("iPhone and iPad", "press Share, then “Add to Home Screen”. Open Campfire from there, and come back to this page."),
            ("Safari on a Mac", "File, then “Add to Dock”."),
            ("Edge", "the icon at the end of the address bar."),
            ("Firefox on Android", "the browser’s menu, then “Install”."),
        ])}
        {section("browser", "Allow notifications in the browser", &[
            ("Chrome and Edge on a computer", "the icon before the address, then “Site settings”, “Notifications”, “Allow”."),
            ("Chrome on Android", "the browser’s menu, then “Settings”, “Notifications”."),
            ("Firefox on a computer", "the icon before the address, then the blocked permission; or the browser’s settings, “Privacy”, “Notifications”."),
            ("Firefox on Android", "the lock before the address, then “Notification”."),
            ("Safari on a Mac", "Safari’s settings, then “Websites”, “Notifications”."),
            ("Other browsers", "the settings of this site, then “Notifications”."),
        ])}
        {section("system", "Allow notifications in the system", &[
            ("iPhone and iPad", "Settings, then “Apps”, the name of this app, “Notifications”."),
            ("Android", "Settings, then “Apps”, the browser or this app, “Notifications”."),
            ("Mac", "System Settings, then “Notifications”, the browser or this app. A Focus also silences them."),
            ("Windows", "Settings, then “System”, “Notifications”, the browser or this app. “Do not disturb” also silences them."),
        ])}
    }
}

/// All devices, with a test and a removal for each.
#[component]
fn Devices(devices: Vec<PushDevice>) -> impl IntoView {
    let is_empty = devices.is_empty();
    view! {
        <Section title="Your devices with notifications" id="push-devices">
            {is_empty.then(|| view! { <p class="empty">"No device gets notifications yet."</p> })}
            <ul class="list">
                {devices.into_iter().map(|device| view! { <DeviceRow device/> }).collect_view()}
            </ul>
        </Section>
    }
}

/// A device with its forms.
#[component]
fn DeviceRow(device: PushDevice) -> impl IntoView {
    let PushDevice { id, browser, is_this, standing, endpoint, last_success_at, last_failure_at, last_failure } =
        device;
    let (test, remove) = (format!("Send a test to {browser}"), format!("Remove {browser}"));
    let host = push_service(&endpoint).to_owned();
    let trouble = match standing {
        Standing::Working => None,
        Standing::Dead => Some("It gets nothing any more. Open Campfire there, and it registers anew."),
        Standing::OtherKey => {
            Some("It gets nothing: the key of this Campfire has changed. Open Campfire there, and it registers anew.")
        }
    };
    // A success after it means that it is over.
    let failure =
        last_failure_at.zip(last_failure).filter(|(at_ms, _)| last_success_at.is_none_or(|success| *at_ms >= success));
    view! {
        <li class="list__row push__device" data-push-endpoint=endpoint>
            {Icon::Device.view()}
            <div class="list__name">
                <strong>{browser}</strong>
                {is_this.then(|| view! { " "<span class="tag">"This device"</span> })}
                <span class="list__detail">
                    <bdi>{host}</bdi>
                    {match last_success_at {
                        Some(at_ms) => view! { " · last one taken "<LocalTime at_ms/> }.into_any(),
                        None => view! { " · none taken yet" }.into_any(),
                    }}
                </span>
                {failure.map(|(at_ms, words)| view! {
                    <span class="list__detail push__failure"><LocalTime at_ms/>": "{words}</span>
                })}
                {trouble.map(|words| view! { <span class="list__detail push__failure">{words}</span> })}
            </div>
            <div class="push__forms">
                <form method="post" action=paths::push_test(id)>
                    <button class="button--quiet" aria-label=test>"Send a test"</button>
                </form>
                <form method="post" action=paths::push_subscription(id)>
                    <input type="hidden" name="_method" value="delete"/>
                    <button class="button--quiet" aria-label=remove>"Remove"</button>
                </form>
            </div>
        </li>
    }
}

/// The host of an endpoint, by which people know a push service.
fn push_service(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

/// The form that pauses notifications on all devices.
#[component]
fn Pause(paused_until: Option<i64>) -> impl IntoView {
    view! {
        <Section title="Pause" id="push-pause">
            <p>
                {match paused_until {
                    Some(at_ms) => view! { "Paused on all your devices until "<LocalTime at_ms/>"." }.into_any(),
                    None => view! { "No device notifies you meanwhile. What was posted in a pause is unread, but no notification comes later." }.into_any(),
                }}
            </p>
            <form method="post" action=paths::PUSH_SETTINGS>
                <input type="hidden" name="_method" value="put"/>
                <div class="push__buttons">
                    <button class="button button--plain" name="pause" value="short">"For 30 minutes"</button>
                    <button class="button button--plain" name="pause" value="tomorrow">"Until 8:00 tomorrow"</button>
                    {paused_until.map(|_| view! { <button class="button" name="pause" value="end">"End the pause"</button> })}
                </div>
            </form>
        </Section>
    }
}

/// The form of what notifications say, and when they are quiet.
#[component]
fn Settings(settings: PushSettings, zone: String, state: FormState) -> impl IntoView {
    let PushSettings { names_only, quiet, .. } = settings;
    let QuietHours { from, to, nights, days } = quiet;
    let reason =
        ["quiet_from", "quiet_to", "time_zone"].into_iter().find_map(|name| state.errors.get(name).map(str::to_owned));
    let invalid = reason.is_some().then_some("true");
    view! {
        <Section title="What they say, and when" id="push-settings">
            <form method="post" action=paths::PUSH_SETTINGS>
                <input type="hidden" name="_method" value="put"/>
                <Problem state/>
                <p class="push__label" aria-hidden="true">"On the lock screen"</p>
                <fieldset class="choice">
                    <legend class="visually-hidden">"On the lock screen"</legend>
                    <label class="choice__option">
                        <input type="radio" name="content" value="text" checked=!names_only/>
                        <span>"Who and what"</span>
                    </label>
                    <label class="choice__option">
                        <input type="radio" name="content" value="names" checked=names_only/>
                        <span>"Only who"</span>
                    </label>
                </fieldset>
                <fieldset class="push__quiet">
                    <legend class="push__label">"Quiet hours"</legend>
                    <p class="push__times">
                        <label for="quiet_from">"From"</label>
                        <input id="quiet_from" name="quiet_from" type="time" required value=from.text() aria-invalid=invalid aria-describedby="quiet-note"/>
                        <label for="quiet_to">"to"</label>
                        <input id="quiet_to" name="quiet_to" type="time" required value=to.text() aria-invalid=invalid aria-describedby="quiet-note"/>
                    </p>
                    <Days name="quiet_nights" legend="beginning on" chosen=nights/>
                    <Days name="quiet_days" legend="and all day on" chosen=days/>
                    {match reason {
                        Some(reason) => view! { <p class="field__note field__note--wrong" id="quiet-note">{reason}</p> }.into_any(),
                        None => view! { <p class="field__note" id="quiet-note">"Times are those of "<bdi>{zone}</bdi>". In quiet hours no device notifies you, also not of mentions."</p> }.into_any(),
                    }}
                </fieldset>
                <button class="button">"Save"</button>
            </form>
        </Section>
    }
}

/// A checkbox for each day of the week.
#[component]
fn Days(name: &'static str, legend: &'static str, chosen: Weekdays) -> impl IntoView {
    let day = |(number, day): (usize, &'static str)| {
        view! {
            <label class="push__day">
                <input type="checkbox" name=name value=number.to_string() checked=chosen.contains(number) aria-label=day/>
                <span aria-hidden="true">{&day[..3]}</span>
            </label>
        }
    };
    view! {
        <fieldset class="push__days">
            <legend>{legend}</legend>
            {WEEKDAYS.into_iter().enumerate().map(day).collect_view()}
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_service_is_shown_by_its_host() {
        for (endpoint, host) in [
            ("https://fcm.googleapis.com/fcm/send/abc", "fcm.googleapis.com"),
            ("https://push.example:8443?x=/y", "push.example:8443"),
            ("x", "x"),
        ] {
            assert_eq!(push_service(endpoint), host);
        }
    }
}
