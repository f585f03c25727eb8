// Pictures and style sheets that were seen: previews, avatars, the account's own CSS. The server decides about each while
// it can be reached, as somebody may have left a room; the browser's own cache makes that fast.

import { cacheOfSeen, changeCount, knownPerson } from "./caches.ts";
import { keepNewest } from "./limits.ts";

const MAX_FILES = 2_000;
const MAX_BYTES = 50_000_000;
/** The largest file that is kept: no single one takes the place of all others. */
const MAX_FILE_BYTES = 5_000_000;

/** The answer of the server, which is kept; without one, what was kept. */
export async function answerSeen(event: FetchEvent): Promise<Response> {
  const changes = changeCount();
  try {
    const response = await fetch(event.request);
    if (response.status === 200 && !response.redirected) event.waitUntil(keep(event.request.url, response.clone(), changes));
    return response;
  } catch (error) {
    const person = await knownPerson();
    const kept = person && (await caches.match(event.request.url, { cacheName: cacheOfSeen(person), ignoreVary: true }));
    if (kept) return kept;
    throw error;
  }
}

async function keep(url: string, response: Response, changes: number) {
  const person = await knownPerson();
  const bytes = Number(response.headers.get("content-length") ?? 0);
  if (!person || bytes > MAX_FILE_BYTES) return;
  const body = await response.blob();
  if (body.size > MAX_FILE_BYTES || changes !== changeCount()) return;
  const cache = await caches.open(cacheOfSeen(person));
  await keepNewest(cache, url, body, response.headers, MAX_FILES, MAX_BYTES);
}
