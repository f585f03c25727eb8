//! A time. boot.js writes it as the reader's place and language do.

use campfire::model::utc_timestamp;
use leptos::prelude::*;

/// A date and a time of day; without scripts in UTC.
#[component]
pub fn LocalTime(
    /// In milliseconds since the epoch.
    at_ms: i64,
) -> impl IntoView {
    let timestamp = utc_timestamp(at_ms);
    let utc = format!("{} {} UTC", &timestamp[..10], &timestamp[11..16]);
    view! { <local-time data-date=""><time datetime=timestamp>{utc}</time></local-time> }
}
