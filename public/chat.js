// What makes writing and reading more comfortable once the page stands; fetched when the browser is idle. Nothing here is
// needed to chat: every control it serves is a link, a form or a text field that works as well without it.

const $ = (selector, within = document) => within.querySelector(selector);
const closest = (event, selector) => event.target.closest?.(selector);
const isTouch = matchMedia("(pointer: coarse)").matches;
const room = () => $(".composer textarea")?.dataset.room;

/** What was done, or why not; `undo` is offered for as long as it stands there. */
const toast = (text, undo, lasts = 5000) => {
  // One that can still be undone stays.
  $(".toast:not(:has(button))")?.remove();
  const box = Object.assign(document.createElement("div"), { className: "toast" });
  box.setAttribute("role", "status");
  box.append(Object.assign(document.createElement("span"), { textContent: text }));
  if (undo) {
    const button = Object.assign(document.createElement("button"), { type: "button", className: "button--quiet", textContent: "Undo" });
    button.addEventListener("click", () => { box.remove(); undo(); });
    box.append(button);
  }
  let boxes = $(".toasts");
  if (!boxes) document.body.append((boxes = Object.assign(document.createElement("div"), { className: "toasts" })));
  boxes.append(box);
  setTimeout(() => box.remove(), lasts);
};

const setting = {
  get: (name) => { try { return localStorage.getItem(`campfire:${name}`); } catch { return null; } },
  set: (name, value) => { try { localStorage.setItem(`campfire:${name}`, value); } catch { /* not kept, then */ } },
};

// ---- Text fields: changes that undo takes back ----

