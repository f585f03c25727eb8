//! The form that changes a picture: of a person, or of the account.

use leptos::prelude::*;

use super::form::FormState;

/// The form that chooses a picture and the part of it that is shown, and the one that removes it.
///
/// Without scripts the middle of the picture is shown. With them, crop.js shows the part as soon as a file is chosen.
#[component]
pub fn PictureForm(
    /// The path of the form.
    #[prop(into)]
    action: String,
    /// The field's name, and its id in the page.
    name: &'static str,
    /// The text of its label.
    label: &'static str,
    /// Whether there is a picture to remove.
    removable: bool,
    /// Whether the picture is shown as a circle.
    round: bool,
    /// The form's errors.
    state: FormState,
) -> impl IntoView {
    let reason = state.errors.get(name).map(str::to_owned);
    let invalid = reason.is_some().then_some("true");
    let note_class = if invalid.is_some() { "field__note field__note--wrong" } else { "field__note" };
    let note = reason.unwrap_or_else(|| "JPEG, PNG, GIF or WebP, at most 25 MB.".to_owned());
    let described_by = format!("{name}-note");
    view! {
        <div class="picture-form">
            <form class="picture-form__choose" method="post" action=action.clone() enctype="multipart/form-data" data-crops="">
                <input type="hidden" name="crop" value=""/>
                <p class="field">
                    <label for=name>{label}</label>
                    <input
                        id=name
                        name=name
                        type="file"
                        accept="image/jpeg,image/png,image/gif,image/webp"
                        required
                        autofocus=invalid.is_some()
                        aria-invalid=invalid
                        aria-describedby=described_by.clone()
                    />
                    <span class=note_class id=described_by.clone()>{note}</span>
                </p>
                // Shown by the script once a picture is chosen.
                <div class="crop" class:crop--round=round hidden>
                    <canvas
                        class="crop__view"
                        width="512"
                        height="512"
                        tabindex="0"
                        role="application"
                        aria-label="The part that is shown. Drag it, or move it with the arrow keys."
                    ></canvas>
                    <label class="crop__zoom">"Zoom" <input type="range" min="1" max="4" step="0.01" value="1"/></label>
                </div>
                <button class="button">"Use this picture"</button>
            </form>
            {removable.then(|| view! {
                <form method="post" action=action>
                    <input type="hidden" name="_method" value="delete"/>
                    <button class="button button--plain">"Remove the picture"</button>
                </form>
            })}
        </div>
    }
}
