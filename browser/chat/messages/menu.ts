// The menu of a message, opened and moved through by keys or a long press. boot.js fills it, places it and closes it.

import { closest, find, findAll, target } from "../../dom.ts";
import { FILL_MENU } from "../../events.ts";
import { focusRow } from "./rows.ts";

/** The menu of a row, with its items in it. */
export function menuOf(row: Element): HTMLDetailsElement | null {
  const menu = find<HTMLDetailsElement>("details.menu", row);
  menu?.dispatchEvent(new Event(FILL_MENU, { bubbles: true }));
  return menu;
}

export function openMenu(row: Element) {
  const menu = menuOf(row);
  if (!menu) return;
  menu.open = true;
  const items = menu.lastElementChild;
  if (items) find("button, a", items)?.focus();
}

/** Moves the focus to the item before or after the one that the key was pressed at. */
export function moveInMenu(event: KeyboardEvent) {
  const menu = closest(event, "details");
  const here = target(event);
  if (!menu || !here) return;
  // What is not displayed, as the items of other people's messages, has no offset parent.
  const items = [...findAll("summary, a, button", menu)].filter((item) => item.offsetParent);
  const index = items.indexOf(here) + (event.key === "ArrowUp" ? -1 : 1);
  items.at(index % items.length)?.focus();
}

/** A form of a menu closes the menu it is in; the focus goes back to the message, or to what opens the menu. */
export function closeMenuOnSubmit() {
  document.addEventListener("submit", (event) => {
    const menu =
      closest<HTMLDetailsElement>(event, "details.menu") ??
      event.submitter?.closest<HTMLDetailsElement>("details.menu");
    if (!menu) return;
    menu.open = false;
    const row = menu.closest<HTMLElement>(".message");
    if (row) focusRow(row);
    else find("summary", menu)?.focus();
  });
}
