// A long press opens a message's menu on touch screens, where rows have no hover that would show its button.

import { closest } from "../../dom.ts";
import { isTouch } from "../../page.ts";
import { openMenu } from "./menu.ts";

const LONG_PRESS_MS = 500;

export function openMenusByLongPress() {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOpened = false;
  const start = (event: TouchEvent) => {
    isOpened = false;
    const row = closest(event, ".timeline .message:not(.message--outgoing)");
    if (!row || closest(event, "a, button, summary")) return;
    timer = setTimeout(() => {
      isOpened = true;
      openMenu(row);
    }, LONG_PRESS_MS);
  };
  const cancel = () => clearTimeout(timer);
  document.addEventListener("touchstart", start, { passive: true });
  for (const end of ["touchmove", "touchcancel"]) document.addEventListener(end, cancel, { passive: true });
  document.addEventListener("touchend", (event) => {
    cancel();
    // The click that some browsers make of it would close the menu.
    if (isOpened) event.preventDefault();
    isOpened = false;
  });
  // The browser's own menu would cover ours. That of a link stays: it opens and copies the link.
  document.addEventListener("contextmenu", (event) => {
    if (isTouch() && closest(event, ".timeline .message") && !closest(event, "a")) event.preventDefault();
  });
}