/** Puts `text` in place of what stands between two places, as if it was typed, and selects a part of it. */
const replace = (field, from, to, text, select = [text.length, text.length]) => {
  field.focus();
  field.setSelectionRange(from, to);
  // The one way that the browser's own undo knows of.
  const typed = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (!typed) {
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  field.setSelectionRange(from + select[0], from + select[1]);
};

const wrap = (field, mark) => {
  const { selectionStart: from, selectionEnd: to, value } = field;
  const chosen = value.slice(from, to);
  const wrapped = chosen.length >= 2 * mark.length && chosen.startsWith(mark) && chosen.endsWith(mark);
  const around = value.slice(from - mark.length, from) === mark && value.slice(to, to + mark.length) === mark;
  if (wrapped) {
    const bare = chosen.slice(mark.length, -mark.length);
    replace(field, from, to, bare, [0, bare.length]);
  } else if (around) {
    replace(field, from - mark.length, to + mark.length, chosen, [0, chosen.length]);
  } else {
    replace(field, from, to, mark + chosen + mark, [mark.length, mark.length + chosen.length]);
  }
};

/** Puts something before every chosen line, or takes it away where every line has it. */
const prefix = (field, make, pattern) => {
  const { value } = field;
  const from = value.lastIndexOf("\n", field.selectionStart - 1) + 1;
  const end = value.indexOf("\n", Math.max(field.selectionEnd - 1, from));
  const to = end < 0 ? value.length : end;
  const lines = value.slice(from, to).split("\n");
  const all = lines.every((line) => pattern.test(line));
  const text = lines.map((line, index) => (all ? line.replace(pattern, "") : make(index) + line)).join("\n");
  replace(field, from, to, text, lines.length > 1 ? [0, text.length] : undefined);
};

const fence = (field) => {
  const { selectionStart: from, selectionEnd: to, value } = field;
  const before = from > 0 && value[from - 1] !== "\n" ? "\n" : "";
  const after = to < value.length && value[to] !== "\n" ? "\n" : "";
  const text = `${before}\`\`\`\n${value.slice(from, to)}\n\`\`\`${after}`;
  const inside = before.length + 4;
  replace(field, from, to, text, [inside, inside + to - from]);
};

const isLink = (text) => /^https?:\/\/\S+$/.test(text);
const link = (field, url = "") => {
  const { selectionStart: from, selectionEnd: to, value } = field;
  const chosen = value.slice(from, to);
  if (!url && isLink(chosen)) return replace(field, from, to, `[](${chosen})`, [1, 1]);
  const text = `[${chosen}](${url})`;
  const at = url ? text.length : chosen ? chosen.length + 3 : 1;
  replace(field, from, to, text, [at, at]);
};

const formats = {
  bold: (field) => wrap(field, "**"),
  italic: (field) => wrap(field, "_"),
  strike: (field) => wrap(field, "~~"),
  code: (field) => wrap(field, "`"),
  link,
  block: fence,
  quote: (field) => prefix(field, () => "> ", /^> ?/),
  list: (field) => prefix(field, () => "- ", /^[-*] /),
  numbers: (field) => prefix(field, (index) => `${index + 1}. `, /^\d+\. /),
  preview: (field) => preview(field),
};
const shortcuts = { b: "bold", i: "italic", k: "link", e: "code", X: "strike", E: "block", P: "preview" };
const digits = { Digit7: "numbers", Digit8: "list", Digit9: "quote" };

const preview = async (field) => {
  const form = field.form;
  const shown = $(".composer__preview", form);
  if (shown) return shown.remove();
  if (!field.value.trim()) return;
  const box = Object.assign(document.createElement("div"), { className: "composer__preview message__body", textContent: "…" });
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Preview");
  form.prepend(box);
  const answer = await fetch(`${form.action}/preview`, { method: "POST", body: new URLSearchParams({ body: field.value }) }).catch(() => undefined);
  const html = answer?.ok ? await answer.text() : "";
  if (html) box.innerHTML = html;
  else box.textContent = "The preview could not be made. What you wrote is untouched.";
};

// What each button is for, its name, and its drawing on a 24-unit grid.
const tools = [
  ["bold", "Bold (Ctrl+B)", "M7.5 4.5h5.5a3.6 3.6 0 0 1 0 7.2H7.5zM7.5 11.7h6.5a3.9 3.9 0 0 1 0 7.8H7.5z"],
  ["italic", "Italic (Ctrl+I)", "M10 4.5h7M7 19.5h7M13.7 4.5l-3.4 15"],
  ["strike", "Strikethrough (Ctrl+Shift+X)", "M4.5 12h15M16.5 7.5c-.7-1.8-2.3-3-4.5-3-2.5 0-4.5 1.4-4.5 3.6M7 16c.6 2.2 2.5 3.5 5 3.5 2.7 0 4.8-1.5 4.8-3.8"],
  ["link", "Link (Ctrl+K)", "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1"],
  ["code", "Code (Ctrl+E)", "M8.5 7.5L4 12l4.5 4.5M15.5 7.5L20 12l-4.5 4.5"],
  ["block", "Code block (Ctrl+Shift+E)", "M4 5h16v14H4zM9.5 9.5L7 12l2.5 2.5M14.5 9.5L17 12l-2.5 2.5"],
  ["quote", "Quote (Ctrl+Shift+9)", "M5 5v14M9.5 8h10M9.5 12h10M9.5 16h6"],
  ["list", "List (Ctrl+Shift+8)", "M9.5 6.5h10M9.5 12h10M9.5 17.5h10M4.9 6.5h.1M4.9 12h.1M4.9 17.5h.1"],
  ["numbers", "Numbered list (Ctrl+Shift+7)", "M10.5 6.5h9M10.5 12h9M10.5 17.5h9M4.5 5l1.3-.7v4.5M4.2 15.7c.2-1.6 2.8-1.4 2.6.2-.1.9-1.8 1.7-2.6 2.8h2.8"],
  ["preview", "Preview (Ctrl+Shift+P)", "M3 12c2-3.7 5-5.8 9-5.8s7 2.1 9 5.8c-2 3.7-5 5.8-9 5.8S5 15.7 3 12zM12 14.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4z"],
];
/** The toolbar, for whoever opens it: only a script could do what its buttons say. */
const toolbar = () => {
  const bar = Object.assign(document.createElement("div"), { className: "composer__tools" });
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Formatting");
  const button = (attribute, label, path) => `<button type="button" class="button--icon" ${attribute} aria-label="${label}" title="${label}"><svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg></button>`;
  const marks = tools.map(([word, label, path]) => button(`data-format="${word}"`, label, path));
  bar.innerHTML = marks.join("") + button("data-keys", "Shortcuts and sounds (?)", "M9 9a3 3 0 1 1 4.3 2.7c-.9.4-1.3 1-1.3 2M12 17.5h.1");
  return bar;
};

document.addEventListener("click", (event) => {
  const tool = closest(event, "[data-format]");
  const field = tool && $("textarea", tool.closest("form"));
  if (field) formats[tool.dataset.format](field);
  const toggle = closest(event, ".composer__format");
  if (toggle) showTools(!$(".composer").classList.contains("composer--tools"));
});
// A tool keeps what is selected in the field.
document.addEventListener("mousedown", (event) => {
  if (closest(event, "[data-format], [data-keys], .composer__format, .completions")) event.preventDefault();
});
const showTools = (shown) => {
  $(".composer__tools")?.remove();
  if (shown) $(".composer__row")?.before(toolbar());
  $(".composer")?.classList.toggle("composer--tools", shown);
  $(".composer__format")?.setAttribute("aria-pressed", String(shown));
  setting.set("tools", shown ? "shown" : "");
};
document.addEventListener("paste", (event) => {
  const field = event.target;
  if (!field.matches?.(".composer textarea") || field.selectionStart === field.selectionEnd) return;
  const text = event.clipboardData?.getData("text/plain").trim() ?? "";
  if (!isLink(text) || isLink(field.value.slice(field.selectionStart, field.selectionEnd))) return;
  event.preventDefault();
  link(field, text);
});

// ---- Completions: people after @, sounds after /play, filters of the search ----

const lists = new Map();
/** Fetched once and kept for a minute. */
const list = (path) => {
  const known = lists.get(path);
  if (known && Date.now() - known.at < 60_000) return known.value;
  const value = fetch(path).then((answer) => (answer.ok ? answer.json() : [])).catch(() => []);
  lists.set(path, { at: Date.now(), value });
  return value;
};
const bare = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
/** How well a name fits: its start, a later word, its initials; undefined when it does not. */
const rank = (name, typed) => {
  if (!typed) return 0;
  if (name.startsWith(typed)) return 0;
  if (name.includes(` ${typed}`)) return 1;
  const initials = name.split(/[^\p{L}\p{N}]+/u).map((word) => word[0] ?? "").join("");
  if (typed.length > 1 && initials.startsWith(typed)) return 2;
  return typed.length > 2 && name.includes(typed) ? 3 : undefined;
};
const best = (options, typed, most = 8) => {
  const wanted = bare(typed);
  const fitting = [];
  options.forEach((option, index) => {
    option.bare ??= bare(option.name);
    const score = rank(option.bare, wanted);
    if (score !== undefined) fitting.push({ option, score, index });
  });
  return fitting.sort((a, b) => a.score - b.score || a.index - b.index).slice(0, most).map((fit) => fit.option);
};

const peopleOf = async (path) => {
  const people = await list(path);
  const names = new Map();
  for (const { name } of people) names.set(bare(name), (names.get(bare(name)) ?? 0) + 1);
  return people.map((person) => ({ ...person, text: names.get(bare(person.name)) > 1 ? `@${person.name}#${person.value}` : `@${person.name}` }));
};
const quotedIfNeeded = (text) => (/\s/.test(text) ? `"${text}"` : text);
const named = (key) => (option) => ({ ...option, text: `${key}:${quotedIfNeeded(option.name)}` });
const fixed = (...texts) => texts.map(([text, note]) => ({ name: text, text, note }));

/** What can be completed before the caret: where it begins, what was typed, and what there is. */
const completable = {
  message: (before) => {
    const play = /^\/play (\w*)$/.exec(before);
    if (play) return { from: 0, typed: play[1], options: list("/sounds") .then((sounds) => sounds.map((sound) => ({ ...sound, text: `/play ${sound.name}` }))), most: 56, after: "" };
    const at = /(?:^|[^\p{L}\p{N}])@([^@\n]{0,40})$/u.exec(before);
    if (!at || /\s{2}|^\s/.test(at[1])) return undefined;
    return { from: before.length - at[1].length - 1, typed: at[1], options: peopleOf(`/autocompletable/users?room_id=${room()}`), after: " " };
  },
  search: (before) => {
    const piece = /(?:^|\s)((from|in|has|before|after):)?"?([^"\s]*)$/i.exec(before);
    if (!piece) return undefined;
    const from = before.length - piece[0].trimStart().length;
    const [, key, filter, typed] = piece;
    const after = " ";
    if (filter === "from") return { from, typed, options: list("/autocompletable/users").then((people) => [{ name: "me" }, ...people].map(named("from"))), after };
    if (filter === "in") return { from, typed, options: list("/autocompletable/rooms").then((rooms) => rooms.map(named("in"))), after };
    if (filter === "has") return { from, typed: key + typed, options: fixed(["has:link"], ["has:code"]), after };
    if (filter || !typed) return undefined;
    const filters = fixed(["from:", "a person"], ["in:", "a room"], ["has:link", "messages with a link"], ["has:code", "messages with code"], ["before:", "a day like 2026-01-31"], ["after:", "a day like 2026-01-31"]);
    return { from, typed, options: filters.filter((option) => option.text.startsWith(typed.toLowerCase())), after: "", unasked: true };
  },
};

