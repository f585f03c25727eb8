//! First run, joining, signing in and out: forms that respond with a redirect, or with the form and its errors.

use app::Notice;
use app::components::form::FormState;
use app::pages::entrance::{
    FirstRun, FirstRunProps, Join, JoinProps, PasswordReset, PasswordResetProps, SignIn, SignInProps,
};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::error::FieldErrors;
use campfire::model::{Password, paths};
use campfire::ops::accounts::Registration;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::{PageError, retry_after};
use crate::http::form::{Form, Refused, Verb};
use crate::http::path::PageQuery;
use crate::http::{form, render, urls};
use crate::session::{Admitted, Refusal, Session, SignedIn, Visitor};

/// The error of a failed sign-in, the same for every reason: it must not tell which addresses exist.
const SIGN_IN_FAILED: &str = "That did not work. Check the address and the password, or wait a few minutes.";

/// Makes the browser delete what it keeps of the site: drafts, unsent messages, pages. It does so on TLS and on this
/// machine; elsewhere the script of the sign-in page does.
const CLEAR_SITE_DATA: (HeaderName, HeaderValue) =
    (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));

/// The pages before the chat.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/first_run", get(first_run).post(set_up))
        .route("/join/{join_code}", get(invitation).post(join))
        .route("/session/new", get(new_session))
        .route("/password_reset", get(password_reset).post(send_password_reset))
        .route("/session", get(new_session_again).post(session).delete(sign_out))
}

async fn first_run(State(state): State<AppState>) -> Result<Response, PageError> {
    if state.is_set_up().await? {
        return Ok(Redirect::to("/").into_response());
    }
    Ok(first_run_page(StatusCode::OK, FormState::default()))
}

