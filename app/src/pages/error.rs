//! Error pages.

use campfire::model::paths;
use leptos::prelude::*;

use super::entrance::Card;

/// A page that describes an error and links to the viewer's rooms.
#[component]
pub fn Failure(
    /// The heading.
    #[prop(into)]
    title: String,
    /// The description.
    #[prop(into)]
    text: String,
) -> impl IntoView {
    view! {
        <Card title lead=text>
            <p><a class="button" href=paths::HOME>"Go to your rooms"</a></p>
        </Card>
    }
}