const completions = { box: undefined, field: undefined, found: [], at: 0, asked: undefined, turn: 0 };
const closeCompletions = () => {
  completions.turn += 1;
  completions.box?.remove();
  completions.box = undefined;
  completions.field?.removeAttribute("aria-activedescendant");
  completions.field?.removeAttribute("aria-controls");
};
const mark = (at) => {
  completions.at = at;
  [...completions.box.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
  completions.box.children[at]?.scrollIntoView({ block: "nearest" });
  if (at >= 0) completions.field.setAttribute("aria-activedescendant", `completion-${at}`);
};
const complete = async (field) => {
  const kind = completable[field.dataset.completes];
  const caret = field.selectionStart;
  const asked = caret === field.selectionEnd ? kind?.(field.value.slice(0, caret)) : undefined;
  if (!asked) return closeCompletions();
  const turn = ++completions.turn;
  const found = best(await asked.options, asked.typed, asked.most);
  if (turn !== completions.turn || document.activeElement !== field) return;
  // One that is typed out already needs no list.
  if (!found.length || (found.length === 1 && found[0].text === field.value.slice(asked.from, caret))) return closeCompletions();
  closeCompletions();
  const box = Object.assign(document.createElement("ul"), { className: "completions", id: "completions" });
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", "Suggestions");
  found.forEach((option, index) => {
    const row = document.createElement("li");
    row.id = `completion-${index}`;
    row.setAttribute("role", "option");
    row.append(Object.assign(document.createElement("bdi"), { textContent: option.name }));
    const note = option.note ?? option.caption ?? (option.text.includes("#") ? `#${option.value}` : "");
    if (note) row.append(Object.assign(document.createElement("small"), { textContent: note }));
    row.addEventListener("click", () => choose(index));
    box.append(row);
  });
  Object.assign(completions, { box, field, found, asked });
  field.setAttribute("aria-controls", "completions");
  (field.closest("form") ?? field.parentElement).append(box);
  // Where a word may well be meant as a word, nothing is chosen until an arrow does.
  mark(asked.unasked ? -1 : 0);
};
const choose = (index) => {
  const { field, found, asked } = completions;
  const { text } = found[index];
  closeCompletions();
  replace(field, asked.from, field.selectionStart, text + (text.endsWith(":") ? "" : asked.after));
  // What was chosen is not to be completed once more; a filter still wants its value.
  if (!text.endsWith(":")) closeCompletions();
};
document.addEventListener("input", (event) => {
  if (event.target.dataset?.completes) complete(event.target);
  if (event.target.matches?.(".composer textarea")) $(".composer__preview")?.remove();
});
document.addEventListener("focusout", (event) => { if (event.target === completions.field) closeCompletions(); });
addEventListener("resize", closeCompletions);

// ---- Keys ----

const keysAreOn = () => setting.get("keys") !== "off";
const rows = () => [...document.querySelectorAll(".timeline .message:not(.message--outgoing)")].filter((row) => !row.hidden);
const focusRow = (row) => {
  for (const other of document.querySelectorAll('.message[tabindex="0"]')) other.tabIndex = -1;
  if (!row) return;
  row.tabIndex = 0;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
};

// Before the page's own code hears of it: a key that chooses from a list must not send.
document.addEventListener("keydown", (event) => {
  const { box, field, at, found } = completions;
  if (box && event.target === field && !event.isComposing) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) mark(at < 0 ? (step > 0 ? 0 : found.length - 1) : (at + step + found.length) % found.length);
    else if (at >= 0 && (event.key === "Enter" || event.key === "Tab") && !event.ctrlKey && !event.metaKey && !event.shiftKey) choose(at);
    else if (event.key === "Escape") closeCompletions();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  const writing = event.target.closest?.(".composer textarea");
  if (writing && (event.ctrlKey || event.metaKey) && !event.altKey) {
    const format = (event.shiftKey && digits[event.code]) || shortcuts[event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase()];
    if (format) {
      event.preventDefault();
      formats[format](writing);
    }
  }
}, true);

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape" && event.target.dataset?.clears) {
    if (event.target.value) location.assign(event.target.dataset.clears);
    return;
  }
  const writing = event.target.matches?.("input, textarea, select");
  if (writing) return;
  if ($("dialog[open]")) return;
  // Keys that are letters can be switched off: somebody may speak them.
  if (event.key.length === 1 && event.key !== " " && !keysAreOn()) return;
  if (event.key === "?" && $(".timeline")) return showKeys();
  const all = rows();
  const row = closest(event, ".timeline .message");
  if (!row && event.target.matches?.(".timeline__messages") && ["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
    event.preventDefault();
    return focusRow(all.at(event.key === "Home" ? 0 : -1));
  }
  if (!row) {
    if (event.key === "/" && $(".timeline")) { event.preventDefault(); location.assign("/searches"); }
    return;
  }
  const index = all.indexOf(row);
  const to = { ArrowUp: index - 1, ArrowDown: index + 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    if (event.target.closest("details[open]")) return moveInMenu(event);
    focusRow(all[Math.max(0, Math.min(to, all.length - 1))]);
  } else if (event.target === row && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    openMenu(row);
  } else if (event.key === "Escape") {
    const inside = event.target !== row;
    for (const menu of row.querySelectorAll("details.menu[open]")) menu.open = false;
    if (inside) focusRow(row);
    else $(".composer textarea")?.focus();
  } else if (event.target === row && ["r", "e", "b"].includes(event.key)) {
    event.preventDefault();
    $({ r: "[data-action=reply]", e: "[data-action=edit]", b: "[data-picker]" }[event.key], menuOf(row) ?? row)?.click();
  }
});
/** The menu of a message, with everything in it. */
const menuOf = (row) => {
  const menu = $("details.menu", row);
  menu?.dispatchEvent(new Event("campfire:menu", { bubbles: true }));
  return menu;
};
const openMenu = (row) => {
  const menu = menuOf(row);
  if (!menu) return;
  menu.open = true;
  $("button, a", menu.lastElementChild)?.focus();
};
const moveInMenu = (event) => {
  const items = [...event.target.closest("details").querySelectorAll("summary, a, button")].filter((item) => item.offsetParent);
  const at = items.indexOf(event.target) + (event.key === "ArrowUp" ? -1 : 1);
  items.at(at % items.length)?.focus();
};
const showKeys = () => {
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-label", "Keyboard shortcuts");
  const keys = [["Enter", "send"], ["Shift+Enter", "new line"], ["↑ in an empty field", "edit your last message"], ["Ctrl+B, I, E, K", "bold, italic, code, link"], ["@", "mention somebody"], ["/play", "play a sound"], ["↑ ↓ Home End", "move among messages"], ["Enter on a message", "open its menu"], ["R, E, B on a message", "reply, edit, boost"], ["/", "search"], ["Esc", "close, or go back to writing"], ["?", "this list"]];
  const lines = keys.map(([key, what]) => `<div><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`).join("");
  dialog.innerHTML = `<h2>Keyboard shortcuts</h2><dl>${lines}</dl><label class="switch"><input type="checkbox" name="keys"> Shortcuts of single keys</label><label class="switch"><input type="checkbox" name="sounds"> Play sounds as they come</label><form method="dialog"><button class="button">Close</button></form>`;
  $("[name=keys]", dialog).checked = keysAreOn();
  $("[name=sounds]", dialog).checked = setting.get("sounds") !== "off";
  dialog.addEventListener("change", (event) => setting.set(event.target.name, event.target.checked ? "on" : "off"));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
};
document.addEventListener("click", (event) => { if (closest(event, "[data-keys]")) showKeys(); });

