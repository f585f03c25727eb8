//! The pages in front of the chat: setting up, joining, signing in.

use campfire::model::paths;
use leptos::prelude::*;

use crate::components::form::{Field, FormState};
use crate::components::icon::Icon;

/// The first run of an empty installation.
#[component]
pub fn FirstRun(state: FormState) -> impl IntoView {
    view! {
        <Card title="Set up Campfire" lead="You will be its administrator. The others join by a link you give them." state=state.clone()>
            <form method="post" action=paths::FIRST_RUN>
                <Registration state/>
                <button class="button">"Set up"</button>
            </form>
        </Card>
    }
}

/// Joining by the account's link.
#[component]
pub fn Join(
    account_name: String,
    join_code: String,
    help: Option<(String, String)>,
    state: FormState,
) -> impl IntoView {
    view! {
        <Card title=format!("Join {account_name}") lead="Tell the others who you are." state=state.clone()>
            <form method="post" action=paths::join(&join_code)>
                <Registration state/>
                <button class="button">"Join"</button>
            </form>
            <p class="card__aside">"Here already? "<a href=paths::SIGN_IN>"Sign in"</a></p>
            <Help lead="Questions?" help/>
        </Card>
    }
}

/// Signing in. `return_to` is where the person wanted to go.
#[component]
pub fn SignIn(
    account_name: String,
    return_to: String,
    help: Option<(String, String)>,
    state: FormState,
) -> impl IntoView {
    view! {
        <Card title=format!("Sign in to {account_name}") lead="" state=state.clone()>
            <form method="post" action=paths::SESSION>
                <input type="hidden" name="return_to" value=return_to/>
                <Field name="email_address" label="E-mail address" kind="email" autocomplete="username" autofocus=true state=state.clone()/>
                <Field name="password" label="Password" kind="password" autocomplete="current-password" state/>
                <button class="button">"Sign in"</button>
            </form>
            <Help lead="Locked out?" help/>
        </Card>
    }
}

/// Whom to write to, and the version they will ask for.
#[component]
fn Help(lead: &'static str, help: Option<(String, String)>) -> impl IntoView {
    help.map(|(name, address)| {
        view! {
            <p class="card__aside">
                {lead} " Write to "<a href=format!("mailto:{address}") title=name>{address.clone()}</a>"."
                <br/><small>"Campfire "{env!("CARGO_PKG_VERSION")}</small>
            </p>
        }
    })
}

#[component]
fn Registration(state: FormState) -> impl IntoView {
    view! {
        <Field name="name" label="Your name" autocomplete="name" autofocus=true state=state.clone()/>
        <Field name="email_address" label="E-mail address" kind="email" autocomplete="username" state=state.clone()/>
        <Field
            name="password"
            label="Password"
            kind="password"
            autocomplete="new-password"
            hint="At least 8 characters."
            state
        />
    }
}

/// A page that is one card in the middle.
#[component]
pub fn Card(
    #[prop(into)] title: String,
    #[prop(into)] lead: String,
    #[prop(optional)] state: FormState,
    children: Children,
) -> impl IntoView {
    let problem = state.errors.get("form").map(str::to_owned);
    view! {
        <main class="card-page">
            <div class="card">
                <div class="card__mark">{Icon::Flame.view()}</div>
                <h1>{title}</h1>
                {(!lead.is_empty()).then(|| view! { <p class="card__lead">{lead}</p> })}
                {problem.map(|problem| view! { <p class="card__problem" role="alert">{problem}</p> })}
                {children()}
            </div>
        </main>
    }
}
