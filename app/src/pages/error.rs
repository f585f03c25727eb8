//! Error pages.

use campfire::model::paths;
use leptos::prelude::*;

use super::entrance::{Card, Help};

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

/// The page of a banned address: nobody can sign in or join from there.
#[component]
pub fn Banned(
    /// The name and the e-mail address of the person to ask for help.
    help: Option<(String, String)>,
) -> impl IntoView {
    view! {
        <Card title="Not from here" lead="Nobody can sign in or join from this internet address now. From another network it works.">
            <Help lead="Is this a mistake?" help/>
        </Card>
    }
}
