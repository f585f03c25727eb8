//! The pages of the account: its settings, its people, the invitation link, and custom styles.

use campfire::model::{Account, Profile, Role, Status, User, UserId, UserName, paths};
use leptos::prelude::*;

use crate::components::form::{Field, FormState, LongField, Problem};
use crate::components::icon::Icon;
use crate::components::picture_form::PictureForm;
use crate::components::sheet::{Avatar, Danger, LinkField, Section, Sheet};

/// One page of the account's people.
#[derive(Clone, Debug)]
pub struct PeoplePage {
    /// The people, administrators first.
    pub people: Vec<Profile>,
    /// The text that their names contain; empty for all people.
    pub filter: String,
    /// The number of the next page, if there is one.
    pub next_page: Option<i64>,
    /// Whether this is the first page.
    pub is_first: bool,
}

/// The settings of the account, which administrators can change.
#[component]
pub fn AccountPage(
    /// The user who views the page.
    viewer: User,
    /// The account.
    account: Account,
    /// The link by which people join.
    join_url: String,
    /// The path of the image of its QR code.
    qr_path: String,
    /// The people of the account.
    people: PeoplePage,
    /// Whether only administrators make rooms, in the settings form.
    restricted: bool,
    /// Whether pages before signing in name an administrator to write to, in the settings form.
    help_shown: bool,
    /// Whether previews of links are made, in the settings form.
    links_previewed: bool,
    /// Whether everybody in a room sees the earlier texts of its messages.
    edits_shown: bool,
    /// Whether the installation stores no files.
    text_only: bool,
    /// Whether people can be invited by mail.
    sends_mail: bool,
    /// The version of the program.
    version: &'static str,
    /// The values and errors of the settings form.
    state: FormState,
) -> impl IntoView {
    let administers = viewer.role == Role::Administrator;
    let invitation = state.clone();
    view! {
        <Sheet title="Account settings" back=paths::HOME>
            {if administers {
                view! { <Settings restricted help_shown links_previewed edits_shown text_only logo_version=account.logo_version state/> }.into_any()
            } else {
                view! {
                    <p class="sheet__lead">
                        {(account.logo_version > 0).then(|| view! { <img class="sheet__logo" src=paths::small_logo(account.logo_version) alt="" width="64" height="64"/> })}
                        <bdi>{account.name.clone()}</bdi>
                    </p>
                }
                .into_any()
            }}
            <Section title="Invite people" id="invite">
                <p>"Anyone with this link can join, and is in every open room at once."</p>
                <LinkField id="join-link" label="Join link" url=join_url qr_path/>
                {sends_mail.then(|| view! {
                    <form method="post" action=paths::INVITATIONS>
                        <Field
                            name="email_address"
                            label="Send the link to"
                            kind="email"
                            autocomplete="off"
                            hint="The mail says that you invite, and to which Campfire."
                            state=invitation
                        />
                        <button class="button button--plain">"Send an invitation"</button>
                    </form>
                })}
                {administers.then(|| view! {
                    <Danger summary="Make a new link…" action=paths::JOIN_CODE method="post" button="Make a new link">
                        <p>"The present link stops working at once, wherever it was handed out. Nobody who has joined is affected."</p>
                    </Danger>
                })}
            </Section>
            <People viewer people/>
            <p class="sheet__version">"Campfire " {version}</p>
        </Sheet>
    }
}

/// The form of the account's settings.
#[component]
fn Settings(
    restricted: bool,
    help_shown: bool,
    links_previewed: bool,
    edits_shown: bool,
    text_only: bool,
    logo_version: i64,
    state: FormState,
) -> impl IntoView {
    view! {
        <Section title="Account">
            <form method="post" action=paths::ACCOUNT>
                <input type="hidden" name="_method" value="put"/>
                <Problem state=state.clone()/>
                <Field name="name" label="Name of this Campfire" autocomplete="organization" state=state.clone()/>
                <p class="switch">
                    <input type="hidden" name="restrict_room_creation_to_administrators" value="false"/>
                    <input
                        id="restrict"
                        type="checkbox"
                        name="restrict_room_creation_to_administrators"
                        value="true"
                        checked=restricted
                    />
                    <label for="restrict">"Only administrators make rooms"</label>
                </p>
                <p class="switch">
                    <input type="hidden" name="show_help" value="false"/>
                    <input id="show-help" type="checkbox" name="show_help" value="true" checked=help_shown/>
                    <label for="show-help">"Show an administrator’s e-mail address on the sign-in page"</label>
                </p>
                <p class="switch">
                    <input type="hidden" name="preview_links" value="false"/>
                    <input id="preview-links" type="checkbox" name="preview_links" value="true" checked=links_previewed/>
                    <label for="preview-links">"Show previews of links, for which this server fetches the pages that people link to"</label>
                </p>
                <p class="switch">
                    <input type="hidden" name="show_edits" value="false"/>
                    <input id="show-edits" type="checkbox" name="show_edits" value="true" checked=edits_shown/>
                    <label for="show-edits">"Show everybody in a room what its edited messages said before"</label>
                </p>
                <button class="button">"Save"</button>
            </form>
            {if text_only {
                view! { <p class="field__note">"A logo would be a file, and there are no files on this installation."</p> }.into_any()
            } else {
                view! {
                    <div class="sheet__person">
                        <img class="sheet__logo" src=paths::small_logo(logo_version) alt="" width="64" height="64"/>
                        <PictureForm action=paths::LOGO name="logo" label="Logo" removable={logo_version > 0} round=false state/>
                    </div>
                }
                .into_any()
            }}
            <p><a href=paths::BOTS>"Bots"</a></p>
            <p><a href=paths::EDIT_CUSTOM_STYLES>"Custom styles"</a></p>
        </Section>
    }
}

