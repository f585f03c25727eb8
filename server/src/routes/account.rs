//! The account's settings, which administrators can change and all users can view.

use std::collections::HashMap;

use app::Notice;
use app::components::form::FormState;
use app::pages::account::{AccountPage, AccountPageProps, CustomStylesPage, CustomStylesPageProps, PeoplePage};
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::{Administrator, CurrentUser};
use campfire::error::FieldErrors;
use campfire::model::{AccountName, CustomStyles, Role, UserId, paths};
use campfire::state::AppState;
use campfire::{AppError, AppResult, ops};

use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused, Verb};
use crate::http::forwarded::Forwarded;
use crate::http::path::{PageQuery, PathId};
use crate::http::{render, urls};
use crate::session::{Administers, SignedIn};

/// The fields of the settings form that are checkboxes.
const RESTRICTION: &str = "restrict_room_creation_to_administrators";
const HELP: &str = "show_help";
const PREVIEWS: &str = "preview_links";

/// The field of whether everybody in a room sees the earlier texts of its messages.
const EDITS: &str = "show_edits";

/// The pages and forms of the account.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/account", get(Redirect::to(paths::ACCOUNT_SETTINGS)).post(update).put(update))
        .route(paths::ACCOUNT_SETTINGS, get(settings))
        .route("/account/join_code", get(Redirect::to(paths::ACCOUNT_SETTINGS)).post(renew_join_code))
        .route(paths::INVITATIONS, get(Redirect::to(paths::ACCOUNT_SETTINGS)).post(invite))
        .route("/account/users", get(people))
        .route(
            "/account/users/{user_id}",
            get(Redirect::to(paths::ACCOUNT_SETTINGS)).post(change_person).put(change_role).delete(remove),
        )
        .route(paths::CUSTOM_STYLES, get(Redirect::to(paths::EDIT_CUSTOM_STYLES)).post(set_styles).put(set_styles))
        .route("/account/custom_styles/edit", get(styles))
        .route("/account/custom_styles/{file}", get(style_sheet))
}

async fn settings(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    Query(query): PageQuery,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    let people = people_page(&site.state, &current, &query).await?;
    Ok(settings_page(&site, StatusCode::OK, current, people, &forwarded, None).await?)
}

/// Sends the join link to somebody.
async fn invite(
    State(site): State<Site>,
    SignedIn(current): SignedIn,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    let address = form.get("email_address");
    let Err(error) = ops::mails::invite(&site.state, &current, address).await else {
        return Ok(urls::with_notice(&format!("{}#invite", paths::ACCOUNT_SETTINGS), Notice::Invited).into_response());
    };
    let reason = Refused::of(error)?;
    let given = reason.errors();
    let mut errors = FieldErrors::default();
    // Not at the form of the settings, which stands above.
    errors.add("email_address", given.get("email_address").or_else(|| given.get("form")).unwrap_or_default());
    let entered = FormState { values: vec![("email_address", address.to_owned())], errors };
    let people = people_page(&site.state, &current, &HashMap::new()).await?;
    let page = settings_page(&site, reason.status(), current, people, &forwarded, Some(entered)).await?;
    Ok(reason.answer(page))
}

/// A URL of the list that existing clients use.
async fn people(Query(query): PageQuery) -> Redirect {
    let page: i64 = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1);
    Redirect::to(&format!("{}?page={page}#people", paths::ACCOUNT_SETTINGS))
}

/// Changes the settings. Fields missing in the form are not changed.
async fn update(
    State(site): State<Site>,
    Administers(administrator): Administers,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    let changed = change_settings(&site.state, &administrator, &form).await;
    let Err(error) = changed else {
        return Ok(urls::with_notice(paths::ACCOUNT_SETTINGS, Notice::Saved).into_response());
    };
    let refused = Refused::of(error)?;
    let checked = [RESTRICTION, HELP, PREVIEWS, EDITS].into_iter().filter(|name| form.has(name));
    let mut values: Vec<_> = checked.map(|name| (name, form.is_checked(name).to_string())).collect();
    if form.has("name") {
        values.push(("name", form.get("name").to_owned()));
    }
    let state = FormState { values, errors: refused.errors() };
    let current = administrator.current().clone();
    let people = people_page(&site.state, &current, &HashMap::new()).await?;
    let page = settings_page(&site, refused.status(), current, people, &forwarded, Some(state)).await?;
    Ok(refused.answer(page))
}

async fn change_settings(state: &AppState, administrator: &Administrator, form: &Form) -> AppResult<()> {
    if form.has("name") {
        let name: AccountName = form.get("name").parse()?;
        ops::accounts::rename(state, administrator, name).await?;
    }
    if form.has(RESTRICTION) {
        ops::accounts::restrict_room_creation(state, administrator, form.is_checked(RESTRICTION)).await?;
    }
    if form.has(HELP) {
        ops::accounts::show_help(state, administrator, form.is_checked(HELP)).await?;
    }
    if form.has(PREVIEWS) {
        ops::accounts::preview_links(state, administrator, form.is_checked(PREVIEWS)).await?;
    }
    if form.has(EDITS) {
        ops::messages::show_edits(state, administrator, form.is_checked(EDITS)).await?;
    }
    Ok(())
}

async fn renew_join_code(
    State(state): State<AppState>,
    Administers(administrator): Administers,
) -> Result<Redirect, PageError> {
    ops::accounts::renew_join_code(&state, &administrator).await?;
    Ok(urls::with_notice(paths::ACCOUNT_SETTINGS, Notice::LinkRenewed))
}

