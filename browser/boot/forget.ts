// What the browser keeps of a person: drafts, unsent messages, files on their way, the place where they read, settings,
// and what the service worker keeps. It goes when nobody is signed in any more, also if that happened on another device.
// The server says the same by `Clear-Site-Data`, which browsers follow only on TLS and on the same machine.

import { find } from "../dom.ts";
import { Attribute } from "../names.ts";

/** Deletes all of it, if the page is one on which nobody is signed in. */
export async function forgetLastPerson() {
  if (!find(`form[${Attribute.Forgets}]`)) return;
  for (const storage of ["localStorage", "sessionStorage"] as const) {
    // A browser may forbid the storage.
    try {
      window[storage].clear();
    } catch {}
  }
  await forgetKept().catch(() => {});
}

/** The caches but for those of builds (`browser/worker/caches.ts`), and the database (`app/src/uploader/kept_files.rs`). */
async function forgetKept() {
  indexedDB.deleteDatabase("campfire");
  for (const name of await caches.keys()) if (!name.startsWith("build/")) await caches.delete(name);
}