// One stop of the Tab key for the whole list: what is inside a row can be reached when the row has the focus.
const quieten = (within) => {
  for (const control of within.querySelectorAll("a, button, summary")) control.tabIndex = -1;
};
const prepareRows = (list) => {
  for (const row of list.children) {
    if (row.dataset.row !== undefined || !row.matches(".message:not(.message--outgoing)")) continue;
    row.dataset.row = "";
    row.tabIndex = -1;
    quieten(row);
  }
};
/** Boosts that came live are controls, too. */
const prepareBoosts = (records) => {
  for (const { target } of records) {
    const row = target.closest?.(".boosts")?.closest(".message");
    if (row && row !== current) quieten(row);
    else if (row && document.activeElement === document.body) focusRow(row);
  }
};
let current;
document.addEventListener("focusin", (event) => {
  const row = closest(event, ".timeline .message");
  if (row === current) return;
  if (current) quieten(current);
  current = row;
  if (!row) return;
  for (const control of row.querySelectorAll("a:not(.message__avatar), button, summary")) control.removeAttribute("tabindex");
  for (const other of document.querySelectorAll('.message[tabindex="0"]')) other.tabIndex = -1;
  row.tabIndex = 0;
});

// ---- Menus of messages ----

/** A message that is about to be deleted is gone from view, and comes back when that is undone. */
const remove = (row, path) => {
  const all = rows();
  const next = all[all.indexOf(row) + 1] ?? all[all.indexOf(row) - 1];
  row.hidden = true;
  if (next) focusRow(next);
  let open = true;
  const body = new URLSearchParams({ _method: "delete" });
  const now = async () => {
    if (!open) return;
    open = false;
    removeEventListener("pagehide", beacon);
    const answer = await fetch(path, { method: "POST", body, redirect: "manual" }).catch(() => undefined);
    if (answer && (answer.ok || answer.type === "opaqueredirect" || answer.status === 404)) return;
    row.hidden = false;
    toast("The message was not deleted. Try again.");
  };
  // Whoever leaves the page has not undone it.
  const beacon = () => { if (open) navigator.sendBeacon(path, body); open = false; };
  addEventListener("pagehide", beacon);
  toast("Message deleted.", () => { open = false; removeEventListener("pagehide", beacon); row.hidden = false; focusRow(row); });
  setTimeout(now, 5000);
};
const copy = (text) => navigator.clipboard.writeText(text).then(() => toast("Copied.", undefined, 2000), () => toast("This browser does not let pages copy."));
const reply = async (path) => {
  const field = $(".composer textarea");
  const answer = await fetch(path, { headers: { "x-requested-with": "fetch" }, redirect: "manual" }).catch(() => undefined);
  if (!answer?.ok) return toast("The message could not be quoted. Try again.");
  // An answer is a message of its own: what was being edited is left as it is.
  $(".composer__mode:not([hidden]) button")?.click();
  const rest = field.value.trim();
  replace(field, 0, field.value.length, (await answer.text()) + rest);
};
document.addEventListener("click", (event) => {
  const control = closest(event, "[data-action]");
  const row = control?.closest(".message");
  if (!row) return;
  const menu = control.closest("details");
  if (menu) menu.open = false;
  const text = () => $(".message__body", row).innerText;
  switch (control.dataset.action) {
    case "copy": event.preventDefault(); focusRow(row); return void copy(control.href);
    case "copy-text": focusRow(row); return void copy(text());
    case "reply": event.preventDefault(); return void reply(control.href);
    case "remove": event.preventDefault(); return remove(row, control.dataset.path);
  }
});
document.addEventListener("submit", (event) => {
  const menu = event.target.closest?.("details.menu") ?? event.submitter?.closest("details.menu");
  if (!menu) return;
  menu.open = false;
  focusRow(menu.closest(".message"));
});

