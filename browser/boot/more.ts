// The next page of a long list is fetched when the end of the list comes near the viewport.

import { find, findAll } from "../dom.ts";
import { Attribute } from "../names.ts";
import { fetchPart } from "../page-part.ts";

/** How far below the viewport the end may be, so that the next rows are there before one scrolls to them. */
const MARGIN = "600px";
const LINK = `a[${Attribute.More}]`;

/** Waits for the link to the next page, if there is one. */
export function watchForMore() {
  const link = find<HTMLAnchorElement>(LINK);
  if (!link || !("IntersectionObserver" in window)) return;
  const observer = new IntersectionObserver(
    (entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      // If it cannot be fetched, the link is still there to be pressed.
      void appendNextPage(link).catch(() => {});
    },
    { rootMargin: MARGIN },
  );
  observer.observe(link);
}

async function appendNextPage(link: HTMLAnchorElement) {
  const id = link.getAttribute(Attribute.More) ?? "";
  const part = await fetchPart(link.href, id);
  if (!part || !link.isConnected) return;
  const paragraph = link.closest("p");
  // A group of people (active, deactivated, …) is one list, whichever page its rows come from.
  for (const list of findAll("ul", part)) {
    const here = find(`#${id} ul[aria-label="${list.getAttribute("aria-label")}"]`);
    if (here) here.append(...list.children);
    else paragraph?.before(list);
  }
  const next = find(LINK, part);
  if (next) paragraph?.replaceChildren(next);
  else paragraph?.remove();
  watchForMore();
}