/// The people, with a filter by name.
#[component]
fn People(viewer: User, people: PeoplePage) -> impl IntoView {
    view! {
        <Section title="People" id="people">
            <search>
                <form class="filter" action=format!("{}#people", paths::ACCOUNT_SETTINGS) data-filters="people-list">
                    <label class="visually-hidden" for="filter">"Filter people by name"</label>
                    <input id="filter" type="search" name="filter" maxlength=UserName::MAX_CHARS.to_string() value=people.filter.clone() placeholder="Filter by name" autocomplete="off"/>
                    <button class="button button--plain">"Filter"</button>
                </form>
            </search>
            <PeopleList viewer people/>
        </Section>
    }
}

/// One page of the list of people: administrators, then members.
#[component]
fn PeopleList(viewer: User, people: PeoplePage) -> impl IntoView {
    let PeoplePage { people, filter, next_page, is_first } = people;
    let is_empty = people.is_empty();
    let next = next_page.map(|page| {
        let query = encode(&[("filter", &filter), ("page", &page.to_string())]);
        format!("{}?{query}#people", paths::ACCOUNT_SETTINGS)
    });
    let (administrators, members): (Vec<_>, Vec<_>) =
        people.into_iter().partition(|person| person.role == Role::Administrator);
    let has_both = !administrators.is_empty() && !members.is_empty();
    let list = move |label: &'static str, people: Vec<Profile>| {
        (!people.is_empty()).then(|| {
            view! {
                <ul class="list" aria-label=label>
                    {people.into_iter().map(|person| view! { <Row viewer_id=viewer.id person/> }).collect_view()}
                </ul>
            }
        })
    };
    view! {
        <div id="people-list" aria-live="polite">
            {is_empty.then(|| view! { <p class="empty">{if is_first { "Nobody of that name." } else { "There are no more people." }}</p> })}
            {list("Administrators", administrators)}
            {has_both.then(|| view! { <hr/> })}
            {list("Members", members)}
            {next.map(|next| view! { <p class="list__more"><a class="button button--plain" href=next data-more="people-list">"More people"</a></p> })}
        </div>
    }
}

/// A person, as a link to their page, where administrators change the role and remove people.
#[component]
fn Row(viewer_id: UserId, person: Profile) -> impl IntoView {
    let Profile { id, name, role, status, .. } = person;
    let is_self = id == viewer_id;
    let banned = status == Status::Banned;
    let standing = match role {
        Role::Administrator => "Administrator",
        Role::Member => "Member",
        Role::Bot => "Bot",
    };
    view! {
        <li>
            <a
                class="list__row list__row--link"
                class:list__row--dim=banned
                href=if is_self { paths::OWN_PROFILE.to_owned() } else { paths::user(id) }
            >
                <Avatar id name=name.clone()/>
                <bdi class="list__name">{name}</bdi>
                {is_self.then(|| view! { <span class="tag">"You"</span> })}
                {if banned {
                    view! { <span class="tag tag--negative">"Banned"</span> }
                } else {
                    view! { <span class="tag">{standing}</span> }
                }}
                {Icon::Next.view()}
            </a>
        </li>
    }
}

/// The form of the account's own CSS.
#[component]
pub fn CustomStylesPage(
    /// The values and errors of the form.
    state: FormState,
) -> impl IntoView {
    view! {
        <Sheet title="Custom styles" back=paths::ACCOUNT_SETTINGS>
            <Section title="CSS for every page">
                <p>
                    "It comes after the rest and wins over it. The colours are custom properties, like "
                    <code>":root { --accent: oklch(55% 0.2 260) }"</code>
                    ". Nothing can be loaded from elsewhere."
                </p>
                <form method="post" action=paths::CUSTOM_STYLES data-saves="">
                    <input type="hidden" name="_method" value="put"/>
                    <Problem state=state.clone()/>
                    <LongField
                        name="custom_styles"
                        label="CSS"
                        rows=16
                        spellcheck=false
                        hint="At most 64 KB. Ctrl+Enter or ⌘+Enter saves."
                        state
                    />
                    <button class="button">"Save"</button>
                </form>
                <p class="field__note">
                    "Should a style hide this very page: "<a href=format!("{}?plain=1", paths::EDIT_CUSTOM_STYLES)>"open it without custom styles"</a>
                    ". The address with "<code>"?plain=1"</code>" works for every page."
                </p>
            </Section>
        </Sheet>
    }
}

/// The pairs as a query string, percent-encoded, without those whose value is empty.
fn encode(pairs: &[(&str, &str)]) -> String {
    let mut query = String::new();
    for (key, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(key);
        query.push('=');
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() {
                query.push(char::from(byte));
            } else {
                query.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_percent_encoded() {
        assert_eq!(encode(&[("filter", "a&b é"), ("page", "2")]), "filter=a%26b%20%C3%A9&page=2");
        assert_eq!(encode(&[("filter", ""), ("page", "2")]), "page=2");
    }
}