// A long press opens the menu, where fingers have no other button.
let press;
document.addEventListener("touchstart", (event) => {
  const row = closest(event, ".timeline .message:not(.message--outgoing)");
  if (!row || closest(event, "a, button, summary")) return;
  press = setTimeout(() => openMenu(row), 500);
}, { passive: true });
for (const end of ["touchend", "touchmove", "touchcancel"]) document.addEventListener(end, () => clearTimeout(press), { passive: true });
document.addEventListener("contextmenu", (event) => { if (isTouch && closest(event, ".timeline .message") && !closest(event, "a")) event.preventDefault(); });

// ---- The picker of boosts: a part of its page, shown in place ----

const recent = () => { try { return JSON.parse(setting.get("recent-boosts")) ?? []; } catch { return []; } };
const openPicker = async (link) => {
  const row = link.closest(".message");
  const answer = await fetch(link.href).catch(() => undefined);
  const part = answer?.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("picker");
  if (!part) return location.assign(link.href);
  const dialog = document.createElement("dialog");
  dialog.className = "picker-dialog";
  dialog.setAttribute("aria-label", "Boost");
  dialog.append(part);
  const known = $("#picker-recent", part);
  for (const content of recent()) {
    const button = Object.assign(document.createElement("button"), { name: "content", value: content, textContent: content });
    known.append(button);
  }
  known.hidden = !known.children.length;
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
    const group = closest(event, "[data-group]");
    if (!group) return;
    event.preventDefault();
    for (const other of dialog.querySelectorAll("[data-group]")) other.setAttribute("aria-current", String(other === group));
    fetch(group.href).then((answer) => answer.text()).then((html) => {
      const found = new DOMParser().parseFromString(html, "text/html").getElementById("picker-found");
      if (found) $("#picker-found", dialog).replaceChildren(...found.childNodes);
    }, () => toast("The emoji could not be loaded. Try again."));
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (row?.isConnected) focusRow(row);
  });
  document.body.append(dialog);
  dialog.showModal();
  // A keyboard of glass would cover what there is to choose from.
  dialog.tabIndex = -1;
  if (isTouch) dialog.focus();
  else $("[type=search]", part).focus();
};
document.addEventListener("click", (event) => {
  const opener = closest(event, "[data-picker]");
  if (!opener) return;
  event.preventDefault();
  const menu = opener.closest("details");
  if (menu) menu.open = false;
  openPicker(opener);
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.boosts === undefined) return;
  const content = event.submitter?.name === "content" ? event.submitter.value : new FormData(form).get("content");
  if (content) setting.set("recent-boosts", JSON.stringify([content, ...recent().filter((known) => known !== content)].slice(0, 16)));
  form.closest("dialog")?.close();
});

