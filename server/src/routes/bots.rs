//! The pages with which administrators make and change bots.

use app::Notice;
use app::components::form::FormState;
use app::pages::bots::{BotGuidePage, BotGuidePageProps};
use app::pages::bots::{
    BotRoom, BotsPage, BotsPageProps, EditBotPage, EditBotPageProps, HookRow, HooksCard, ListedBot, WebhookCard,
};
use app::pages::bots::{NewBotPage, NewBotPageProps};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use campfire::access::Administrator;
use campfire::error::FieldErrors;
use campfire::model::{RoomId, UserId, is_blank, parse_words, paths};
use campfire::ops::bots::{self, BotForm, BotInRooms};
use campfire::ops::{hooks, webhooks};
use campfire::state::AppState;
use campfire::{AppError, AppResult};

use super::avatars::{MAX_BODY_BYTES, PictureForm, chosen};
use super::deliveries;
use crate::Site;
use crate::http::errors::PageError;
use crate::http::form::{Form, Refused, Verb};
use crate::http::forwarded::Forwarded;
use crate::http::path::PathId;
use crate::http::{render, urls};
use crate::session::Administers;

/// The pages and forms of bots.
pub fn router() -> Router<Site> {
    Router::new()
        .route(paths::BOTS, get(list).post(create))
        .route(paths::NEW_BOT, get(new))
        .route("/account/bots/{user_id}", get(to_form).post(change).put(change).delete(remove))
        .route("/account/bots/{user_id}/edit", get(edit))
        .route("/account/bots/{user_id}/api", get(guide))
        .route("/account/bots/{user_id}/test", get(to_form).post(send_test))
        .route("/account/bots/{user_id}/secret", get(to_form).post(renew_secret))
        .route("/account/bots/{user_id}/hooks", get(to_form).post(create_hook))
        .route("/account/bots/{user_id}/hooks/{hook_id}", get(to_form).post(remove_hook).delete(remove_hook))
        .route("/account/bots/{user_id}/key", get(to_form).post(reset_key).put(reset_key))
        .route(
            "/account/bots/{user_id}/avatar",
            get(to_form).post(change_picture).put(change_picture).delete(remove_picture),
        )
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
}

async fn list(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    let bots = bots::list(&state, &administrator).await?;
    let bots = bots.into_iter().map(|bot| listed(bot, &forwarded)).collect();
    Ok(render::plain(StatusCode::OK, "Bots", || BotsPage(BotsPageProps { bots })))
}

fn listed(listed: BotInRooms, forwarded: &Forwarded) -> ListedBot {
    let BotInRooms { bot, rooms, other_count } = listed;
    let url = |room_id| [&*forwarded.origin, &paths::bot_messages(room_id, &bot.key)].concat();
    let rooms = rooms.into_iter().map(|(id, name)| BotRoom { id, name, url: url(id) }).collect();
    ListedBot { id: bot.id, name: bot.name, rooms, other_count }
}

async fn new(State(site): State<Site>, _: Administers) -> Response {
    new_page(&site, StatusCode::OK, FormState::default())
}

fn new_page(site: &Site, status: StatusCode, state: FormState) -> Response {
    let props = NewBotPageProps { text_only: site.state.is_text_only(), state };
    render::plain(status, "New bot", || NewBotPage(props))
}

async fn create(
    State(site): State<Site>,
    Administers(administrator): Administers,
    request: Request,
) -> Result<Response, Response> {
    let PictureForm { form, crop, picture } = PictureForm::read(&site, "avatar", request).await?;
    let created: AppResult<_> = async {
        let bot_form = bot_form(&form)?;
        let picture = picture?;
        Ok((bots::create(&site.state, &administrator, bot_form).await?, picture))
    }
    .await;
    match created {
        Ok((_, None)) => Ok(urls::with_notice(paths::BOTS, Notice::Saved).into_response()),
        Ok((bot_id, Some(picture))) => {
            // The bot is there, whatever becomes of its picture, which can be chosen again on its page.
            let set = bots::set_picture(&site.state, &administrator, bot_id, picture, crop).await;
            answer_change(&site, &administrator, bot_id, set, paths::BOTS, None).await
        }
        Err(error) => {
            let refused = Refused::of(error).map_err(|error| PageError(error).into_response())?;
            let state = FormState { values: values(&form), errors: refused.errors() };
            Ok(refused.answer(new_page(&site, refused.status(), state)))
        }
    }
}

