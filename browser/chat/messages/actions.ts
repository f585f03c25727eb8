// The items of a message's menu: copy the text or the link, reply, delete. (The WASM does "Edit".) Without this script
// each of them is a link to a page that does the same.

import { closest, find } from "../../dom.ts";
import { Attribute } from "../../names.ts";
import { composerField } from "../../page.ts";
import { toast } from "../toast.ts";
import { replacement } from "../writing/edits.ts";
import { apply } from "../writing/text-field.ts";
import { focusRow, rows } from "./rows.ts";

const COPIED_SHOWN_MS = 2000;
/** How long a deletion can be undone: as long as its toast is shown. */
const UNDO_MS = 5000;

export function handleMenuItems() {
  document.addEventListener("click", (event) => {
    const item = closest<HTMLAnchorElement>(event, `[${Attribute.Action}]`);
    const row = item?.closest<HTMLElement>(".message");
    if (!item || !row) return;
    const menu = item.closest("details");
    if (menu) menu.open = false;
    switch (item.getAttribute(Attribute.Action)) {
      case "copy":
        event.preventDefault();
        focusRow(row);
        void copy(item.href);
        break;
      case "copy-text":
        focusRow(row);
        void copy(find(".message__body", row)?.innerText ?? "");
        break;
      case "reply":
        event.preventDefault();
        void reply(item.href);
        break;
      case "remove":
        event.preventDefault();
        remove(row, item.getAttribute(Attribute.Path) ?? "");
        break;
    }
  });
}

async function copy(text: string) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.", { shownMs: COPIED_SHOWN_MS });
  } catch {
    toast("This browser does not let pages copy.");
  }
}

/** Puts a quotation of the message before what is being written. */
async function reply(path: string) {
  const headers = { "x-requested-with": "fetch" };
  const response = await fetch(path, { headers, redirect: "manual" }).catch(() => undefined);
  if (!response?.ok) return toast("The message could not be quoted. Try again.");
  // A reply is a message of its own: editing another one ends.
  find(".composer__mode:not([hidden]) button")?.click();
  const field = composerField();
  if (!field) return;
  const quotation = await response.text();
  apply(field, replacement(0, field.value.length, quotation + field.value.trim()));
}

/** Hides a message, and deletes it when the time to undo that is over or the reader leaves the page. */
function remove(row: HTMLElement, path: string) {
  const all = rows();
  const next = all[all.indexOf(row) + 1] ?? all[all.indexOf(row) - 1];
  row.hidden = true;
  if (next) focusRow(next);

  const body = new URLSearchParams({ _method: "delete" });
  const decided = new AbortController();
  const { signal } = decided;
  // A page that is being left can wait for no response; a beacon is sent all the same.
  addEventListener(
    "pagehide",
    () => {
      decided.abort();
      navigator.sendBeacon(path, body);
    },
    { signal },
  );
  toast("Message deleted.", {
    shownMs: UNDO_MS,
    undo() {
      decided.abort();
      row.hidden = false;
      focusRow(row);
    },
  });
  setTimeout(async () => {
    if (signal.aborted) return;
    decided.abort();
    const headers = { "x-requested-with": "fetch" };
    const response = await fetch(path, { method: "POST", body, headers, redirect: "manual" }).catch(() => undefined);
    // 404: somebody else has deleted it meanwhile. A redirect leads to the sign-in page.
    if (response && (response.ok || response.status === 404)) return;
    row.hidden = false;
    toast(
      response
        ? "The message was not deleted: that was refused. Reload the page to see how things are."
        : "The server could not be reached, so the message was not deleted. Try again.",
    );
  }, UNDO_MS);
}
