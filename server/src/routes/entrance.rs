//! First run, joining, signing in and out: forms that respond with a redirect, or with the form and its errors.

use app::components::form::FormState;
use app::pages::entrance::{FirstRun, FirstRunProps, Join, JoinProps, SignIn, SignInProps};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::error::FieldErrors;
use campfire::model::{Password, User, paths};
use campfire::ops::accounts::Registration;
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};
use tower_sessions::Session;

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Verb};
use crate::http::path::PageQuery;
use crate::http::{form, render, urls};
use crate::session::store;
use crate::session::{SignedIn, Visitor};

/// The error of a failed sign-in, the same for every reason: it must not tell which addresses exist.
const SIGN_IN_FAILED: &str = "That did not work. Check the address and the password, or wait a few minutes.";

/// The pages before the chat.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/first_run", get(first_run).post(set_up))
        .route("/join/{join_code}", get(invitation).post(join))
        .route("/session/new", get(new_session))
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
    let registration = match registration(&form) {
        Ok(registration) => registration,
        Err(errors) => return Ok(first_run_page(StatusCode::UNPROCESSABLE_ENTITY, entered(&form, errors))),
    };
    match ops::accounts::set_up(&state, registration).await {
        Ok(user) => sign_in(&session, &user, &visitor, "/").await,
        Err(AppError::Conflict(_)) => Ok(Redirect::to("/").into_response()),
        Err(error) => Err(error.into()),
    }
}

async fn invitation(
    State(state): State<AppState>,
    signed_in: Option<SignedIn>,
    Path(join_code): Path<String>,
) -> Result<Response, PageError> {
    let account = ops::accounts::require_join_code(&state, &join_code).await?;
    if signed_in.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    Ok(join_page(&state, StatusCode::OK, account.name, join_code, FormState::default()).await?)
}

async fn join(
    State(state): State<AppState>,
    signed_in: Option<SignedIn>,
    session: Session,
    visitor: Visitor,
    Path(join_code): Path<String>,
    form: Form,
) -> Result<Response, PageError> {
    let account = ops::accounts::require_join_code(&state, &join_code).await?;
    if signed_in.is_some() {
        return Ok(Redirect::to("/").into_response());
    }
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let registration = match registration(&form) {
        Ok(registration) => registration,
        Err(errors) => {
            return Ok(join_page(&state, unprocessable, account.name, join_code, entered(&form, errors)).await?);
        }
    };
    let email_address = registration.email_address.as_str().to_owned();
    match ops::accounts::join(&state, &join_code, registration).await {
        Ok(user) => sign_in(&session, &user, &visitor, "/").await,
        // The e-mail address has an account: its owner can sign in.
        Err(AppError::Conflict(_)) => {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("email_address", &email_address).finish();
            Ok(Redirect::to(&format!("{}?{query}", paths::SIGN_IN)).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn new_session(
    State(state): State<AppState>,
    signed_in: Option<SignedIn>,
    Query(query): PageQuery,
) -> Result<Response, PageError> {
    let wanted = urls::own_path(query.get("return_to").map_or("/", String::as_str)).to_owned();
    if signed_in.is_some() {
        return Ok(Redirect::to(&wanted).into_response());
    }
    let email_address = query.get("email_address").cloned().unwrap_or_default();
    let values = vec![("email_address", email_address)];
    Ok(sign_in_page(&state, StatusCode::OK, wanted, form::fresh(values)).await?)
}

/// A reload after a refused form requests the form's URL with GET.
async fn new_session_again() -> Redirect {
    Redirect::to(paths::SIGN_IN)
}

async fn session(
    State(site): State<Site>,
    session: Session,
    visitor: Visitor,
    form: Form,
) -> Result<Response, PageError> {
    if form.verb() == Verb::Delete {
        return sign_out(session).await;
    }
    let wanted = urls::own_path(form.get("return_to")).to_owned();
    let failed = async |status| {
        let mut errors = FieldErrors::default();
        errors.add("form", SIGN_IN_FAILED);
        sign_in_page(&site.state, status, wanted.clone(), entered(&form, errors)).await
    };
    if site.sign_ins.is_exceeded(visitor.address) {
        return Ok(failed(StatusCode::TOO_MANY_REQUESTS).await?);
    }
    let password = Password::to_check(form.get("password").to_owned());
    match ops::sessions::authenticate(&site.state, form.get("email_address"), password).await {
        Ok(user) => sign_in(&session, &user, &visitor, &wanted).await,
        Err(AppError::SignedOut) => Ok(failed(StatusCode::UNAUTHORIZED).await?),
        Err(error) => Err(error.into()),
    }
}

async fn sign_out(session: Session) -> Result<Response, PageError> {
    store::end(&session).await?;
    Ok(Redirect::to(paths::SIGN_IN).into_response())
}

/// Signs a user in and redirects to `wanted`.
pub async fn sign_in(session: &Session, user: &User, visitor: &Visitor, wanted: &str) -> Result<Response, PageError> {
    store::begin(session, user.id, &visitor.address.to_string(), &visitor.user_agent).await?;
    Ok(Redirect::to(wanted).into_response())
}

/// The registration in the form, or the errors of its fields.
fn registration(form: &Form) -> Result<Registration, FieldErrors> {
    let mut errors = FieldErrors::default();
    let name = errors.take(form.get("name").parse());
    let email_address = errors.take(form.get("email_address").parse());
    let password = errors.take(form.get("password").parse());
    match (name, email_address, password) {
        (Some(name), Some(email_address), Some(password)) => Ok(Registration { name, email_address, password }),
        _ => Err(errors),
    }
}

/// The values of the form, without the password.
fn entered(form: &Form, errors: FieldErrors) -> FormState {
    let values = ["name", "email_address"].map(|name| (name, form.get(name).to_owned()));
    FormState { values: values.into(), errors }
}

fn first_run_page(status: StatusCode, state: FormState) -> Response {
    render::plain(status, "Set up", || FirstRun(FirstRunProps { state }))
}

async fn join_page(
    app: &AppState,
    status: StatusCode,
    account_name: String,
    join_code: String,
    state: FormState,
) -> AppResult<Response> {
    let help = ops::accounts::help_contact(app).await?;
    Ok(render::plain(status, "Join", || Join(JoinProps { account_name, join_code, help, state })))
}

async fn sign_in_page(app: &AppState, status: StatusCode, return_to: String, state: FormState) -> AppResult<Response> {
    let account = ops::accounts::find(app).await?;
    let account_name = account.map_or_else(|| "Campfire".to_owned(), |account| account.name);
    let help = ops::accounts::help_contact(app).await?;
    Ok(render::plain(status, "Sign in", || SignIn(SignInProps { account_name, return_to, help, state })))
}
