//! Fields of forms: what was typed comes back, with the reason at the field.

use campfire::error::FieldErrors;
use campfire::html::HtmlWriter;
use leptos::prelude::*;

/// What a form was sent with, and what was wrong with it. Passwords are never in it.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    pub values: Vec<(&'static str, String)>,
    pub errors: FieldErrors,
}

impl FormState {
    /// What was typed in this field.
    #[must_use]
    pub fn value(&self, field: &str) -> String {
        self.values.iter().find(|(name, _)| *name == field).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// A labelled field of one line.
#[component]
pub fn Field(
    name: &'static str,
    label: &'static str,
    #[prop(default = "text")] kind: &'static str,
    #[prop(default = "")] autocomplete: &'static str,
    #[prop(default = false)] autofocus: bool,
    #[prop(default = "")] hint: &'static str,
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get(name).map(str::to_owned);
    let described_by = format!("{name}-note");
    let invalid = reason.is_some().then_some("true");
    let class = if invalid.is_some() { "field__note field__note--wrong" } else { "field__note" };
    view! {
        <p class="field">
            <label for=name>{label}</label>
            <input
                id=name
                name=name
                type=kind
                value=state.value(name)
                autocomplete=autocomplete
                autofocus=autofocus
                required
                maxlength=(kind == "text").then_some("100")
                aria-invalid=invalid
                aria-describedby=described_by.clone()
            />
            <span class=class id=described_by.clone()>{reason.unwrap_or_else(|| hint.to_owned())}</span>
        </p>
    }
}

/// A labelled field of several lines. `maxlength` is in characters, 0 without one.
#[component]
pub fn LongField(
    name: &'static str,
    label: &'static str,
    rows: u8,
    #[prop(default = 0)] maxlength: usize,
    #[prop(default = "")] hint: &'static str,
    #[prop(default = true)] spellcheck: bool,
    #[prop(default = false)] required: bool,
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get(name).map(str::to_owned);
    let described_by = format!("{name}-note");
    let invalid = reason.is_some().then_some("true");
    let class = if invalid.is_some() { "field__note field__note--wrong" } else { "field__note" };
    view! {
        <p class="field">
            <label for=name>{label}</label>
            <textarea
                id=name
                name=name
                rows=rows.to_string()
                dir="auto"
                required=required
                maxlength=(maxlength > 0).then(|| maxlength.to_string())
                spellcheck=if spellcheck { "true" } else { "false" }
                aria-invalid=invalid
                aria-describedby=described_by.clone()
            >{textarea_html(&state.value(name))}</textarea>
            <span class=class id=described_by.clone()>{reason.unwrap_or_else(|| hint.to_owned())}</span>
        </p>
    }
}

/// The content of a text field. Leptos does not escape the text of this element.
fn textarea_html(text: &str) -> String {
    let mut html = HtmlWriter::with_capacity(text.len() + 1);
    // HTML parsers drop a line break right after the start tag: without this one, the first of the text would be lost.
    html.markup("\n").text(text);
    html.into_string()
}
