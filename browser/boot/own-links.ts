// Links in messages open in a new window. Which of them lead to this installation only the browser knows: it may have
// several addresses. Those open in the same window, and on the chat's own page without loading a document.

import { closest } from "../dom.ts";
import { Id } from "../names.ts";

export function openOwnLinksHere() {
  // In the capture phase: navigation within the page follows links without a target only.
  document.addEventListener(
    "click",
    (event) => {
      const link = closest<HTMLAnchorElement>(event, ".message__body a[target]");
      if (!link || !isOwn(link, location)) return;
      link.removeAttribute("target");
      if (hasOwnFragment(link)) link.href = link.pathname;
    },
    true,
  );
}

/**
 * Takes the fragment from the page's address where the script brings the message into view: the browser would scroll it to
 * the top of the list.
 */
export function dropOwnFragment() {
  if (hasOwnFragment(location)) history.replaceState(history.state, "", location.pathname);
}

/** Whether the address of a message has the fragment that people without scripts are led to: the same message. */
export function hasOwnFragment({ pathname, hash }: Pick<Location, "pathname" | "hash">): boolean {
  const linked = /^\/rooms\/\d+\/@(\d+)$/.exec(pathname)?.[1];
  return linked !== undefined && hash === `#${Id.MessagePrefix}${linked}`;
}

/** Whether a link leads to the site of a page. */
export function isOwn(link: Pick<HTMLAnchorElement, "origin">, page: Pick<Location, "origin">): boolean {
  return link.origin === page.origin && link.origin !== "null";
}
