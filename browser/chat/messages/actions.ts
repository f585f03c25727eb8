// The items of a message's menu: copy the text or the link, delete. (The WASM does "Reply" and "Edit".) Without this
// script each of them is a link to a page that does the same.

import { copyText } from "../../clipboard.ts";
import { closest, find } from "../../dom.ts";
import { Attribute } from "../../names.ts";
import { toast } from "../toast.ts";
import { focusRow, hideRow, rows, showRow } from "./rows.ts";

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
        void copy(item.href, "link");
        break;
      case "copy-text":
        focusRow(row);
        void copy(find(".message__body", row)?.innerText ?? "", "text");
        break;
      case "remove":
        event.preventDefault();
        remove(row, item.getAttribute(Attribute.Path) ?? "");
        break;
    }
  });
}

async function copy(text: string, what: "link" | "text") {
  try {
    await copyText(text);
    toast("Copied.", { shownMs: COPIED_SHOWN_MS });
  } catch {
    const way =
      what === "link" ? "Copy the address of the link at the message's time." : "Select the text and copy it.";
    toast(`This browser does not let pages copy. ${way}`);
  }
}

/** Hides a message, and deletes it when the time to undo that is over or the reader leaves the page. */
function remove(row: HTMLElement, path: string) {
  const all = rows();
  const next = all[all.indexOf(row) + 1] ?? all[all.indexOf(row) - 1];
  hideRow(row);
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
      focusRow(showRow(row));
    },
  });
  setTimeout(async () => {
    if (signal.aborted) return;
    decided.abort();
    const headers = { "x-requested-with": "fetch" };
    const response = await fetch(path, { method: "POST", body, headers, redirect: "manual" }).catch(() => undefined);
    // 404: somebody else has deleted it meanwhile. A redirect leads to the sign-in page.
    if (response && (response.ok || response.status === 404)) return;
    showRow(row);
    toast(
      response
        ? "The message was not deleted: that was refused. Reload the page to see how things are."
        : "The server could not be reached, so the message was not deleted. Try again.",
    );
  }, UNDO_MS);
}