/// The fields of a bot's form.
fn bot_form(form: &Form) -> AppResult<BotForm> {
    let mut errors = FieldErrors::default();
    let name = form.get("name");
    let unnamed = || AppError::invalid("name", "Enter a name for the bot.");
    let name = errors.take(if is_blank(name) { Err(unnamed()) } else { name.parse() });
    let webhook_url = errors.take(webhooks::parse_url(form.get("webhook_url")));
    let commands = errors.take(parse_words(form.get("commands")));
    match (name, webhook_url, commands) {
        (Some(name), Some(webhook_url), Some(commands)) => Ok(BotForm { name, webhook_url, commands }),
        _ => Err(AppError::Invalid(errors)),
    }
}

fn values(form: &Form) -> Vec<(&'static str, String)> {
    ["name", "webhook_url", "commands"].map(|field| (field, form.get(field).to_owned())).to_vec()
}

/// A reload after a refused form requests the form's URL with GET.
async fn to_form(PathId(bot_id): PathId<UserId>) -> Redirect {
    Redirect::to(&paths::edit_bot(bot_id))
}

async fn edit(
    State(site): State<Site>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
) -> Result<Response, PageError> {
    Ok(edit_page(&site, StatusCode::OK, &administrator, bot_id, Shown::default()).await?)
}

/// Submitted values, errors and one-time secrets that the page of a bot shows.
#[derive(Default)]
struct Shown<'f> {
    /// A form that was refused.
    form: Option<&'f Form>,
    /// Why.
    errors: FieldErrors,
    /// A secret that was just made.
    secret: Option<String>,
    /// The URL of a hook that was just made.
    hook_url: Option<String>,
}

async fn edit_page(
    site: &Site,
    status: StatusCode,
    administrator: &Administrator,
    bot_id: UserId,
    shown: Shown<'_>,
) -> AppResult<Response> {
    let bot = bots::find(&site.state, administrator, bot_id).await?;
    let has_picture = bots::has_picture(&site.state, administrator, bot_id).await?;
    let webhook = webhooks::find(&site.state, administrator, bot_id).await?;
    let webhook_url = webhook.as_ref().map(|webhook| webhook.url.clone()).unwrap_or_default();
    let deliveries = webhooks::list_of_bot(&site.state, administrator, bot_id).await?;
    let webhook = webhook.map(|webhook| WebhookCard {
        is_off: webhook.switched_off_at.is_some(),
        secret: shown.secret,
        deliveries: deliveries.into_iter().map(deliveries::row).collect(),
    });
    let hooks = hooks::list_of_bot(&site.state, administrator, bot_id).await?;
    let hooks = hooks.into_iter().map(|hook| HookRow {
        id: hook.id,
        room_name: hook.room_name,
        creator_name: hook.creator_name,
        has_github_secret: hook.has_github_secret,
    });
    let rooms = bots::rooms(&site.state, administrator, bot_id).await?;
    let hooks = HooksCard { hooks: hooks.collect(), rooms, url: shown.hook_url };
    let commands = bots::command_words(&site.state, administrator, bot_id).await?.join(" ");
    let stored = vec![("name", bot.name.clone()), ("webhook_url", webhook_url), ("commands", commands)];
    let state = FormState { values: shown.form.map_or(stored, values), errors: shown.errors };
    let text_only = site.state.is_text_only();
    let name = bot.name.clone();
    let props = EditBotPageProps { id: bot_id, name, webhook, hooks, has_picture, text_only, state };
    Ok(render::plain(status, &bot.name, || EditBotPage(props)))
}

/// The guide to the API, with the bot's key.
async fn guide(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
    forwarded: Forwarded,
) -> Result<Response, PageError> {
    let bot = bots::find(&state, &administrator, bot_id).await?;
    let room = bots::rooms(&state, &administrator, bot_id).await?.into_iter().next();
    let origin = forwarded.origin.to_string();
    let title = format!("API for {}", bot.name);
    let props = BotGuidePageProps { id: bot_id, name: bot.name, key: bot.key.to_string(), origin, room };
    Ok(render::plain(StatusCode::OK, &title, || BotGuidePage(props)))
}

/// Changes a bot, or removes it: the form carries the method.
async fn change(
    State(site): State<Site>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
    request: Request,
) -> Result<Response, Response> {
    let PictureForm { form, crop, picture } = PictureForm::read(&site, "avatar", request).await?;
    if form.verb() == Verb::Delete {
        let removed = remove(State(site.state.clone()), Administers(administrator), PathId(bot_id)).await;
        return removed.map(IntoResponse::into_response).map_err(IntoResponse::into_response);
    }
    let changed: AppResult<()> = async {
        let bot_form = bot_form(&form)?;
        let picture = picture?;
        bots::update(&site.state, &administrator, bot_id, bot_form).await?;
        match picture {
            Some(picture) => bots::set_picture(&site.state, &administrator, bot_id, picture, crop).await,
            None => Ok(()),
        }
    }
    .await;
    let to = paths::BOTS;
    answer_change(&site, &administrator, bot_id, changed, to, Some(&form)).await
}

