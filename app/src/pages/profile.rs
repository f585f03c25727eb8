//! The viewer's own profile, rooms and devices.

use campfire::model::{Bio, Involvement, Profile, RoomId, RoomKind, SessionId, Theme, UserId, paths};
use leptos::prelude::*;

use crate::components::form::{Field, FormState, LongField, Problem};
use crate::components::icon::Icon;
use crate::components::local_time::LocalTime;
use crate::components::picture_form::PictureForm;
use crate::components::sheet::{Avatar, LinkField, Section, Sheet};

/// A room of the viewer, with its notification setting.
#[derive(Clone, Debug)]
pub struct OwnRoom {
    /// The room.
    pub id: RoomId,
    /// Its kind.
    pub kind: RoomKind,
    /// Its name for the viewer.
    pub name: String,
    /// The viewer's involvement.
    pub involvement: Involvement,
}

/// A browser in which the viewer is signed in.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its session.
    pub session_id: SessionId,
    /// The name of the browser and its system.
    pub browser: String,
    /// The address of its last request.
    pub address: String,
    /// The time of its last stored activity, in milliseconds since the epoch.
    pub last_active_at: i64,
    /// Whether it is the browser that requests the page.
    pub is_this: bool,
}

/// A link that signs a user in on another device, or the form that makes it.
#[derive(Clone, Debug)]
pub enum LinkOffer {
    /// The link.
    Link {
        /// Its URL.
        url: String,
        /// The path of the image of its QR code.
        qr_path: String,
    },
    /// The viewer signed in a while ago and has to enter the password first.
    PasswordNeeded,
}

/// The viewer's profile, password, rooms and devices.
#[component]
pub fn ProfilePage(
    /// The viewer's profile.
    profile: Profile,
    /// The viewer's rooms.
    rooms: Vec<OwnRoom>,
    /// The viewer's theme.
    theme: Theme,
    /// The browsers in which the viewer is signed in.
    devices: Vec<Device>,
    /// The link that signs the viewer in on another device.
    link: LinkOffer,
    /// Whether the viewer signed in a while ago, so that another address needs the password.
    asks_password: bool,
    /// Whether the viewer may set a password without the present one.
    may_set_password: bool,
    /// Whether the viewer has a picture.
    has_picture: bool,
    /// Whether the installation stores no files.
    text_only: bool,
    /// The values and errors of the forms.
    state: FormState,
) -> impl IntoView {
    let user_id = profile.id;
    let email_address = profile.email_address.clone().unwrap_or_default();
    let sign_out = view! {
        <form method="post" action=paths::SESSION>
            <input type="hidden" name="_method" value="delete"/>
            <button class="button button--plain">{Icon::Leave.view()} "Sign out"</button>
        </form>
    };
    view! {
        <Sheet title="Your profile" back=paths::HOME actions=sign_out.into_any()>
            <About profile asks_password has_picture text_only state=state.clone()/>
            <Appearance theme/>
            <Rooms rooms/>
            <NewPassword email_address may_set_password state=state.clone()/>
            <Devices devices/>
            <Install/>
            <Section title="Sign in on another device">
                <p>"Open this link there, or point its camera at the QR code. It works once within four hours and signs in as you: keep it to yourself. A new password, or signing a device out, makes it worthless."</p>
                <SignInLink user_id label="Your private sign-in link" link state/>
            </Section>
        </Sheet>
    }
}

/// How the app is installed on this device: a button where the browser offers it, and instructions for every browser.
/// Hidden in the installed app.
#[component]
fn Install() -> impl IntoView {
    view! {
        <div class="install">
            <Section title="Use it like an app" id="install">
                <p>"Installed, Campfire has an icon and a window of its own, and other apps can share text and links with it."</p>
                <button class="button" type="button" data-installs="" hidden>"Install"</button>
                <ul class="install__ways">
                    <li><b>"iPhone and iPad: "</b>"Share, then “Add to Home Screen”."</li>
                    <li><b>"Android: "</b>"the browser’s menu, then “Install app” or “Add to home screen”."</li>
                    <li><b>"Chrome and Edge on a computer: "</b>"the icon at the end of the address bar."</li>
                    <li><b>"Safari on a Mac: "</b>"File, then “Add to Dock”."</li>
                </ul>
            </Section>
        </div>
    }
}

/// The form of the profile.
#[component]
fn About(profile: Profile, asks_password: bool, has_picture: bool, text_only: bool, state: FormState) -> impl IntoView {
    view! {
        <Section title="About you">
            <div class="sheet__person">
                <Avatar id=profile.id name=profile.name.clone() class="avatar--large"/>
                {if text_only {
                    view! { <p class="field__note">"No files on this installation: everybody shows their initials."</p> }.into_any()
                } else {
                    view! {
                        <PictureForm action=paths::OWN_AVATAR name="avatar" label="Your picture" removable=has_picture round=true state=state.clone()/>
                    }
                    .into_any()
                }}
            </div>
            <form method="post" action=paths::OWN_PROFILE>
                <input type="hidden" name="_method" value="put"/>
                <Problem state=state.clone()/>
                <Field name="name" label="Your name" autocomplete="name" state=state.clone()/>
                <Field name="email_address" label="E-mail address" kind="email" autocomplete="email" state=state.clone()/>
                {asks_password.then(|| view! {
                    <Field
                        name="address_password"
                        label="Current password"
                        kind="password"
                        autocomplete="current-password"
                        required=false
                        hint="Only for another e-mail address."
                        state=state.clone()
                    />
                })}
                <LongField name="bio" label="About you, in a line or two" rows=2 maxlength=Bio::MAX_CHARS state/>
                <button class="button">"Save"</button>
            </form>
        </Section>
    }
}

