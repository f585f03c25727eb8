//! The texts of the generated messages.

use crate::random::Random;

/// Contents of boosts.
pub const BOOSTS: [&str; 8] = ["👍", "🎉", "❤️", "😂", "🔥", "well done", "+1", "ευχαριστώ"];

/// The kinds of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Plain,
    OtherScript,
    Mention,
    Code,
    Quote,
    Link,
    Emoji,
    Sound,
    Styled,
    List,
    Table,
    Long,
    Edited,
}

impl Kind {
    /// A random kind; half of all messages are plain.
    pub fn of(random: &mut Random) -> Self {
        match random.below(40) {
            0..20 => Self::Plain,
            20..24 => Self::OtherScript,
            24..27 => Self::Mention,
            27..29 => Self::Code,
            29..32 => Self::Quote,
            32..34 => Self::Link,
            34 => Self::Emoji,
            35 => Self::Sound,
            36 => Self::Styled,
            37 => Self::List,
            38 => Self::Edited,
            _ if random.below(3) == 0 => Self::Table,
            _ => Self::Long,
        }
    }
}

const SENTENCES: [&str; 16] = [
    "The release is ready when the last test is green.",
    "Who can look at the customer’s question from this morning?",
    "I moved the meeting to Thursday, ten o’clock.",
    "That makes sense.",
    "Could we do without the second dialog?",
    "The numbers of last week are better than expected.",
    "Coffee?",
    "I will be back in an hour.",
    "The draft is in the shared folder; please comment until tomorrow.",
    "It works on my machine, and now also on everybody else’s.",
    "Thanks, that was quick!",
    "There is a typo in the second paragraph of the invitation.",
    "Let us keep the old behaviour for now and measure first.",
    "The train is late again, start without me.",
    "Two people asked for that already.",
    "Done.",
];

const OTHER_SCRIPTS: [&str; 8] = [
    "Καλημέρα σε όλους, η αναφορά είναι έτοιμη.",
    "明天的会议改到下午三点,可以吗?",
    "בוקר טוב! העדכון החדש זמין עכשיו (גרסה 2.1).",
    "Größere Änderungen überprüfen wir nächste Woche.",
    "今日は早めに帰ります。お先に失礼します。",
    "Chúc mừng! Bản phát hành mới rất tốt.",
    "Готово, можно проверять.",
    "مرحبا، هل يمكننا التحدث غدا؟",
];

const CODE: [&str; 4] = [
    "```rust\n/// The smaller half.\nfn half(number: u32) -> u32 {\n    number / 2 // rounds down\n}\n```",
    "```sql\nSELECT name, COUNT(*) AS messages\n  FROM users JOIN messages ON creator_id = users.id\n GROUP BY name;\n```",
    "```js\nconst wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));\nawait wait(500);\n```",
    "```\n$ campfire --listen 0.0.0.0:3000 --data /var/lib/campfire\nCampfire is listening on http://0.0.0.0:3000\n```",
];

const EMOJI: [&str; 4] = ["🎉🎉🎉", "👍", "🧑‍🚀🏳️‍🌈", "☕️?"];

const SOUNDS: [&str; 4] = ["/play tada", "/play rimshot", "/play crickets", "/play bell"];

/// The text of a message. `number` makes it unique, `name` is that of a member of the room.
pub fn text(kind: Kind, random: &mut Random, number: usize, name: &str) -> String {
    let sentence = one_of(random, &SENTENCES);
    match kind {
        Kind::Plain | Kind::Edited | Kind::Quote => sentence.to_owned(),
        Kind::OtherScript => one_of(random, &OTHER_SCRIPTS).to_owned(),
        Kind::Mention => format!("@{name} {sentence}"),
        Kind::Code => format!("{sentence}\n\n{}", one_of(random, &CODE)),
        Kind::Link => format!(
            "{sentence} See [ticket {number}](https://tickets.example/{number}) or https://docs.example/{number}?q=a+b#part-2"
        ),
        Kind::Emoji => one_of(random, &EMOJI).to_owned(),
        Kind::Sound => one_of(random, &SOUNDS).to_owned(),
        Kind::Styled => format!("**Note {number}:** *{sentence}* ~~Never mind.~~ Run `bin/check` first."),
        Kind::List => format!(
            "# Agenda {number}\n\n1. {sentence}\n2. Questions\n   - from customers\n   - from us\n\n---\n\n> {sentence}"
        ),
        Kind::Table => format!(
            "| Part | Time | Share |\n|---|---:|---:|\n| server | {number} ms | 80 % |\n| client | 12 ms | 20 % |\n\n{sentence}"
        ),
        Kind::Long => {
            let paragraphs: Vec<_> = (0..12).map(|_| [one_of(random, &SENTENCES); 4].join(" ")).collect();
            format!("{}\n\n{}", paragraphs.join("\n\n"), "without-any-break-".repeat(20))
        }
    }
}

fn one_of<'a>(random: &mut Random, texts: &[&'a str]) -> &'a str {
    let index = usize::try_from(random.below(texts.len() as u64)).expect("a length fits");
    texts[index]
}
