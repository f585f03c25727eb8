//! What is shown when something cannot be.

use campfire::model::paths;
use leptos::prelude::*;

use super::entrance::Card;

/// A page that says what went wrong and offers a way on.
#[component]
pub fn Failure(#[prop(into)] title: String, #[prop(into)] text: String) -> impl IntoView {
    view! {
        <Card title lead=text>
            <p><a class="button" href=paths::HOME>"Go to your rooms"</a></p>
        </Card>
    }
}