/// The forms of how the pages look and sound.
#[component]
fn Appearance(theme: Theme) -> impl IntoView {
    let choices = Theme::ALL.map(|choice| {
        view! {
            <label class="choice__option">
                <input type="radio" name="theme" value=choice.word() checked=choice == theme data-submits=""/>
                <span>{choice.label()}</span>
            </label>
        }
    });
    view! {
        <Section title="Appearance" id="appearance">
            <form class="themes" method="post" action=paths::OWN_THEME data-quiet="">
                <input type="hidden" name="_method" value="put"/>
                <fieldset class="choice choice--three">
                    <legend class="visually-hidden">"Theme"</legend>
                    {choices.into_iter().collect_view()}
                </fieldset>
                <button class="button button--plain themes__save">"Save"</button>
            </form>
            <p hidden data-needs-script=""><button class="button--quiet" type="button" data-shortcuts="">"Keyboard shortcuts and sounds…"</button></p>
        </Section>
    }
}

/// The form that changes the password.
#[component]
fn NewPassword(email_address: String, may_set_password: bool, state: FormState) -> impl IntoView {
    view! {
        <Section title="Password">
            <form method="post" action=paths::OWN_PROFILE>
                <input type="hidden" name="_method" value="put"/>
                // For password managers, which store the new password under it.
                <input type="text" autocomplete="username" value=email_address hidden/>
                {if may_set_password {
                    view! { <p>"An administrator’s link signed you in. Choose a new password: for 15 minutes, and once, you need not know the old one."</p> }.into_any()
                } else {
                    view! { <Field name="present_password" label="Current password" kind="password" autocomplete="current-password" state=state.clone()/> }.into_any()
                }}
                <Field name="password" label="New password" kind="password" autocomplete="new-password" hint="At least 8 characters." state/>
                <p class="switch">
                    <input id="keep-others" type="checkbox" name="keep_others" value="true"/>
                    <label for="keep-others">"Keep my other devices signed in"</label>
                </p>
                <button class="button">"Change password"</button>
            </form>
        </Section>
    }
}

/// The link that signs a user in, or the form that asks for the viewer's password first.
#[component]
pub fn SignInLink(
    /// The user whom the link signs in.
    user_id: UserId,
    /// The text of its label.
    #[prop(into)]
    label: String,
    /// The link.
    link: LinkOffer,
    /// The errors of the form.
    state: FormState,
) -> impl IntoView {
    match link {
        LinkOffer::Link { url, qr_path } => view! { <LinkField id="transfer-link" label url qr_path/> }.into_any(),
        LinkOffer::PasswordNeeded => view! {
            <form method="post" action=paths::sign_in_link(user_id)>
                <Field
                    name="link_password"
                    label="Your password"
                    kind="password"
                    autocomplete="current-password"
                    hint="You signed in a while ago."
                    state
                />
                <button class="button button--plain">"Make a sign-in link"</button>
            </form>
        }
        .into_any(),
    }
}

/// The rooms with their notification settings.
#[component]
fn Rooms(rooms: Vec<OwnRoom>) -> impl IntoView {
    let is_empty = rooms.is_empty();
    let (hidden, rooms): (Vec<_>, Vec<_>) =
        rooms.into_iter().partition(|room| room.involvement == Involvement::Invisible);
    view! {
        {(!hidden.is_empty()).then(|| view! { <HiddenRooms rooms=hidden/> })}
        <Section title="Rooms and notifications">
            <p><a class="button button--plain" href=paths::PUSH_SUBSCRIPTIONS>"Notifications on your devices"</a></p>
            {is_empty.then(|| view! { <p class="empty">"You are in no room."</p> })}
            <ul class="list">
                {rooms.into_iter().map(|room| view! { <RoomRow room/> }).collect_view()}
            </ul>
        </Section>
    }
}

/// The rooms that are not in the sidebar, each with the form that shows it again.
#[component]
fn HiddenRooms(rooms: Vec<OwnRoom>) -> impl IntoView {
    let row = |OwnRoom { id, name, .. }: OwnRoom| {
        let label = format!("Show {name} again");
        view! {
            <li class="list__row">
                {Icon::Hidden.view()}
                <a class="list__name" href=paths::room(id)><bdi>{name}</bdi></a>
                <form method="post" action=paths::involvement(id)>
                    <input type="hidden" name="_method" value="put"/>
                    <input type="hidden" name="involvement" value=Involvement::Mentions.word()/>
                    <input type="hidden" name="return_to" value=paths::OWN_PROFILE/>
                    <button class="button button--plain" aria-label=label>"Show again"</button>
                </form>
            </li>
        }
    };
    view! {
        <Section title="Hidden rooms" id="hidden">
            <p>"You are in them, but they are not in your sidebar. Shown again, a room notifies you of mentions."</p>
            <ul class="list">{rooms.into_iter().map(row).collect_view()}</ul>
        </Section>
    }
}

