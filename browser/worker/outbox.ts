// Messages that were not sent when their page was hidden or closed. The page hands copies over; where the browser has
// Background Sync, it wakes the worker once there is a connection, also when no page is open any more. The page keeps its
// own (`app/src/outbox.rs`) and goes on with them when it is there again: the server stores each id once, so it does no
// harm if both send.

import { cacheOfOutbox, changeCount, knownPerson } from "./caches.ts";
import { signedOut } from "./pages.ts";
import type { Unsent } from "./protocol.ts";

declare const self: ServiceWorkerGlobalScope;

/** Not part of every browser, nor of the compiler's library. */
interface SyncEvent extends ExtendableEvent {
  readonly tag: string;
}
interface SyncManager {
  register(tag: string): Promise<void>;
}

const TAG = "outbox";

/** The server function that posts a message (`app/src/api.rs`). */
const POSTS = "/api/messages/post";

export function sendWhenConnected() {
  self.addEventListener("sync", (event) => {
    const { tag, waitUntil } = event as SyncEvent;
    if (tag === TAG) waitUntil.call(event, sendAll());
  });
}

/** Takes copies of what the person has not sent, in place of those from before. */
export async function takeUnsent(person: string, messages: Unsent[]) {
  if (person !== (await knownPerson())) return;
  await caches.delete(cacheOfOutbox(person));
  if (messages.length === 0) return;
  const cache = await caches.open(cacheOfOutbox(person));
  for (const message of messages) {
    // The server refuses it where another person is signed in by then.
    const body = JSON.stringify({ ...message, person: Number(person) });
    await cache.put(`/outbox/${message.client_message_id}`, new Response(body));
  }
  const { sync } = self.registration as ServiceWorkerRegistration & { sync?: SyncManager };
  // Refused where the person has switched it off: the page sends them when it is opened.
  await sync?.register(TAG).catch(() => {});
}

/** Sends what is kept, one after the other. Rejects if the server cannot be reached: the browser tries again. */
async function sendAll() {
  const person = await knownPerson();
  if (!person) return;
  const cache = await caches.open(cacheOfOutbox(person));
  for (const key of await cache.keys()) {
    const body = await (await cache.match(key))?.text();
    const changes = changeCount();
    const headers = { "content-type": "application/json" };
    const response = await fetch(POSTS, { method: "POST", headers, body: body ?? "" });
    if (response.status === 401) return signedOut();
    if (response.status === 429 || response.status >= 500) throw new Error(`${response.status}`);
    if (changes !== changeCount()) return;
    // Sent, or refused for a reason that the page shows.
    await cache.delete(key);
  }
}
