// Links in messages open in a new window. Which of them lead to this installation only the browser knows: it may have
// several addresses. Those open in the same window, and on the chat's own page without loading a document.

import { closest } from "../dom.ts";

export function openOwnLinksHere() {
  // In the capture phase: navigation within the page follows links without a target only.
  document.addEventListener(
    "click",
    (event) => {
      const link = closest<HTMLAnchorElement>(event, ".message__body a[target]");
      if (link && isOwn(link, location)) link.removeAttribute("target");
    },
    true,
  );
}

/** Whether a link leads to the site of a page. */
export function isOwn(link: Pick<HTMLAnchorElement, "origin">, page: Pick<Location, "origin">): boolean {
  return link.origin === page.origin && link.origin !== "null";
}
