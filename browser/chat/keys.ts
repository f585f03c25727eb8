// Keyboard shortcuts outside of text fields: moving among messages, acting on the focused one, search, and the list of
// shortcuts. Single letters can be switched off (WCAG 2.1.4): somebody who dictates would press them by speaking.

import { closest, find, findAll, target } from "../dom.ts";
import { isComposing, latinKey } from "../keyboard.ts";
import { Attribute, PageEvent } from "../names.ts";
import { composerField, timeline } from "../page.ts";
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
]);

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
    const row = closest(event, ".timeline .message");
    if (goes(event)) event.preventDefault();
    else if (latinKey(event) === "?" && timeline()) showShortcuts();
    else if (row) handleKeyInRow(event, row);
    else handleKeyOutside(event);
  });
}

/** Where G and a second letter lead to. */
const places = new Map([["t", "/threads"]]);

/** How long after G the second letter counts, in milliseconds. */
const GO_MS = 1500;

let goPressedAt = 0;

/** Follows the link that G and then another letter stand for. Returns whether the key was one of the two. */
function goes(event: KeyboardEvent): boolean {
  const key = latinKey(event);
  const isSecond = event.timeStamp - goPressedAt < GO_MS && goPressedAt > 0;
  goPressedAt = key === "g" ? event.timeStamp : 0;
  const place = isSecond ? places.get(key) : undefined;
  if (place) find<HTMLAnchorElement>(`a[href="${place}"]`)?.click();
  return !!place || key === "g";
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
  if (target(event)?.matches(".timeline__messages") && ["ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) {
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
