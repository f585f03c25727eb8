// Keyboard shortcuts outside of text fields: moving among messages, acting on the focused one, search, and the list of
// shortcuts. Single letters can be switched off (WCAG 2.1.4): somebody who dictates would press them by speaking.

import { closest, find, findAll, target } from "../dom.ts";
import { isComposing, latinKey } from "../keyboard.ts";
import { Attribute, PageEvent } from "../names.ts";
import { composerField, timeline } from "../page.ts";
import { markAllRead, openInbox } from "./inbox.ts";
import { menuOf, moveInMenu, openMenu } from "./messages/menu.ts";
import { focusRow, rowAfterKey, rows } from "./messages/rows.ts";
import { setting } from "./settings.ts";
import { showShortcuts } from "./shortcuts.ts";

/** The control that a letter presses in the focused message. */
const letters = new Map([
  ["r", `[${Attribute.Action}=reply]`],
  ["t", `[${Attribute.Action}=thread]`],
  ["e", `[${Attribute.Action}=edit]`],
  ["b", `[${Attribute.Picker}]`],
  ["s", `[${Attribute.SavesMessage}] button`],
]);

/** The pages that two letters lead to: `g` and this one. */
const places = new Map([
  ["i", openInbox],
  ["t", () => find<HTMLAnchorElement>(`.sidebar a[href="/threads"]`)?.click()],
]);

/** How long after `g` the second letter may come, in milliseconds. */
const SECOND_LETTER_MS = 1500;

/** When `g` was pressed, on the clock of events; 0 if another key came after it. */
let goingSince = 0;

export function handleKeys() {
  document.addEventListener("click", (event) => {
    if (closest(event, `[${Attribute.Shortcuts}]`)) showShortcuts();
  });
  document.addEventListener("keydown", (event) => {
    if (isForeignSearchKey(event)) {
      event.preventDefault();
      document.dispatchEvent(new CustomEvent(PageEvent.SearchWanted));
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isComposing(event)) return;
    const here = target(event);
    if (event.key === "Escape" && here?.hasAttribute(Attribute.Clears)) return clear(here as HTMLInputElement);
    if (here?.matches("input, textarea, select") || find("dialog[open]")) return;
    if (isSingleKey(latinKey(event)) && setting("keys") === "off") return;
    if (isPlaceKey(event)) return event.preventDefault();
    const row = closest(event, ".timeline .message");
    if (latinKey(event) === "?" && timeline()) showShortcuts();
    else if (row) handleKeyInRow(event, row);
    else handleKeyOutside(event);
  });
}

/** Whether the key is `g`, or the letter after it that leads to a page. */
function isPlaceKey(event: KeyboardEvent): boolean {
  const key = latinKey(event);
  const isSecond = goingSince > 0 && event.timeStamp - goingSince < SECOND_LETTER_MS;
  goingSince = key === "g" ? event.timeStamp : 0;
  const open = isSecond ? places.get(key) : undefined;
  open?.();
  return key === "g" || !!open;
}

/** Whether these keys are Ctrl+K on a layout without Latin letters: the WASM knows the letter alone. */
function isForeignSearchKey(event: KeyboardEvent): boolean {
  const hasOtherKeys = event.shiftKey || event.altKey || event.defaultPrevented || isComposing(event);
  return (event.ctrlKey || event.metaKey) && !hasOtherKeys && event.key > "~" && latinKey(event) === "k";
}

/** Whether the key is a character other than the space, which presses buttons. */
export function isSingleKey(key: string): boolean {
  return key.length === 1 && key !== " ";
}

/** Escape in the field of a search goes back to the search without words. */
function clear(field: HTMLInputElement) {
  if (field.value) location.assign(field.getAttribute(Attribute.Clears) ?? "");
}

function handleKeyOutside(event: KeyboardEvent) {
  if (event.key === "Escape") markAllRead();
  else if (target(event)?.matches(".timeline__messages") && ["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
    event.preventDefault();
    focusRow(rows().at(event.key === "Home" ? 0 : -1));
  } else if (latinKey(event) === "/" && timeline()) {
    event.preventDefault();
    document.dispatchEvent(new CustomEvent(PageEvent.SearchWanted));
  }
}

function handleKeyInRow(event: KeyboardEvent, row: HTMLElement) {
  const all = rows();
  const next = rowAfterKey(event.key, all.indexOf(row), all.length);
  const letter = letters.get(latinKey(event));
  const isAtRow = event.target === row;
  if (next !== undefined) {
    event.preventDefault();
    if (closest(event, "details[open]")) moveInMenu(event);
    else focusRow(all[next]);
  } else if (isAtRow && (event.key === "Enter" || event.key === " ")) {
    event.preventDefault();
    openMenu(row);
  } else if (event.key === "Escape") {
    for (const menu of findAll<HTMLDetailsElement>("details.menu[open]", row)) menu.open = false;
    if (isAtRow) composerField()?.focus();
    else focusRow(row);
  } else if (isAtRow && letter) {
    event.preventDefault();
    find(letter, menuOf(row) ?? row)?.click();
  }
}
