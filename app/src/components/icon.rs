//! Icons: drawn here on a 24-unit grid, stroked in the colour of the text around them.

use leptos::prelude::*;

/// What an icon shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Menu,
    Close,
    Plus,
    Send,
    Lock,
    Room,
    Settings,
    Down,
    Back,
    Invite,
    Leave,
    Flame,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Menu => "M4 7h16M4 12h16M4 17h10",
            Self::Close => "M6 6l12 12M18 6L6 18",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Send => "M12 19V6M6 11.5L12 5.5l6 6",
            Self::Lock => "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
            Self::Room => "M9.5 4L7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
            Self::Settings => {
                "M4.900 12a.6.6 0 1 0 1.200 0 .6.6 0 1 0-1.200 0M11.400 12a.6.6 0 1 0 1.200 0 .6.6 0 1 0-1.200 0M17.900 12a.6.6 0 1 0 1.200 0 .6.6 0 1 0-1.200 0"
            }
            Self::Down => "M12 5v13M6 12.5l6 6 6-6",
            Self::Back => "M15 5l-7 7 7 7",
            Self::Invite => {
                "M10 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3.5 20c.4-3.600 3-5.500 6.500-5.500s6.100 1.900 6.500 5.500M18.500 8v6M15.500 11h6"
            }
            Self::Leave => "M14 5H6v14h8M11 12h9M16.500 8.500L20 12l-3.500 3.500",
            Self::Flame => {
                "M12 3c.6 3.200 5.500 5.600 5.500 10.700A5.600 5.600 0 0 1 12 20a5.600 5.600 0 0 1-5.500-6.200c0-2 .9-3.400 2-4.700.4 1.500 1 2.300 2 2.900C10.300 8.800 10.500 5.600 12 3z"
            }
        }
    }

    /// The icon as markup, hidden from assistive technology: what it stands on carries the name.
    #[must_use]
    pub fn markup(self) -> String {
        format!(r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>"#, self.path())
    }

    /// The icon as a part of a view.
    pub fn view(self) -> impl IntoView {
        view! { <span class="icon-box" inner_html=self.markup()></span> }
    }
}
