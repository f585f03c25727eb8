//! The WebSocket: opened, monitored, and reopened with exponential backoff.
//!
//! A socket that receives nothing for [`SILENCE_MS`] is considered dead.

use std::time::Duration;

use campfire::AppError;
use campfire::model::paths;
use campfire::protocol::{ClientCommand, SILENCE_MS, ServerEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use super::{Reported, delivery, focus, presence, with_tab};
use crate::{api, browser};

/// The pause after the first failure, in milliseconds, before jitter. It doubles with each further failure.
const MIN_PAUSE_MS: f64 = 500.0;

/// Maximum pause between two attempts, in milliseconds, before jitter.
const MAX_PAUSE_MS: f64 = 15_000.0;

/// The session is checked after this many failures in a row, and again after as many more.
const FAILURES_PER_SESSION_CHECK: u32 = 3;

/// How long a signed-out page waits before it navigates: the tab that signed out is navigating already, and must not be
/// interrupted.
const SIGN_OUT_DELAY: Duration = Duration::from_secs(1);

/// The status of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The page is as old as its HTML; the first connection is being opened.
    Fresh,
    /// The socket is open.
    Online,
    /// The socket was lost.
    Offline,
}

/// The socket of the tab, if there is one, and the state of reconnecting.
#[derive(Default)]
pub(super) struct Connection {
    socket: Option<Socket>,
    /// Incremented with each socket and each pause: late callbacks of an earlier one are ignored.
    generation: u32,
    last_received_ms: u64,
    /// The number of sockets lost since the last one that opened.
    failure_count: u32,
    /// The browser is signed out: it does not reconnect.
    is_signed_out: bool,
}

/// A WebSocket and its handlers. Dropping it closes it.
struct Socket {
    socket: WebSocket,
    _on_open: Closure<dyn FnMut()>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        let _ = self.socket.close();
    }
}

/// Opens a socket.
pub(super) fn connect() {
    if with_connection(|connection| connection.is_signed_out) != Some(false) {
        return;
    }
    let Ok(host) = window().location().host() else { return };
    let secure = window().location().protocol().is_ok_and(|protocol| protocol == "https:");
    let Ok(socket) = WebSocket::new(&[if secure { "wss://" } else { "ws://" }, &host, paths::CABLE].concat()) else {
        return;
    };

    let generation = with_connection(|connection| {
        connection.generation += 1;
        connection.last_received_ms = browser::now_ms();
        connection.generation
    });
    let is_current = move || with_connection(|connection| connection.generation) == generation;

    let on_open = Closure::<dyn FnMut()>::new(move || {
        if is_current() {
            opened();
        }
    });
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
        if is_current()
            && let Some(text) = event.data().as_string()
        {
            received(&text);
        }
    });
    let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |_: CloseEvent| {
        if is_current() {
            // Not here: dropping the socket would free this closure while it runs.
            spawn_local(async { close() });
        }
    });
    socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
    socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
    let socket = Socket { socket, _on_open: on_open, _on_message: on_message, _on_close: on_close };
    with_connection(|connection| connection.socket = Some(socket));
}

/// Opens a socket unless there is one, without further pause.
pub(super) fn connect_now() {
    if with_connection(|connection| connection.socket.is_none()) == Some(true) {
        connect();
    }
}

/// Closes a socket that has received nothing for [`SILENCE_MS`].
pub(super) fn close_if_silent() {
    let is_silent = with_connection(|connection| {
        connection.socket.is_some() && browser::now_ms().saturating_sub(connection.last_received_ms) > SILENCE_MS
    });
    if is_silent == Some(true) {
        close();
    }
}

/// Closes the socket and opens another one after a pause.
pub(super) fn close() {
    let closed = with_tab(|tab| {
        let connection = &mut tab.connection;
        connection.socket = None;
        connection.generation += 1;
        connection.failure_count += 1;
        (tab.live, connection.generation, connection.failure_count)
    });
    let Some((live, generation, failure_count)) = closed else { return };
    live.status.set(Status::Offline);
    if failure_count % FAILURES_PER_SESSION_CHECK == 0 {
        spawn_local(async {
            // Browsers do not expose the status of a refused handshake.
            if api::check_session().await == Err(AppError::SignedOut) {
                sign_out();
            }
        });
    }
    let pause = pause(failure_count, js_sys::Math::random());
    spawn_local(async move {
        browser::sleep(pause).await;
        let is_due = with_connection(|connection| connection.generation == generation && connection.socket.is_none());
        if is_due == Some(true) {
            connect();
        }
    });
}

/// How long to wait after `failure_count` failures in a row. `random` is between 0 and 1.
///
/// Up to 100 % jitter, and up to 2 s after the first failure: after a restart of the server, the tabs must not reconnect
/// all at once.
fn pause(failure_count: u32, random: f64) -> Duration {
    let pause_ms = (MIN_PAUSE_MS * f64::from(1_u32 << (failure_count - 1).min(8))).min(MAX_PAUSE_MS);
    let jitter = if failure_count == 1 { 3.0 } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 500 and 30,000")]
    Duration::from_millis((pause_ms * (1.0 + jitter * random)) as u64)
}

/// Sends a command if the socket is open. Otherwise it is dropped: the state is reported again when a socket opens.
pub(super) fn send(command: &ClientCommand) {
    let Ok(json) = serde_json::to_string(command) else { return };
    with_connection(|connection| {
        if let Some(Socket { socket, .. }) = &connection.socket
            && socket.ready_state() == WebSocket::OPEN
        {
            let _ = socket.send_with_str(&json);
        }
    });
}

/// Stops reconnecting and navigates to the sign-in page, after [`SIGN_OUT_DELAY`]. Where another user is signed in, that
/// leads to theirs.
pub fn sign_out() {
    with_connection(|connection| connection.is_signed_out = true);
    spawn_local(async {
        browser::sleep(SIGN_OUT_DELAY).await;
        let _ = window().location().assign(paths::SIGN_IN);
    });
}

/// Reports the state of the tab on a new socket, and sends the outbox.
fn opened() {
    let opened = with_tab(|tab| {
        tab.connection.failure_count = 0;
        tab.connection.last_received_ms = browser::now_ms();
        tab.reported = Reported::default();
        (tab.live, tab.opened)
    });
    let Some((live, opened)) = opened else { return };
    live.status.set(Status::Online);
    focus::report();
    presence::report();
    opened.run(());
}

fn received(text: &str) {
    with_connection(|connection| connection.last_received_ms = browser::now_ms());
    if let Ok(event) = serde_json::from_str::<ServerEvent>(text) {
        delivery::receive(&event);
    }
}

fn with_connection<T>(work: impl FnOnce(&mut Connection) -> T) -> Option<T> {
    with_tab(|tab| work(&mut tab.connection))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_half_a_minute_with_jitter() {
        let ms = |failure_count, random| pause(failure_count, random).as_millis();
        assert_eq!((ms(1, 0.0), ms(1, 1.0)), (500, 2_000));
        assert_eq!((ms(2, 0.0), ms(2, 1.0)), (1_000, 2_000));
        assert_eq!((ms(5, 0.0), ms(5, 0.5)), (8_000, 12_000));
        assert_eq!((ms(6, 0.0), ms(1_000, 1.0)), (15_000, 30_000));
    }
}
