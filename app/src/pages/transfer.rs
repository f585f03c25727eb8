//! Taking a session over on this device.

use leptos::prelude::*;

use super::entrance::Card;

/// Signs in by a transfer link. The link alone does nothing, so that a preview of it uses nothing up; the form is sent
/// at once where scripts run and nobody is signed in.
#[component]
pub fn Transfer(path: String, signed_in_as: Option<String>) -> impl IntoView {
    let at_once = signed_in_as.is_none().then_some("");
    view! {
        <Card title="Sign in on this device" lead="">
            {signed_in_as.map(|name| view! {
                <p class="card__lead">"This browser is signed in as "<bdi>{name}</bdi>". Going on signs it in as whoever the link is for."</p>
            })}
            <form method="post" action=path data-at-once=at_once>
                <input type="hidden" name="_method" value="put"/>
                <button class="button">"Sign in"</button>
            </form>
        </Card>
    }
}
