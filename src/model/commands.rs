//! Slash commands: `/word text` calls a bot.

use std::fmt;
use std::str::FromStr;

use crate::{AppError, folding};

/// How many words one bot may have.
pub const MAX_WORDS: usize = 10;

/// The longest word, in characters.
const MAX_WORD_CHARS: usize = 32;

/// The word of the command that plays a sound, which is ours.
const PLAY: &str = "play";

/// The word of a command, without its slash: letters and digits of any script, `-` and `_`, folded by [`folding::name`], so
/// that case and width do not count.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommandWord(String);

impl CommandWord {
    /// The word without its slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(word: &str) -> Option<Self> {
        // Before anything longer is folded.
        if word.chars().nth(MAX_WORD_CHARS).is_some() {
            return None;
        }
        let is_of_word = |c: char| c.is_alphanumeric() || folding::is_mark(c) || matches!(c, '-' | '_');
        let is_word = word.starts_with(char::is_alphanumeric) && word.chars().all(is_of_word);
        is_word.then(|| Self(folding::name(word)))
    }
}

impl fmt::Display for CommandWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A leading slash is ignored.
impl FromStr for CommandWord {
    type Err = AppError;

    fn from_str(text: &str) -> Result<Self, AppError> {
        let word = Self::of(text.strip_prefix('/').unwrap_or(text)).ok_or_else(|| {
            let reason = format!("“{text}” is no word for a command: letters, digits, - and _, at most 32.");
            AppError::invalid("commands", reason)
        })?;
        if word.0 == PLAY {
            return Err(AppError::invalid("commands", "/play plays sounds already. Choose another word."));
        }
        Ok(word)
    }
}

/// The words in a form's field, separated by white space or commas.
///
/// # Errors
/// `Invalid` for one that is none, and for more than ten.
pub fn parse_words(entered: &str) -> Result<Vec<CommandWord>, AppError> {
    let words =
        entered.split(|c: char| c.is_whitespace() || matches!(c, ',' | '،' | '、')).filter(|word| !word.is_empty());
    let mut parsed: Vec<CommandWord> = Vec::new();
    // One more than are taken shows that there are too many.
    for word in words {
        let word: CommandWord = word.parse()?;
        if !parsed.contains(&word) {
            parsed.push(word);
        }
        if parsed.len() > MAX_WORDS {
            return Err(AppError::invalid("commands", "A bot has at most 10 commands."));
        }
    }
    Ok(parsed)
}

/// A message that is a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call<'t> {
    /// The word.
    pub word: CommandWord,
    /// What follows it, without white space around it.
    pub text: &'t str,
}

impl<'t> Call<'t> {
    /// Reads a text as a command. `None` for one that is none: a path like `/etc/hosts`, a lone slash, and `/play`, which
    /// is a message.
    #[must_use]
    pub fn read(text: &'t str) -> Option<Self> {
        let typed = text.trim().strip_prefix('/')?;
        let end = typed.find(char::is_whitespace).unwrap_or(typed.len());
        let word = CommandWord::of(&typed[..end])?;
        (word.0 != PLAY).then(|| Self { word, text: typed[end..].trim() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<(String, &str)> {
        Call::read(text).map(|call| (call.word.to_string(), call.text))
    }

    #[test]
    fn a_slash_and_a_word_are_a_command_and_paths_are_not() {
        assert_eq!(read("/deploy"), Some(("deploy".into(), "")));
        assert_eq!(read("  /Deploy  staging \n now "), Some(("deploy".into(), "staging \n now")));
        assert_eq!(read("/部署 生产"), Some(("部署".into(), "生产")));
        assert_eq!(read("/तैनात करो"), Some(("तैनात".into(), "करो")));
        assert_eq!(read("/ΕΛΑ"), Some(("ελα".into(), "")));
        let long = format!("/{}", "x".repeat(33));
        for text in ["", "/", "/ x", "//x", "/etc/hosts", "/-x", "x /deploy", "/play tada", "/a.b", "/x:", "/👍", &long]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn ten_words_are_taken_from_a_field() {
        let words =
            |entered| parse_words(entered).map(|words| words.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(
            words(" /deploy, Status\nstatus  部署、ελα "),
            Ok(vec!["deploy".into(), "status".into(), "部署".into(), "ελα".into()])
        );
        assert_eq!(words(""), Ok(vec![]));
        let eleven: String = (0..11).map(|number| format!("w{number} ")).collect();
        for entered in ["a/b", "/", "play", "/PLAY", "é!", &eleven] {
            assert!(matches!(parse_words(entered), Err(AppError::Invalid(_))), "{entered}");
        }
    }
}
