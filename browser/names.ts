// Names that the scripts share with the Rust code and the style sheets: attributes, ids, elements, events. The scripts
// use these constants alone (`names.test.ts`). The tests of `app/src/names.rs` compare them with its constants, with
// the markup of the pages and with the style sheets. esbuild inlines them.

/** Attributes. */
export const enum Attribute {
  // On the script element of boot.js: where the rest is fetched from.
  /** URL of the JavaScript that loads the WASM. Absent where the page is not hydrated. */
  Loader = "data-loader",
  /** URL of the WASM. Absent where the page is not hydrated. */
  Wasm = "data-wasm",
  /** URL of chat.js. */
  Chat = "data-chat",
  /** The id of the build that the page belongs to. Absent from a build without a service worker. */
  Build = "data-build",

  // On <html>: how far the page has come.
  /** boot.js has run. */
  Scripts = "data-scripts",
  /** The WASM has taken the page over. */
  Live = "data-live",
  /** The colours: `system`, `light` or `dark`. */
  Theme = "data-theme",
  /** chat.js has run. */
  ChatReady = "data-chat-ready",
  /** Whether this device gets notifications: `on` or `off`; absent until that is known. */
  Pushes = "data-pushes",
  /** The page was kept by the service worker: when it was good. */
  Kept = "data-kept",

  // On forms.
  /** The form is submitted by `fetch`, and the page stays. */
  Quiet = "data-quiet",
  /** The form keeps the message of its menu for later. */
  SavesMessage = "data-saves-message",
  /** The form pins the message of its menu, or takes the pin away. */
  Pins = "data-pins",
  /** The form sends the words of a new message in another way: the key under which the browser keeps them. */
  ClearsDraft = "data-clears-draft",
  /** The form adds a boost. */
  Boosts = "data-boosts",
  /** Ctrl+Enter submits the form. */
  Saves = "data-saves",
  /** The form is submitted as soon as the page is there. */
  AtOnce = "data-at-once",
  /** Nobody is signed in on the page of this form: what the browser keeps of the last person is deleted. */
  Forgets = "data-forgets",
  /** The question to confirm before the form is submitted. */
  Asks = "data-asks",
  /** The GET form filters a list on the server; the id of the list's element. */
  Filters = "data-filters",

  /** On a button: what a toast says once the form has been sent. */
  Says = "data-says",
  /** On the form of such buttons: the value of the one that takes the choice back. */
  Undoes = "data-undoes",

  /** On a button: installs the app, where the browser offers that. */
  Installs = "data-installs",

  /** The form chooses the part of a picture that is shown. */
  Crops = "data-crops",

  // On fields.
  /** A change of the field submits its form. */
  Submits = "data-submits",
  /** Focus selects the whole text. */
  Selects = "data-selects",
  /** The field filters a list that is in the page as a whole; the id of the list's element. */
  Narrows = "data-narrows",
  /** Which completions the field has: `message` or `search`. */
  Completes = "data-completes",
  /** Escape empties the field by going to this path. */
  Clears = "data-clears",
  /** On the composer's field and on the timeline: the id of the room. */
  Room = "data-room",
  /** On the timeline of a thread, and on the line of a thread in the room: the id of its root. */
  Thread = "data-thread",
  /** On the timeline: the path of the page in view; the URL may be ahead of it. */
  Place = "data-place",

  // On links and buttons.
  /** The link keeps the name that was typed into the form. */
  KeepsName = "data-keeps-name",
  /** The button copies the field of this id. */
  Copies = "data-copies",
  /** The button shares this URL. */
  Shares = "data-shares",
  /** The button chooses everybody of this list, or nobody. Its value is `all` or `none`. */
  Chooses = "data-chooses",
  /** The button shows and hides the password in the field of this id. */
  Reveals = "data-reveals",
  /** The button opens the list of keyboard shortcuts. */
  Shortcuts = "data-shortcuts",
  /** The link leads to the next page of a list; the id of the list's element. */
  More = "data-more",
  /** What an item of a message's menu does. */
  Action = "data-action",
  /** On the item that deletes a message: the path of the message. */
  Path = "data-path",
  /** On the strip of a room's pins: the ids of the pinned messages. */
  Pinned = "data-pinned",
  /** The link leads to the picker of boosts. */
  Picker = "data-picker",
  /** The link plays a sound. */
  Sound = "data-sound",

  /** Shown only where scripts run. */
  NeedsScript = "data-needs-script",
  /** On `<local-time>`: show the date as well as the time; `short`: the time alone today, otherwise the date alone. */
  Date = "data-date",
  /** On `<local-time>`: it has been written in the reader's time zone and language. */
  Written = "data-written",
  /** On the first message of a day: the day, in words. */
  Day = "data-day",
  /** On an avatar: the user's id. */
  Person = "data-person",
  /** On `<presence-marks>`: the ids of the users who are online. */
  Online = "data-online",
  /** On `<presence-marks>`: threads with new answers, like `41:2 57:1`: the id of the root, and how many are new. */
  News = "data-news",
  /** On an open menu: the side to which it opens, `up` or `down`. */
  Opens = "data-opens",
}

/** Ids of elements. */
export const enum Id {
  /** Before the number in the id of a message's row. */
  MessagePrefix = "message-",
  /** The template of a message's menu. */
  MessageMenu = "message-menu",
  /** How many people a filter has found. */
  PeopleFound = "people-found",
  /** How many people are chosen. */
  PeopleChosen = "people-chosen",
  /** The live region for messages as they arrive. */
  Announcer = "announcer",
  /** The section of this device on the page of notifications. */
  PushDevice = "push-device",
  /** The entries of the inbox on its first page. */
  Inbox = "inbox",
  /** The form that marks the entries of the inbox as read. */
  InboxRead = "inbox-read",
}

/** Custom elements. */
export const enum Tag {
  LocalTime = "local-time",
  PresenceMarks = "presence-marks",
}

/** Custom events on `document`. */
export const enum PageEvent {
  /** A message was added to the page. `detail`: the author's name (empty for the reader's own), and the body's HTML. */
  MessageShown = "campfire:message-shown",
  /** A page of forms was put into the frame. */
  PageShown = "campfire:page-shown",
  /** Whether this device gets notifications is to be found out. */
  DeviceWanted = "campfire:device-wanted",
  /** The list of keyboard shortcuts is to be shown. */
  ShortcutsWanted = "campfire:shortcuts-wanted",
  /** The search panel is to be opened. */
  SearchWanted = "campfire:search-wanted",
  /** A toast is to be shown. `detail`: its text, and what undoes it, if anything does. */
  Toast = "campfire:toast",
}

/** Custom properties of the style sheets. */
export const enum Property {
  /** The `content` of an avatar's online mark: a string for those who are online, otherwise `none`. */
  OnlineMark = "--online-mark",
  /** The `content` after the line of a thread: how many answers are new, otherwise `none`. */
  ThreadNews = "--thread-news",
}

/** What stands for values in the template of a message's menu. */
export const enum Placeholder {
  Id = "{id}",
  Room = "{room}",
}
