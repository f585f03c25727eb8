//! The pages before the chat: first run, joining, signing in.

use campfire::model::paths;
use leptos::prelude::*;

use crate::components::form::{Field, FormState, Problem};
use crate::components::icon::Icon;

/// The form that sets up an empty installation.
#[component]
pub fn FirstRun(
    /// The values and errors of the form.
    state: FormState,
) -> impl IntoView {
    view! {
        <Card title="Set up Campfire" lead="You will be its administrator. The others join by a link you give them." state=state.clone()>
            <form method="post" action=paths::FIRST_RUN>
                <Registration state/>
                <button class="button">"Set up"</button>
            </form>
        </Card>
    }
}

/// The form to join by the account's link.
#[component]
pub fn Join(
    /// The name of the account.
    account_name: String,
    /// The number of the latest change to the account's logo; 0 without a logo.
    logo_version: i64,
    /// The code of the link.
    join_code: String,
    /// The name and the e-mail address of the person to ask for help.
    help: Option<(String, String)>,
    /// The values and errors of the form.
    state: FormState,
) -> impl IntoView {
    view! {
        <Card title=format!("Join {account_name}") lead="Tell the others who you are." logo_version state=state.clone()>
            <form method="post" action=paths::join(&join_code) data-forgets="">
                <Registration state/>
                <button class="button">"Join"</button>
            </form>
            <p class="card__aside">"Here already? "<a href=paths::SIGN_IN>"Sign in"</a></p>
            <Help lead="Questions?" help/>
        </Card>
    }
}

/// The sign-in form.
#[component]
pub fn SignIn(
    /// The name of the account.
    account_name: String,
    /// The number of the latest change to the account's logo; 0 without a logo.
    logo_version: i64,
    /// The path to redirect to after signing in.
    return_to: String,
    /// Whether a link to set another password can be sent.
    sends_mail: bool,
    /// The name and the e-mail address of the person to ask for help.
    help: Option<(String, String)>,
    /// The values and errors of the form.
    state: FormState,
) -> impl IntoView {
    view! {
        <Card title=format!("Sign in to {account_name}") lead="" logo_version state=state.clone()>
            <form method="post" action=paths::SESSION data-forgets="">
                <input type="hidden" name="return_to" value=return_to/>
                <Field name="email_address" label="E-mail address" kind="email" autocomplete="username" autofocus=true state=state.clone()/>
                <Field name="password" label="Password" kind="password" autocomplete="current-password" state/>
                <button class="button">"Sign in"</button>
            </form>
            {sends_mail.then(|| view! {
                <p class="card__aside"><a href=paths::PASSWORD_RESET>"Forgot your password?"</a></p>
            })}
            <Help lead="Locked out?" help/>
        </Card>
    }
}

/// The form that asks for a link to set another password, or what it says when it was sent.
#[component]
pub fn PasswordReset(
    /// Whether the form was sent.
    is_sent: bool,
    /// The values and errors of the form.
    state: FormState,
) -> impl IntoView {
    let lead = if is_sent {
        "If somebody here has this address, a link is on its way. It works once, and for 30 minutes."
    } else {
        "Enter the address that you sign in with. You get a link to set another password."
    };
    view! {
        <Card title="A new password" lead state=state.clone()>
            {(!is_sent).then(|| view! {
                <form method="post" action=paths::PASSWORD_RESET>
                    <Field name="email_address" label="E-mail address" kind="email" autocomplete="username" autofocus=true state/>
                    <button class="button">"Send the link"</button>
                </form>
            })}
            <p class="card__aside"><a href=paths::SIGN_IN>"Back to signing in"</a></p>
        </Card>
    }
}

/// Whom to ask for help: by the address if it is shown. With the program's version, which an answer may depend on.
#[component]
pub fn Help(
    /// The question that it answers.
    lead: &'static str,
    /// The name and the e-mail address of the person to ask for help.
    help: Option<(String, String)>,
) -> impl IntoView {
    let whom = match help {
        Some((name, address)) => {
            view! { " Write to "<a href=format!("mailto:{address}") title=name>{address.clone()}</a>"." }.into_any()
        }
        None => view! { " Ask an administrator of this Campfire." }.into_any(),
    };
    view! {
        <p class="card__aside">
            {lead} {whom}
            <br/><small>"Campfire "{env!("CARGO_PKG_VERSION")}</small>
        </p>
    }
}

/// The fields of a new user.
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

/// A page of one card in the centre.
#[component]
pub fn Card(
    /// The heading.
    #[prop(into)]
    title: String,
    /// The text under the heading; empty for none.
    #[prop(into)]
    lead: String,
    /// The number of the latest change to the account's logo, which is shown above the heading; 0 for the stock icon.
    #[prop(default = 0)]
    logo_version: i64,
    /// The state of the form in it, whose `form` error is shown.
    #[prop(optional)]
    state: FormState,
    /// The content.
    children: Children,
) -> impl IntoView {
    view! {
        <div class="card-page">
            <div class="card">
                {if logo_version == 0 {
                    view! { <div class="card__mark">{Icon::Flame.view()}</div> }.into_any()
                } else {
                    view! { <img class="card__logo" src=paths::small_logo(logo_version) alt="" width="72" height="72"/> }.into_any()
                }}
                <h1>{title}</h1>
                {(!lead.is_empty()).then(|| view! { <p class="card__lead">{lead}</p> })}
                <Problem state/>
                {children()}
            </div>
        </div>
    }
}
