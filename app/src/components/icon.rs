//! Icons: SVG paths on a 24-unit grid, stroked in the colour of the surrounding text.

use campfire::html::HtmlWriter;
use leptos::prelude::*;

/// The icons of the pages, named for what they mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// Opens the sidebar on a phone.
    Menu,
    /// Closes or removes.
    Close,
    /// Adds something new.
    Plus,
    /// Attaches files.
    Clip,
    /// Sends a message.
    Send,
    /// A closed room.
    Lock,
    /// An open room.
    Room,
    /// More to do with a room.
    More,
    /// Settings of the account.
    Gear,
    /// Scrolls to the newest messages.
    Down,
    /// Leads back to the page before.
    Back,
    /// Invites people.
    Invite,
    /// Signs out.
    Leave,
    /// The mark of Campfire.
    Flame,
    /// Leads to the page of a row.
    Next,
    /// A device that is signed in.
    Device,
    /// A direct room.
    Ping,
    /// Notifications of mentions.
    Bell,
    /// Notifications of every message.
    BellRinging,
    /// No notifications.
    BellOff,
    /// A room hidden from the sidebar.
    Hidden,
    /// What was said to the viewer.
    Inbox,
    /// Answers in a thread.
    Thread,
    /// Searches.
    Search,
    /// Shows the formatting tools of the composer.
    Format,
    /// Sends a message later.
    Clock,
}

impl Icon {
    /// The `d` attribute of the icon's path.
    const fn path(self) -> &'static str {
        match self {
            Self::Menu => "M4 7h16M4 12h16M4 17h10",
            Self::Close => "M6 6l12 12M18 6L6 18",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Clip => {
                "M18.500 11.500l-6.700 6.700a4.100 4.100 0 0 1-5.800-5.800l7.400-7.400a2.700 2.700 0 0 1 3.900 3.900L10 16.200a1.300 1.300 0 0 1-1.900-1.900l6.300-6.300"
            }
            Self::Send => "M12 19V6M6 11.5L12 5.5l6 6",
            Self::Lock => "M7 11V8a5 5 0 0 1 10 0v3M6 11h12v9H6z",
            Self::Room => "M9.5 4L7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16",
            Self::More => {
                "M4.900 12a.6.6 0 1 0 1.200 0 .6.6 0 1 0-1.200 0M11.400 12a.6.6 0 1 0 1.200 0 .6.6 0 1 0-1.200 0M17.900 12a.6.6 0 1 0 1.200 0 .6.6 0 1 0-1.200 0"
            }
            Self::Gear => {
                "M4 7.500h7M17 7.500h3M4 16.500h3M13 16.500h7M11.500 7.500a2.750 2.750 0 1 0 5.500 0 2.750 2.750 0 1 0-5.500 0M7.500 16.500a2.750 2.750 0 1 0 5.500 0 2.750 2.750 0 1 0-5.500 0"
            }
            Self::Down => "M12 5v13M6 12.5l6 6 6-6",
            Self::Thread => "M6 5v6.500a4 4 0 0 0 4 4h8M14 11.500l4 4-4 4",
            Self::Back => "M15 5l-7 7 7 7",
            Self::Invite => {
                "M10 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM3.5 20c.4-3.600 3-5.500 6.500-5.500s6.100 1.900 6.500 5.500M18.500 8v6M15.500 11h6"
            }
            Self::Leave => "M14 5H6v14h8M11 12h9M16.500 8.500L20 12l-3.500 3.500",
            Self::Next => "M9 5l7 7-7 7",
            Self::Device => "M5 5h14v11H5zM9 20h6M12 16v4",
            Self::Ping => "M5 5.500h14v10h-7L8 19v-3.500H5z",
            Self::Bell => "M6.500 16.500V11a5.500 5.500 0 0 1 11 0v5.500l1.500 1.500H5zM10.500 20.500h3",
            Self::BellRinging => {
                "M6.500 16.500V11a5.500 5.500 0 0 1 11 0v5.500l1.500 1.500H5zM10.500 20.500h3M2.500 9.500c.2-2.200 1-4 2.500-5.500M21.500 9.500c-.2-2.200-1-4-2.500-5.500"
            }
            Self::BellOff => {
                "M6.500 16.500V11c0-.9.200-1.700.5-2.400M9.300 6.200A5.500 5.500 0 0 1 17.500 11v4M18.500 18H5l1.500-1.500M10.500 20.500h3M4 4l16 16"
            }
            Self::Hidden => {
                "M4 4l16 16M10 6.300c6-1.200 9.300 3.400 10.500 5.700a15 15 0 0 1-3 3.800M14.200 17.500C8.500 19 5 14.300 3.500 12a15 15 0 0 1 3.700-4.400M10 10a3 3 0 0 0 4 4.200"
            }
            Self::Inbox => "M4 13.500L6.500 5h11L20 13.500V19H4zM4 13.500h4.500l1.500 2.500h4l1.500-2.500H20",
            Self::Search => "M10.500 17a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13zM15.500 15.500L20.500 20.500",
            Self::Format => "M4 18.500L8.800 6h.9l4.800 12.500M5.800 14h7M17 10.500h4M19 8.500v4",
            Self::Clock => "M12 20.500a8.500 8.500 0 1 0 0-17 8.500 8.500 0 0 0 0 17zM12 7.500V12l3 2",
            Self::Flame => {
                "M12 3c.6 3.200 5.500 5.600 5.500 10.700A5.600 5.600 0 0 1 12 20a5.600 5.600 0 0 1-5.500-6.200c0-2 .9-3.400 2-4.700.4 1.500 1 2.300 2 2.900C10.300 8.800 10.500 5.600 12 3z"
            }
        }
    }

    /// Appends the icon as an SVG element, hidden from assistive technology: the control around it carries the name.
    pub fn push(self, html: &mut HtmlWriter) {
        html.markup(r#"<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d=""#).markup(self.path());
        html.markup(r#""/></svg>"#);
    }

    /// Appends the icon in a box that keeps its size beside a text.
    pub fn push_boxed(self, html: &mut HtmlWriter) {
        html.markup(r#"<span class="icon-box">"#);
        self.push(html);
        html.markup("</span>");
    }

    /// The icon as an SVG element.
    #[must_use]
    pub fn html(self) -> String {
        let mut html = HtmlWriter::new();
        self.push(&mut html);
        html.into_string()
    }

    /// The icon as a view.
    pub fn view(self) -> impl IntoView {
        view! { <span class="icon-box" inner_html=self.html()></span> }
    }
}