// ---- What is heard ----

const play = (path) => new Audio(path).play();
document.addEventListener("click", (event) => {
  const sound = closest(event, "[data-sound]");
  if (!sound) return;
  event.preventDefault();
  play(sound.href).catch(() => toast("This browser could not play the sound."));
});
document.addEventListener("campfire:heard", (event) => {
  const [author, html] = event.detail;
  const said = new DOMParser().parseFromString(html, "text/html").body;
  const sound = $("[data-sound]", said);
  // A browser that wants a gesture first stays silent.
  if (sound && setting.get("sounds") !== "off") play(sound.getAttribute("href")).catch(() => {});
  const announcer = $("#announcer");
  if (author && announcer) announcer.textContent = `${author}: ${said.textContent.trim().slice(0, 500)}`;
});

// ---- Back and forward keep the place ----

// The place in view; the URL may be ahead of it.
const scroller = () => $(".timeline");
const placeKey = (path = scroller()?.dataset.place) => `campfire:place:${path}`;
let scrolled;
document.addEventListener("scroll", (event) => {
  if (!event.target.matches?.(".timeline")) return;
  clearTimeout(scrolled);
  const key = placeKey();
  scrolled = setTimeout(() => {
    const box = scroller();
    if (!box || key !== placeKey()) return;
    const top = box.getBoundingClientRect().top;
    const row = rows().find((row) => row.getBoundingClientRect().bottom > top);
    if (box.scrollTop > -200 || !row) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, JSON.stringify([row.id, row.getBoundingClientRect().top - top]));
  }, 150);
}, true);
/** Goes where one was in this room, once its messages are there. */
const goBack = (tries = 60) => {
  const stored = sessionStorage.getItem(placeKey(location.pathname));
  const box = scroller();
  if (!stored || tries === 0) return;
  if (box?.dataset.place !== location.pathname) return void requestAnimationFrame(() => goBack(tries - 1));
  const [id, offset] = JSON.parse(stored);
  const row = document.getElementById(id);
  if (!row) return location.replace(`/rooms/${box.dataset.room}?before=${Number(id.replace("message-", "")) + 1}`);
  requestAnimationFrame(() => { box.scrollTop += row.getBoundingClientRect().top - box.getBoundingClientRect().top - offset; });
};
addEventListener("popstate", () => setTimeout(goBack));
if (performance.getEntriesByType("navigation")[0]?.type === "back_forward") goBack();

// ---- Start ----

/** What must be done anew when the page's own code has put another room here. */
const prepare = () => {
  for (const list of document.querySelectorAll(".timeline .messages")) {
    prepareRows(list);
    if (list.dataset.watched === undefined) {
      list.dataset.watched = "";
      new MutationObserver((records) => {
        prepareRows(list);
        prepareBoosts(records);
      }).observe(list, { childList: true, subtree: true });
    }
  }
  if (setting.get("tools") && !$(".composer--tools")) showTools(true);
  for (const field of document.querySelectorAll("[data-completes]")) field.setAttribute("aria-autocomplete", "list");
};
prepare();
const main = $(".chat__main");
if (main) new MutationObserver(prepare).observe(main, { childList: true });
document.documentElement.dataset.chat = "";
