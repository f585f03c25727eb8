//! Report of an import: what it kept, changed and dropped.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};

use serde::{Deserialize, Serialize};

/// How many notes about single things are kept; more are counted.
const MAX_NOTES: usize = 200;

/// Above the list of those whose private rooms are held back.
const HELD: &str = "Private rooms that are held back from people who could sign in here before. Nothing proves that an \
                    address is theirs: make sure who each one is, and run this again with --trust EMAIL for each:";

/// Somebody whose private rooms are held back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The name here.
    pub name: String,
    /// The e-mail address here.
    pub address: Option<String>,
    /// How many closed and direct rooms wait.
    pub room_count: u64,
}

/// The report of an import or of its dry run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Number of kept records by kind.
    pub kept: BTreeMap<String, u64>,
    /// Number of changed records by kind.
    pub changed: BTreeMap<String, u64>,
    /// Number of dropped records by kind.
    pub dropped: BTreeMap<String, u64>,
    /// Single things that somebody may want to look at.
    pub notes: Vec<String>,
    /// How many more notes there were.
    pub more_notes: u64,
    /// Everybody whose private rooms are held back. Not stored: it is what the database says.
    #[serde(skip)]
    pub held: Vec<Held>,
}

impl Report {
    /// Counts what is taken over.
    pub(super) fn keep(&mut self, what: &str, count: u64) {
        *self.kept.entry(what.to_owned()).or_default() += count;
    }

    /// Counts something that is changed.
    pub(super) fn change(&mut self, what: &str) {
        *self.changed.entry(what.to_owned()).or_default() += 1;
    }

    /// Counts what is left out.
    pub(super) fn drop(&mut self, what: &str, count: u64) {
        if count > 0 {
            *self.dropped.entry(what.to_owned()).or_default() += count;
        }
    }

    /// Adds a note.
    pub(super) fn note(&mut self, note: impl FnOnce() -> String) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note());
        } else {
            self.more_notes += 1;
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (title, counts) in [("Kept", &self.kept), ("Changed", &self.changed), ("Left out", &self.dropped)] {
            if !counts.is_empty() {
                writeln!(f, "{title}:")?;
            }
            for (what, count) in counts {
                writeln!(f, "{count:>10}  {what}")?;
            }
        }
        if !self.held.is_empty() {
            writeln!(f, "{HELD}")?;
        }
        for Held { name, address, room_count } in &self.held {
            writeln!(f, "{room_count:>10}  {name} ({})", address.as_deref().unwrap_or("no e-mail address"))?;
        }
        if !self.notes.is_empty() {
            writeln!(f, "Notes:")?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        if self.more_notes > 0 {
            writeln!(f, "  and {} more", self.more_notes)?;
        }
        Ok(())
    }
}