async fn set_up(
    State(state): State<AppState>,
    session: Session,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    if state.is_set_up().await? {
        return Ok(Redirect::to("/").into_response());
    }
    let set_up = match registration(&form, &visitor) {
        Ok(registration) => ops::accounts::set_up(&state, registration).await,
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    match set_up {
        Ok(found) => Ok(sign_in(&state, &session, found, &visitor, "/").await?),
        Err(AppError::Conflict(_)) => Ok(Redirect::to("/").into_response()),
        Err(error) => {
            let refused = Refused::of(error)?;
            Ok(refused.answer(first_run_page(refused.status(), entered(&form, refused.errors()))))
        }
    }
}

async fn invitation(
    State(state): State<AppState>,
    signed_in: Option<SignedIn>,
    visitor: Visitor,
    Path(join_code): Path<String>,
) -> Result<Response, PageError> {
    let account = ops::accounts::require_join_code(&state, &join_code, visitor.address).await?;
    if signed_in.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    Ok(join_page(&state, StatusCode::OK, account.name, join_code, FormState::default()).await?)
}

async fn join(
    State(state): State<AppState>,
    signed_in: Option<SignedIn>,
    session: Session,
    Admitted(visitor): Admitted,
    Path(join_code): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let account = ops::accounts::require_join_code(&state, &join_code, visitor.address).await?;
    if signed_in.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let joined = match registration(&form, &visitor) {
        Ok(registration) => ops::accounts::join(&state, &join_code, registration).await,
        Err(errors) => Err(AppError::Invalid(errors)),
    };
    match joined {
        Ok(found) => {
            let wanted = format!("{}?notice={}", paths::HOME, Notice::Welcome.word());
            Ok(sign_in(&state, &session, found, &visitor, &wanted).await?)
        }
        // The e-mail address has an account: its owner can sign in.
        Err(AppError::Conflict(_)) => {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("email_address", form.get("email_address").trim())
                .finish();
            Ok(urls::with_notice(&format!("{}?{query}", paths::SIGN_IN), Notice::AddressTaken).into_response())
        }
        Err(error) => {
            let refused = Refused::of(error)?;
            let entered = entered(&form, refused.errors());
            Ok(refused.answer(join_page(&state, refused.status(), account.name, join_code, entered).await?))
        }
    }
}

async fn new_session(
    State(state): State<AppState>,
    signed_in: Option<SignedIn>,
    session: Session,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let wanted = urls::own_path(query.get("return_to").map_or("/", String::as_str)).to_owned();
    if signed_in.is_some() {
        return Ok(Redirect::to(&wanted).into_response());
    }
    let email_address = query.get("email_address").cloned().unwrap_or_default();
    let values = vec![("email_address", email_address)];
    let mut response = sign_in_page(&state, StatusCode::OK, wanted, form::fresh(values)).await?;
    // A cookie without a session: it was ended from another device.
    if session.has_ended().await? {
        response.headers_mut().extend([CLEAR_SITE_DATA]);
    }
    Ok(response)
}

/// A reload after a refused form requests the form's URL with GET.
async fn new_session_again() -> Redirect {
    Redirect::to(paths::SIGN_IN)
}

/// Signs in or, by the method in the form, out: the latter from every address.
async fn session(
    State(state): State<AppState>,
    session: Session,
    admitted: Result<Admitted, Refusal>,
    form: Form,
) -> Result<Response, PageError> {
    if form.verb() == Verb::Delete {
        return sign_out(session).await;
    }
    let visitor = match admitted {
        Ok(Admitted(visitor)) => visitor,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let wanted = urls::own_path(form.get("return_to")).to_owned();
    let password = Password::to_check(form.get("password").to_owned());
    let verified = ops::sessions::authenticate(&state, form.get("email_address"), password, visitor.address).await;
    let begun = match verified {
        Ok(found) => sign_in(&state, &session, found, &visitor, &wanted).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(response) => Ok(response),
        Err(error @ (AppError::SignedOut | AppError::TooManyTries(_))) => {
            let mut errors = FieldErrors::default();
            errors.add("form", SIGN_IN_FAILED);
            let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::UNAUTHORIZED);
            let mut response = sign_in_page(&state, status, wanted, entered(&form, errors)).await?;
            retry_after(&mut response, &error);
            Ok(response)
        }
        Err(error) => {
            let refused = Refused::of(error)?;
            let entered = entered(&form, refused.errors());
            Ok(refused.answer(sign_in_page(&state, refused.status(), wanted, entered).await?))
        }
    }
}

async fn password_reset(State(state): State<AppState>) -> Result<Response, PageError> {
    if !state.mail.is_on() {
        return Err(AppError::NotFound.into());
    }
    Ok(password_reset_page(StatusCode::OK, false, FormState::default()))
}

async fn send_password_reset(
    State(state): State<AppState>,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    let address = form.get("email_address");
    match ops::mails::request_password_reset(&state, address, visitor.address).await {
        Ok(()) => Ok(password_reset_page(StatusCode::OK, true, FormState::default())),
        Err(error) => {
            let refused = Refused::of(error)?;
            let values = vec![("email_address", address.to_owned())];
            let entered = FormState { values, errors: refused.errors() };
            Ok(refused.answer(password_reset_page(refused.status(), false, entered)))
        }
    }
}

fn password_reset_page(status: StatusCode, is_sent: bool, state: FormState) -> Response {
    render::bare(status, "A new password", || PasswordReset(PasswordResetProps { is_sent, state }))
}

async fn sign_out(session: Session) -> Result<Response, PageError> {
    session.end().await?;
    let mut response = Redirect::to(paths::SIGN_IN).into_response();
    response.headers_mut().extend([CLEAR_SITE_DATA]);
    Ok(response)
}

/// Signs a user in and redirects to `wanted`. What the browser may keep of another user is deleted: of one who is signed
/// in, or whose session has ended.
///
/// # Errors
/// `SignedOut` when the proof no longer holds.
pub async fn sign_in(
    state: &AppState,
    session: &Session,
    sign_in: ops::sessions::SignIn,
    visitor: &Visitor,
    wanted: &str,
) -> AppResult<Response> {
    let may_be_another = match session.token_hash() {
        Some(token_hash) => {
            let before = state.sessions.find(token_hash).await?;
            before.is_none_or(|before| before.current.user.id != sign_in.user.id)
        }
        None => false,
    };
    session.begin(sign_in, visitor).await?;
    let mut response = Redirect::to(wanted).into_response();
    if may_be_another {
        response.headers_mut().extend([CLEAR_SITE_DATA]);
    }
    Ok(response)
}

/// The registration in the form, or the errors of its fields.
fn registration(form: &Form, visitor: &Visitor) -> Result<Registration, FieldErrors> {
    let mut errors = FieldErrors::default();
    let name = errors.take(form.get("name").parse());
    let email_address = errors.take(form.get("email_address").parse());
    let password = errors.take(form.get("password").parse());
    match (name, email_address, password) {
        (Some(name), Some(email_address), Some(password)) => {
            Ok(Registration { name, email_address, password, from: visitor.address })
        }
        _ => Err(errors),
    }
}

/// The values of the form, without the password.
fn entered(form: &Form, errors: FieldErrors) -> FormState {
    let values = ["name", "email_address"].map(|name| (name, form.get(name).to_owned()));
    FormState { values: values.into(), errors }
}

fn first_run_page(status: StatusCode, state: FormState) -> Response {
    render::bare(status, "Set up", || FirstRun(FirstRunProps { state }))
}

async fn join_page(
    app: &AppState,
    status: StatusCode,
    account_name: String,
    join_code: String,
    state: FormState,
) -> AppResult<Response> {
    let help = ops::accounts::help_contact(app).await?;
    let logo_version = app.picture_versions().logo;
    Ok(render::bare(status, "Join", || Join(JoinProps { account_name, logo_version, join_code, help, state })))
}

async fn sign_in_page(app: &AppState, status: StatusCode, return_to: String, state: FormState) -> AppResult<Response> {
    let account = ops::accounts::find(app).await?;
    let account_name = account.map_or_else(|| "Campfire".to_owned(), |account| account.name);
    let help = ops::accounts::help_contact(app).await?;
    let logo_version = app.picture_versions().logo;
    let sends_mail = app.mail.is_on();
    let props = SignInProps { account_name, logo_version, return_to, sends_mail, help, state };
    Ok(render::bare(status, "Sign in", || SignIn(props)))
}
