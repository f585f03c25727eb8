//! Settings pages: one column of sections under a title, and their parts.

use campfire::model::{UserId, avatar_tint, initials};
use leptos::prelude::*;

use super::icon::Icon;

/// A page of sections.
#[component]
pub fn Sheet(
    /// The heading of the page.
    #[prop(into)]
    title: String,
    /// The path that its back arrow leads to.
    #[prop(into)]
    back: String,
    /// Controls beside the heading.
    #[prop(optional, into)]
    actions: Option<AnyView>,
    /// The sections.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="sheet">
            <header class="sheet__top">
                <a class="button--icon" href=back aria-label="Back" data-back="">{Icon::Back.view()}</a>
                <h1>{title}</h1>
                {actions}
            </header>
            {children()}
        </div>
    }
}

/// A section of a page.
#[component]
pub fn Section(
    /// The heading of the section.
    #[prop(into)]
    title: String,
    /// The id of the element, for links to it.
    #[prop(optional, into)]
    id: Option<&'static str>,
    /// The content of the section.
    children: Children,
) -> impl IntoView {
    view! {
        <section class="section" id=id>
            <h2>{title}</h2>
            {children()}
        </section>
    }
}

/// A form for an action that cannot be undone. It opens first and describes the consequences, as a confirmation.
#[component]
pub fn Danger(
    /// The text that opens it.
    #[prop(into)]
    summary: String,
    /// The path that the form is submitted to.
    #[prop(into)]
    action: String,
    /// The method that the form carries, like `delete`.
    #[prop(default = "delete")]
    method: &'static str,
    /// The text of the button.
    #[prop(into)]
    button: String,
    /// The description of the consequences.
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

/// A person's initials on a colour, hidden from assistive technology: the name is beside it.
#[component]
pub fn Avatar(
    /// The person's id, which selects the colour.
    id: UserId,
    /// The person's name.
    name: String,
    /// A further class of the element.
    #[prop(default = "")]
    class: &'static str,
) -> impl IntoView {
    view! {
        <span class=format!("avatar tint-{} {class}", avatar_tint(id)).trim_end().to_owned() data-person=id.to_string() aria-hidden="true">
            {initials(&name)}
        </span>
    }
}

/// A link to share: a read-only field with buttons to copy and to share it, and its QR code.
#[component]
pub fn LinkField(
    /// The id of the field.
    id: &'static str,
    /// The text of its label.
    #[prop(into)]
    label: String,
    /// The link.
    url: String,
    /// The path of the image of its QR code.
    qr_path: String,
) -> impl IntoView {
    view! {
        <div class="link-field">
            <label for=id>{label.clone()}</label>
            <div class="link-field__row">
                <input id=id type="text" readonly value=url.clone() data-selects=""/>
                // Hidden until a script shows them: they do not work without scripts.
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
