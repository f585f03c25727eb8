//! Signing in on another device by a transfer link.

use leptos::prelude::*;

use super::entrance::Card;

/// The form that redeems a transfer link. Opening the link changes nothing, as link previews open it too. A script
/// submits the form immediately, unless the browser is signed in already.
#[component]
pub fn Transfer(
    /// The path of the link.
    path: String,
    /// The name of the user who is signed in.
    signed_in_as: Option<String>,
) -> impl IntoView {
    let at_once = signed_in_as.is_none().then_some("");
    view! {
        <Card title="Sign in on this device" lead="">
            {signed_in_as.map(|name| view! {
                <p class="card__lead">"This browser is signed in as "<bdi>{name}</bdi>". Going on signs it in as whoever the link is for."</p>
            })}
            <form method="post" action=path data-at-once=at_once data-forgets=at_once>
                <input type="hidden" name="_method" value="put"/>
                <button class="button">"Sign in"</button>
            </form>
        </Card>
    }
}