/// A form submitted with POST, which carries the method.
async fn change_person(
    state: State<AppState>,
    administrator: Administers,
    user: PathId<UserId>,
    form: Form,
) -> Result<Redirect, PageError> {
    match form.verb() {
        Verb::Delete => remove(state, administrator, user).await,
        Verb::Put | Verb::Post => change_role(state, administrator, user, form).await,
    }
}

async fn change_role(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(user_id): PathId<UserId>,
    form: Form,
) -> Result<Redirect, PageError> {
    let role = if form.get("role") == "administrator" { Role::Administrator } else { Role::Member };
    ops::users::change_role(&state, &administrator, user_id, role).await?;
    let back = if form.has("return_to") { urls::own_path(form.get("return_to")) } else { paths::ACCOUNT_SETTINGS };
    Ok(urls::with_notice(back, Notice::RoleChanged))
}

async fn remove(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(user_id): PathId<UserId>,
) -> Result<Redirect, PageError> {
    ops::users::deactivate(&state, &administrator, user_id).await?;
    Ok(urls::with_notice(paths::ACCOUNT_SETTINGS, Notice::PersonRemoved))
}

async fn styles(State(state): State<AppState>, _: Administers) -> Result<Response, PageError> {
    let styles = ops::accounts::custom_styles(&state).await?;
    Ok(styles_page(StatusCode::OK, styles, FieldErrors::default()))
}

async fn set_styles(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    form: Form,
) -> Result<Response, PageError> {
    let entered = form.get("custom_styles");
    let set = match entered.parse::<CustomStyles>() {
        Ok(styles) => ops::accounts::set_custom_styles(&state, &administrator, styles).await,
        Err(error) => Err(error),
    };
    match set {
        Ok(()) => Ok(urls::with_notice(paths::EDIT_CUSTOM_STYLES, Notice::Saved).into_response()),
        Err(error) => {
            let refused = Refused::of(error)?;
            Ok(refused.answer(styles_page(refused.status(), entered.to_owned(), refused.errors())))
        }
    }
}

/// The custom styles as a style sheet, for all pages: also those before signing in.
async fn style_sheet(State(state): State<AppState>, Path(file): Path<String>) -> Result<Response, PageError> {
    let styles = ops::accounts::custom_styles_at(&state, &format!("{}/{file}", paths::CUSTOM_STYLES)).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, styles).into_response())
}

fn styles_page(status: StatusCode, styles: String, errors: FieldErrors) -> Response {
    let state = FormState { values: vec![("custom_styles", styles)], errors };
    render::plain(status, "Custom styles", || CustomStylesPage(CustomStylesPageProps { state }))
}

async fn people_page(
    state: &AppState,
    current: &CurrentUser,
    query: &HashMap<String, String>,
) -> AppResult<PeoplePage> {
    let filter = query.get("filter").cloned().unwrap_or_default();
    let page = query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1).max(1);
    let ops::users::UserPage { people, has_more } = ops::users::list_page(state, current, &filter, page - 1).await?;
    let next_page = has_more.then_some(page + 1);
    Ok(PeoplePage { people, filter, next_page, is_first: page == 1 })
}

/// The settings with the errors of a form that was refused.
pub(super) async fn refused(
    site: &Site,
    current: CurrentUser,
    forwarded: &Forwarded,
    state: FormState,
) -> AppResult<Response> {
    let people = people_page(&site.state, &current, &HashMap::new()).await?;
    settings_page(site, StatusCode::UNPROCESSABLE_ENTITY, current, people, forwarded, Some(state)).await
}

async fn settings_page(
    site: &Site,
    status: StatusCode,
    current: CurrentUser,
    people: PeoplePage,
    forwarded: &Forwarded,
    submitted: Option<FormState>,
) -> AppResult<Response> {
    let account = ops::accounts::find(&site.state).await?.ok_or(AppError::NotFound)?;
    let join_url = [&*forwarded.origin, &paths::join(&account.join_code)].concat();
    let help_shown = ops::accounts::is_help_shown(&site.state).await?;
    let links_previewed = ops::previews::are_wanted(&site.state).await?;
    let edits_shown = ops::messages::are_edits_shown(&site.state).await?;
    let mut state = submitted.unwrap_or_default();
    for (name, stored) in [
        ("name", account.name.clone()),
        (RESTRICTION, account.room_creation_restricted.to_string()),
        (HELP, help_shown.to_string()),
        (PREVIEWS, links_previewed.to_string()),
        (EDITS, edits_shown.to_string()),
    ] {
        if state.values.iter().all(|(submitted, _)| *submitted != name) {
            state.values.push((name, stored));
        }
    }
    let props = AccountPageProps {
        viewer: current.user,
        qr_path: paths::qr_code(&join_url),
        account,
        join_url,
        people,
        restricted: state.value(RESTRICTION) == "true",
        help_shown: state.value(HELP) == "true",
        links_previewed: state.value(PREVIEWS) == "true",
        edits_shown: state.value(EDITS) == "true",
        text_only: site.state.is_text_only(),
        sends_mail: site.state.mail.is_on(),
        version: env!("CARGO_PKG_VERSION"),
        state,
    };
    Ok(render::plain(status, "Account settings", || AccountPage(props)))
}