/// A room with the form that changes its notification setting.
#[component]
fn RoomRow(room: OwnRoom) -> impl IntoView {
    let icon = match room.kind {
        RoomKind::Open => Icon::Room,
        RoomKind::Closed => Icon::Lock,
        RoomKind::Direct => Icon::Ping,
    };
    view! {
        <li class="list__row" class:list__row--dim=room.involvement == Involvement::Invisible>
            {icon.view()}
            <a class="list__name" href=paths::room(room.id)><bdi>{room.name.clone()}</bdi></a>
            <form class="involvement" method="post" action=paths::involvement(room.id) data-quiet="">
                <input type="hidden" name="_method" value="put"/>
                <input type="hidden" name="return_to" value=paths::OWN_PROFILE/>
                <select name="involvement" aria-label=format!("Notifications of {}", room.name) data-submits="">
                    {Involvement::choices(room.kind).map(|choice| view! {
                        <option value=choice.word() selected=choice == room.involvement>{choice.short_label()}</option>
                    }).collect_view()}
                </select>
                <button class="button--quiet">"Save"</button>
            </form>
        </li>
    }
}

/// The devices, with the form that signs all others out.
#[component]
fn Devices(devices: Vec<Device>) -> impl IntoView {
    let has_others = devices.len() > 1;
    view! {
        <Section title="Devices" id="devices">
            <p>"Where you are signed in. Sign out what you do not know, and change your password."</p>
            <ul class="list">
                {devices.into_iter().map(|device| view! { <DeviceRow device/> }).collect_view()}
            </ul>
            {has_others.then(|| view! {
                <form method="post" action=paths::OWN_SESSIONS>
                    <input type="hidden" name="_method" value="delete"/>
                    <button class="button button--danger">"Sign out all other devices"</button>
                </form>
            })}
        </Section>
    }
}

/// A device with the form that signs it out.
#[component]
fn DeviceRow(device: Device) -> impl IntoView {
    let label = format!("Sign out {} at {}", device.browser, device.address);
    view! {
        <li class="list__row">
            {Icon::Device.view()}
            <div class="list__name">
                <strong>{device.browser}</strong>
                <span class="list__detail"><bdi>{device.address}</bdi>" · "<LocalTime at_ms=device.last_active_at/></span>
            </div>
            {if device.is_this {
                view! { <span class="tag">"This device"</span> }.into_any()
            } else {
                view! {
                    <form method="post" action=paths::own_session(device.session_id)>
                        <input type="hidden" name="_method" value="delete"/>
                        <button class="button--quiet" aria-label=label>"Sign out"</button>
                    </form>
                }.into_any()
            }}
        </li>
    }
}

/// The name of a browser and its system from its user agent, like `Firefox on Linux`. Only a hint: any client can send
/// any user agent.
#[must_use]
pub fn browser_name(user_agent: &str) -> String {
    // In this order: most browsers also claim to be others, for sites that serve only those.
    let browser = first_named(
        user_agent,
        &[
            ("Edg", "Edge"),
            ("OPR/", "Opera"),
            ("SamsungBrowser/", "Samsung Internet"),
            ("Firefox/", "Firefox"),
            ("FxiOS/", "Firefox"),
            ("CriOS/", "Chrome"),
            ("Chrome/", "Chrome"),
            ("Safari/", "Safari"),
            ("curl/", "curl"),
        ],
    );
    let system = first_named(
        user_agent,
        &[
            ("iPhone", "iPhone"),
            ("iPad", "iPad"),
            ("Android", "Android"),
            ("Windows", "Windows"),
            ("Mac OS X", "Mac"),
            ("CrOS", "ChromeOS"),
            ("Linux", "Linux"),
        ],
    );
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) => "An unknown browser".to_owned(),
    }
}

fn first_named(user_agent: &str, names: &[(&str, &'static str)]) -> Option<&'static str> {
    names.iter().find(|(part, _)| user_agent.contains(part)).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_named_from_their_user_agents() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";
        assert_eq!(browser_name(chrome), "Chrome on Linux");
        assert_eq!(browser_name(&format!("{chrome} Edg/131.0")), "Edge on Linux");
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 Version/17.2 Mobile/15E148 Safari/604.1";
        assert_eq!(browser_name(phone), "Safari on iPhone");
        assert_eq!(
            browser_name("Mozilla/5.0 (Windows NT 10.0; rv:121.0) Gecko/20100101 Firefox/121.0"),
            "Firefox on Windows"
        );
        assert_eq!(browser_name(""), "An unknown browser");
    }
}
