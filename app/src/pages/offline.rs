//! The page that the service worker shows where it has kept no other.

use campfire::model::paths;
use leptos::prelude::*;

use super::entrance::Card;

/// Says that the server cannot be reached. The link back to this page has the URL that was asked for.
#[component]
pub fn Offline() -> impl IntoView {
    view! {
        <Card title="Offline" lead="The server cannot be reached now, and this page is not kept on your device. The rooms that you read last are.">
            <p><a class="button" href="">"Try again"</a></p>
            <p><a href=paths::HOME>"Go to the room you read last"</a></p>
        </Card>
    }
}
