// Files that another app shared with the installed one, for the room that was chosen: into the composer's tray, and what
// came with them into its field. The service worker has kept them until here (`browser/worker/share.ts`).

import { composerField } from "../page.ts";
import { toast } from "./toast.ts";

const CHOSEN = "shared";

export async function takeShared() {
  const url = new URL(location.href);
  if (!url.searchParams.has(CHOSEN)) return;
  url.searchParams.delete(CHOSEN);
  history.replaceState(history.state, "", url);
  try {
    const name = (await caches.keys()).find((name) => name.startsWith("shared/"));
    if (!name) throw new Error("nothing is kept");
    const cache = await caches.open(name);
    const transfer = new DataTransfer();
    for (const key of await cache.keys()) {
      const kept = await cache.match(key);
      const fileName = kept?.headers.get("x-name");
      if (kept && fileName) {
        const type = kept.headers.get("content-type") ?? "";
        transfer.items.add(new File([await kept.blob()], decodeURIComponent(fileName), { type }));
      } else if (kept) write(await kept.text());
    }
    await caches.delete(name);
    // The WASM takes what is dropped on the page.
    if (transfer.items.length > 0) dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
  } catch {
    toast("The shared files are gone. Share them again.");
  }
}

/** Adds a text to what is being written. */
function write(text: string) {
  const field = composerField();
  if (!field) return;
  field.value = field.value ? `${field.value}\n${text}` : text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
