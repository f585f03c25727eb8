// Focus in the list of messages. The list is one stop of the Tab key (a roving tabindex, ARIA Authoring Practices):
// arrows move among rows, and the controls inside a row can be reached once the row has the focus.

import { closest, findAll } from "../../dom.ts";

const ROW = ".message:not(.message--outgoing)";
const prepared = new WeakSet<Element>();
/** The ids of the rows that are hidden because their messages are being deleted. */
const hidden = new Set<string>();
/** The row that holds the focus. */
let current: HTMLElement | null = null;

/** The rows that can be focused, in order. */
export function rows(): HTMLElement[] {
  return [...findAll(`.timeline ${ROW}`)].filter((row) => !row.hidden);
}

/** Hides the row of a message that is being deleted, also after the list was rendered anew. */
export function hideRow(row: HTMLElement) {
  hidden.add(row.id);
  row.hidden = true;
}

/** Shows the row again: the one that is in the page now, which may be another element. */
export function showRow({ id }: HTMLElement): HTMLElement | null {
  hidden.delete(id);
  const row = document.getElementById(id);
  if (row) row.hidden = false;
  return row;
}

/** Moves the focus to a row, and the stop of the Tab key with it. */
export function focusRow(row: HTMLElement | null | undefined) {
  releaseTabStop();
  if (!row) return;
  row.tabIndex = 0;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

/** Which row a key leads to from the row at `index`; `undefined` for keys that do not move. */
export function rowAfterKey(key: string, index: number, count: number): number | undefined {
  switch (key) {
    case "ArrowUp":
      return Math.max(0, index - 1);
    case "ArrowDown":
      return Math.min(index + 1, count - 1);
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return undefined;
  }
}

/** Lets the controls of the focused row be reached by Tab, and only those. */
export function followFocus() {
  document.addEventListener("focusin", (event) => {
    const row = closest(event, ".timeline .message");
    if (row === current) return;
    if (current) skipControls(current);
    current = row;
    if (!row) return;
    // The avatar repeats the link of the author's name.
    for (const control of findAll("a:not(.message__avatar), button, summary", row)) control.removeAttribute("tabindex");
    releaseTabStop();
    row.tabIndex = 0;
  });
}

/** Prepares the rows of a list, and those that are added to it later. */
export function prepareList(list: Element) {
  prepareRows(list);
  if (prepared.has(list)) return;
  prepared.add(list);
  new MutationObserver((records) => {
    prepareRows(list);
    for (const record of records) prepareChanged(record.target as Element);
  }).observe(list, { childList: true, subtree: true });
}

function prepareRows(list: Element) {
  for (const row of list.children) {
    if (!(row instanceof HTMLElement) || prepared.has(row) || !row.matches(ROW)) continue;
    prepared.add(row);
    row.tabIndex = -1;
    if (hidden.has(row.id)) row.hidden = true;
    skipControls(row);
    focusScrollers(row);
  }
}

/**
 * A change replaces the body of a message, or its boosts. If the control that had the focus is gone, the focus goes to its
 * row.
 */
function prepareChanged(changed: Element) {
  const part = changed.matches(ROW) ? changed : changed.closest(".boosts");
  const row = part?.closest<HTMLElement>(".message");
  if (!row) return;
  focusScrollers(row);
  if (row !== current) skipControls(row);
  else if (document.activeElement === document.body) focusRow(row);
}

/** Code and tables that are wider than the column can be focused, so that keys scroll them in every browser. */
function focusScrollers(row: Element) {
  for (const box of findAll("pre, table", row)) if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}

function skipControls(row: Element) {
  for (const control of findAll("a, button, summary", row)) control.tabIndex = -1;
}

function releaseTabStop() {
  for (const row of findAll('.message[tabindex="0"]')) row.tabIndex = -1;
}
