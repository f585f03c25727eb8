// The inbox: its page changes as its count in the sidebar does, and Escape marks everything as read.

import { find } from "../dom.ts";
import { Id } from "../names.ts";
import { fetchPart } from "../page-part.ts";

/** Where the inbox is. */
const PATH = "/inbox";

export function keepInboxCurrent() {
  const link = find(".sidebar__inbox");
  if (!link) return;
  new MutationObserver(() => {
    // A page of older entries has no list of this id.
    if (find(`#${Id.Inbox}`)) void renew().catch(() => {});
  }).observe(link, { childList: true, subtree: true, characterData: true });
}

async function renew() {
  const part = await fetchPart(PATH, Id.Inbox);
  const list = find(`#${Id.Inbox}`);
  if (!part || !list) return;
  // The row that has the focus keeps it.
  const focused = document.activeElement;
  const path = list.contains(focused) ? focused?.getAttribute("href") : undefined;
  list.replaceWith(part);
  if (path) find(`#${Id.Inbox} a[href="${path}"]`)?.focus();
}

/** Opens the inbox. */
export function openInbox() {
  find(`.sidebar__inbox a`)?.click();
}

/** Marks everything in the inbox as read, if its page is shown. Returns whether there was something to mark. */
export function markAllRead(): boolean {
  const form = find<HTMLFormElement>(`#${Id.InboxRead}`);
  form?.requestSubmit();
  return !!form;
}