/// The response to a form of the bot's page.
async fn answer_change(
    site: &Site,
    administrator: &Administrator,
    bot_id: UserId,
    changed: AppResult<()>,
    to: &str,
    form: Option<&Form>,
) -> Result<Response, Response> {
    let answer: AppResult<Response> = async {
        let Err(error) = changed else { return Ok(urls::with_notice(to, Notice::Saved).into_response()) };
        let refused = Refused::of(error)?;
        let shown = Shown { form, errors: refused.errors(), ..Shown::default() };
        let page = edit_page(site, refused.status(), administrator, bot_id, shown).await?;
        Ok(refused.answer(page))
    }
    .await;
    answer.map_err(|error| PageError(error).into_response())
}

async fn remove(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
) -> Result<Redirect, PageError> {
    bots::deactivate(&state, &administrator, bot_id).await?;
    Ok(urls::with_notice(paths::BOTS, Notice::PersonRemoved))
}

async fn reset_key(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
) -> Result<Redirect, PageError> {
    bots::reset_key(&state, &administrator, bot_id).await?;
    Ok(urls::with_notice(paths::BOTS, Notice::Saved))
}

async fn send_test(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
) -> Result<Redirect, PageError> {
    webhooks::send_test(&state, &administrator, bot_id).await?;
    Ok(urls::with_notice(&paths::edit_bot(bot_id), Notice::TestQueued))
}

/// Shows a new secret in the answer, which is the only time.
async fn renew_secret(
    State(site): State<Site>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
) -> Result<Response, PageError> {
    let secret = webhooks::renew_secret(&site.state, &administrator, bot_id).await?;
    let shown = Shown { secret: Some(secret), ..Shown::default() };
    Ok(edit_page(&site, StatusCode::OK, &administrator, bot_id, shown).await?)
}

/// Makes a hook, and shows its address in the answer, which is the only time.
async fn create_hook(
    State(site): State<Site>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
    forwarded: Forwarded,
    form: Form,
) -> Result<Response, PageError> {
    let room_id = form.get("room_id").parse().unwrap_or(RoomId(0));
    let created = hooks::create(&site.state, &administrator, bot_id, room_id, form.get("github_secret")).await;
    match created {
        Ok(token) => {
            let hook_url = Some([&*forwarded.origin, &paths::hook(&token)].concat());
            let shown = Shown { hook_url, ..Shown::default() };
            Ok(edit_page(&site, StatusCode::OK, &administrator, bot_id, shown).await?)
        }
        Err(error) => {
            let refused = Refused::of(error)?;
            let shown = Shown { errors: refused.errors(), ..Shown::default() };
            Ok(refused.answer(edit_page(&site, refused.status(), &administrator, bot_id, shown).await?))
        }
    }
}

/// Removes a hook: the form carries the method.
async fn remove_hook(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    Path((bot_id, hook_id)): Path<(String, String)>,
) -> Result<Redirect, PageError> {
    let bot_id: UserId = bot_id.parse()?;
    let hook_id = hook_id.parse().map_err(|_| AppError::NotFound)?;
    hooks::remove(&state, &administrator, bot_id, hook_id).await?;
    Ok(urls::with_notice(&paths::edit_bot(bot_id), Notice::Saved))
}

async fn change_picture(
    State(site): State<Site>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
    request: Request,
) -> Result<Response, Response> {
    let PictureForm { form, crop, picture } = PictureForm::read(&site, "avatar", request).await?;
    let changed: AppResult<()> = async {
        if form.verb() == Verb::Delete {
            return bots::remove_picture(&site.state, &administrator, bot_id).await;
        }
        bots::set_picture(&site.state, &administrator, bot_id, chosen("avatar", picture)?, crop).await
    }
    .await;
    let to = paths::edit_bot(bot_id);
    answer_change(&site, &administrator, bot_id, changed, &to, None).await
}

async fn remove_picture(
    State(state): State<AppState>,
    Administers(administrator): Administers,
    PathId(bot_id): PathId<UserId>,
) -> Result<Redirect, PageError> {
    bots::remove_picture(&state, &administrator, bot_id).await?;
    Ok(urls::with_notice(&paths::edit_bot(bot_id), Notice::PictureRemoved))
}
