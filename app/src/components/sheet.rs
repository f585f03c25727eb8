//! Pages of settings: one column of sections under a title, and the small parts they are made of.

use campfire::model::{UserId, avatar_tint, initials};
use leptos::prelude::*;

use super::icon::Icon;

/// A page of sections. `back` is where its arrow leads.
#[component]
pub fn Sheet(
    #[prop(into)] title: String,
    #[prop(into)] back: String,
    #[prop(optional, into)] actions: Option<AnyView>,
    children: Children,
) -> impl IntoView {
    view! {
        <main class="sheet">
            <header class="sheet__top">
                <a class="button--icon" href=back aria-label="Back">{Icon::Back.view()}</a>
                <h1>{title}</h1>
                {actions}
            </header>
            {children()}
        </main>
    }
}

/// One thing to settle.
#[component]
pub fn Section(
    #[prop(into)] title: String,
    #[prop(optional, into)] id: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    view! {
        <section class="section" id=id>
            <h2>{title}</h2>
            {children()}
        </section>
    }
}

/// Something that cannot be taken back: it opens first, says what is lost, and then does it.
#[component]
pub fn Danger(
    #[prop(into)] summary: String,
    /// Where the form goes.
    #[prop(into)]
    action: String,
    /// The verb of the form, like `delete`.
    #[prop(default = "delete")]
    method: &'static str,
    #[prop(into)] button: String,
    children: Children,
) -> impl IntoView {
    view! {
        <details class="danger">
            <summary>{summary}</summary>
            {children()}
            <form method="post" action=action>
                <input type="hidden" name="_method" value=method/>
                <button class="button button--danger">{button}</button>
            </form>
        </details>
    }
}

/// A person's initials on their colour. Decoration: the name stands beside it.
#[component]
pub fn Avatar(id: UserId, name: String, #[prop(default = "")] class: &'static str) -> impl IntoView {
    view! {
        <span class=format!("avatar tint-{} {class}", avatar_tint(id)).trim_end().to_owned() data-person=id.to_string() aria-hidden="true">
            {initials(&name)}
        </span>
    }
}

/// A link to hand on: a field to copy from, its QR code, and the device's own way of sharing.
#[component]
pub fn LinkField(
    id: &'static str,
    #[prop(into)] label: String,
    url: String,
    /// Where the picture of its QR code is.
    qr_path: String,
) -> impl IntoView {
    view! {
        <div class="link-field">
            <label for=id>{label.clone()}</label>
            <div class="link-field__row">
                <input id=id type="text" readonly value=url.clone() data-selects=""/>
                // Without scripts neither can do anything, so neither is there.
                <button class="button button--plain" type="button" data-copies=id hidden>"Copy"</button>
                <button class="button button--plain" type="button" data-shares=url hidden>"Share"</button>
            </div>
            <details class="qr">
                <summary>"QR code"</summary>
                <img src=qr_path alt=format!("QR code: {label}") width="220" height="220" loading="lazy"/>
            </details>
        </div>
    }
}
