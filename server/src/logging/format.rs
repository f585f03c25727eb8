//! The form of a line: for people, or JSON for programs. Either names the request that is handled.

use std::fmt::{self, Debug};

use campfire::clock::Clock;
use campfire::model::utc_timestamp;
use clap::ValueEnum;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::http::request_id::RequestId;

/// The form of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

impl Format {
    /// A line that is no event of `tracing`, with its line break.
    pub(super) fn line(self, level: Level, message: &str) -> String {
        match self {
            Self::Text => format!("{message}\n"),
            Self::Json => {
                let fields = [("message".to_owned(), message.into())];
                format!("{}\n", Value::Object(with_origin(fields.into_iter().collect(), level, "campfire")))
            }
        }
    }
}

/// The time, and the number of the request after it.
pub(super) struct Stamp;

impl FormatTime for Stamp {
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        SystemTime.format_time(writer)?;
        match RequestId::current() {
            Some(id) => write!(writer, " {id}"),
            None => Ok(()),
        }
    }
}

/// A JSON object with time, level, module, number of the request, and the fields of the event.
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let object = with_origin(fields.0, *event.metadata().level(), event.metadata().target());
        writeln!(writer, "{}", Value::Object(object))
    }
}

/// The fields with time, level, module and number of the request.
fn with_origin(mut fields: Map<String, Value>, level: Level, target: &str) -> Map<String, Value> {
    let own = [
        ("time", Some(utc_timestamp(Clock::System.now_ms()))),
        ("level", Some(level.to_string())),
        ("target", Some(target.to_owned())),
        ("request", RequestId::current().map(|id| id.to_string())),
    ];
    fields.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))));
    fields
}

struct Fields(Map<String, Value>);

impl Fields {
    fn insert(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.insert(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.insert(field, value.into());
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.insert(field, u64::try_from(value).unwrap_or(u64::MAX).into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.insert(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.insert(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.insert(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.insert(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Lines {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[tokio::test]
    async fn a_line_is_an_object_whatever_is_logged() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).event_format(Json);
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let id = RequestId::next();
        id.scope(async {
            tracing::warn!(count = 3, error = %"a \"quote\"\nand a break", took = 5_u128, is_bad = true, "two\nlines");
        })
        .await;
        tracing::info!("afterwards");
        let text = lines.text();
        let objects: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects.len(), 2, "{text}");
        let first = &objects[0];
        assert_eq!((&first["message"], &first["count"], &first["took"]), (&"two\nlines".into(), &3.into(), &5.into()));
        assert_eq!((&first["level"], &first["is_bad"]), (&"WARN".into(), &true.into()));
        assert_eq!(first["error"], "a \"quote\"\nand a break");
        assert_eq!(first["request"], id.to_string());
        assert!(objects[1].get("request").is_none());
    }

    #[test]
    fn what_is_no_event_has_the_form_of_the_others() {
        assert_eq!(Format::Text.line(Level::ERROR, "a \"reason\""), "a \"reason\"\n");
        let line = Format::Json.line(Level::ERROR, "two\nlines");
        let object: Value = serde_json::from_str(&line).unwrap();
        assert_eq!((&object["message"], &object["level"]), (&"two\nlines".into(), &"ERROR".into()));
        assert_eq!(line.matches('\n').count(), 1);
    }

    #[tokio::test]
    async fn a_line_for_people_has_the_number_after_the_time() {
        let lines = Lines::default();
        let writer = lines.clone();
        let layer = fmt::layer().with_writer(move || writer.clone()).with_ansi(false).with_timer(Stamp);
        let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        let id = RequestId::next();
        id.scope(async { tracing::info!("within") }).await;
        assert!(lines.text().contains(&format!("Z {id}  INFO")), "{}", lines.text());
    }
}
