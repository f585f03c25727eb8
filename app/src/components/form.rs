//! Form fields, which show the submitted value again with its error.

use campfire::error::FieldErrors;
use campfire::html::HtmlWriter;
use leptos::prelude::*;

/// The values of a form and their errors. Passwords are never among them.
#[derive(Clone, Debug, Default)]
pub struct FormState {
    /// Pairs of field name and value.
    pub values: Vec<(&'static str, String)>,
    /// The errors by field name.
    pub errors: FieldErrors,
}

impl FormState {
    /// The value of a field; empty if the form has none.
    #[must_use]
    pub fn value(&self, field: &str) -> String {
        self.values.iter().find(|(name, _)| *name == field).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// The reason why a form was refused that concerns none of its fields.
#[component]
pub fn Problem(
    /// The form's values and errors.
    state: FormState,
) -> impl IntoView {
    let problem = state.errors.get("form").map(str::to_owned);
    problem.map(|problem| view! { <p class="card__problem" role="alert">{problem}</p> })
}

/// A labelled single-line field.
#[component]
pub fn Field(
    /// The field's name, and its id in the page.
    name: &'static str,
    /// The text of its label.
    label: &'static str,
    /// The `type` of the input.
    #[prop(default = "text")]
    kind: &'static str,
    /// The `autocomplete` of the input.
    #[prop(default = "")]
    autocomplete: &'static str,
    /// Whether the form needs it.
    #[prop(default = true)]
    required: bool,
    /// Whether the field has the focus when the page opens. If the form has errors, the first field with one has it.
    #[prop(default = false)]
    autofocus: bool,
    /// The note under the field while it has no error.
    #[prop(default = "")]
    hint: &'static str,
    /// The form's values and errors.
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get(name).map(str::to_owned);
    let described_by = format!("{name}-note");
    let invalid = reason.is_some().then_some("true");
    let class = if invalid.is_some() { "field__note field__note--wrong" } else { "field__note" };
    // Of several such fields in a page, browsers focus the first.
    let autofocus = invalid.is_some() || (autofocus && state.errors.is_empty());
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
                required=required
                maxlength=(kind == "text").then_some("100")
                aria-invalid=invalid
                aria-describedby=described_by.clone()
            />
            {(kind == "password").then(|| view! {
                <button class="button--quiet field__reveal" type="button" hidden data-needs-script="" data-reveals=name aria-pressed="false" aria-controls=name>"Show"</button>
            })}
            <span class=class id=described_by.clone()>{reason.unwrap_or_else(|| hint.to_owned())}</span>
        </p>
    }
}

/// A labelled multi-line field.
#[component]
pub fn LongField(
    /// The field's name, and its id in the page.
    name: &'static str,
    /// The text of its label.
    label: &'static str,
    /// Its height in lines.
    rows: u8,
    /// Maximum length in characters; 0 for no maximum.
    #[prop(default = 0)]
    maxlength: usize,
    /// The note under the field while it has no error.
    #[prop(default = "")]
    hint: &'static str,
    /// Whether the browser checks the spelling.
    #[prop(default = true)]
    spellcheck: bool,
    /// Whether the browser refuses an empty value.
    #[prop(default = false)]
    required: bool,
    /// The form's values and errors.
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
                autofocus=invalid.is_some()
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
pub fn textarea_html(text: &str) -> String {
    let mut html = HtmlWriter::with_capacity(text.len() + 1);
    // HTML parsers drop a line break right after the start tag: without this one, the first of the text would be lost.
    html.markup("\n").text(text);
    html.into_string()
}
