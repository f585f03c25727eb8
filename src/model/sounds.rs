//! The sounds of `/play`: names that people know, with a line of our own each.

/// A sound by its name, and what is shown beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sound {
    pub name: &'static str,
    /// What the message says, after the name of its author.
    pub caption: &'static str,
}

/// All of them, by name. The clips are made by `bin/sounds`.
pub const SOUNDS: [Sound; 56] = [
    sound("56k", "is dialling in… 📞"),
    sound("ballmer", "is cheering for developers 👏"),
    sound("bell", "rings 🔔"),
    sound("bezos", "laughs out loud 😆"),
    sound("bueller", "hears no answer 🪑"),
    sound("butts", "giggles at the back 🙊"),
    sound("clowntown", "sees a circus 🎪"),
    sound("cottoneyejoe", "is off to the barn dance 🪕"),
    sound("crickets", "hears only crickets 🦗"),
    sound("curb", "finds this awkward 😬"),
    sound("dadgummit", "is quite cross 🎣"),
    sound("dangerzone", "is on the way to danger ✈️"),
    sound("danielsan", "balances on one leg 🥋"),
    sound("deeper", "goes one level down 🕳️"),
    sound("donotwant", "does not want that 🙅"),
    sound("drama", "senses drama 🎭"),
    sound("flawless", "calls it flawless 💎"),
    sound("glados", "is still running the test 🤖"),
    sound("gogogo", "says go, go, go 🏁"),
    sound("greatjob", "says great job 🌟"),
    sound("greyjoy", "plays it a little off 🎺"),
    sound("guarantee", "guarantees it 🤝"),
    sound("heygirl", "says hey ✨"),
    sound("honk", "honks 🪿"),
    sound("horn", "blows the horn 📯"),
    sound("horror", "dares not look 💀"),
    sound("inconceivable", "cannot conceive of it 🤯"),
    sound("letitgo", "lets it go ❄️"),
    sound("live", "goes live 🎥"),
    sound("loggins", "is ready for take-off 🛫"),
    sound("makeitso", "makes it so 👉"),
    sound("noooo", "cannot believe it 😱"),
    sound("nyan", "leaves a rainbow 🌈"),
    sound("ohmy", "raises an eyebrow 😏"),
    sound("ohyeah", "bursts through the wall 🧱"),
    sound("pushit", "pushes it 🚢"),
    sound("rimshot", "had a punchline 🥁"),
    sound("rollout", "rolls out 🚗"),
    sound("rumble", "is ready to rumble 🥊"),
    sound("sax", "plays into the sunset 🎷"),
    sound("secret", "found something hidden 🗝️"),
    sound("sexyback", "is back 🕺"),
    sound("story", "knows how the story ends 📖"),
    sound("tada", "has something to show 🎉"),
    sound("tmyk", "learned something today 🌠"),
    sound("totes", "agrees entirely 👍"),
    sound("trololo", "sings along 🎶"),
    sound("trombone", "has bad luck 📉"),
    sound("unix", "knows this system 💻"),
    sound("vuvuzela", "watches the match 🏟️"),
    sound("what", "asks what 🤨"),
    sound("whoomp", "has it right there 💥"),
    sound("wups", "dropped something 🫣"),
    sound("yay", "is delighted 🥳"),
    sound("yeah", "says yeah 😎"),
    sound("yodel", "calls from the mountain 🏔️"),
];

const fn sound(name: &'static str, caption: &'static str) -> Sound {
    Sound { name, caption }
}

impl Sound {
    /// The sound with this very name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        SOUNDS.binary_search_by_key(&name, |sound| sound.name).ok().map(|index| SOUNDS[index])
    }

    /// The sound that a message asks for when it is `/play`, one blank and a name, and nothing else.
    #[must_use]
    pub fn asked_for(body: &str) -> Option<Self> {
        Self::named(body.strip_prefix("/play ")?)
    }

    /// Where its clip is found.
    #[must_use]
    pub fn path(self) -> String {
        format!("/sounds/{}.mp3", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_in_order_and_each_once() {
        assert!(SOUNDS.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert!(SOUNDS.iter().all(|sound| Sound::named(sound.name) == Some(*sound) && !sound.caption.is_empty()));
    }

    #[test]
    fn only_the_very_command_plays() {
        assert_eq!(Sound::asked_for("/play tada").map(|sound| sound.name), Some("tada"));
        for text in [
            "/play Tada",
            "/play tada now",
            "/play nothing",
            "/play",
            "/play ",
            "play tada",
            "/play  tada",
            "> /play tada",
        ] {
            assert_eq!(Sound::asked_for(text), None, "{text:?}");
        }
    }
}
