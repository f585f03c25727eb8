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
  const { url } = event.request;
  const changes = changeCount();
  const response = await fetch(event.request).catch((error: unknown) => error as Error);
  const person = await knownPerson().catch(() => undefined);
  const name = person && cacheOfSeen(person);
  const kept = name && (await caches.match(url, { cacheName: name, ignoreVary: true }).catch(() => undefined));
  if (!(response instanceof Response)) {
    if (kept) return kept;
    throw response;
  }
  if (name && isToBeKept(response, kept || undefined)) event.waitUntil(keep(name, url, response.clone(), changes));
  // It may be seen no more.
  else if (name && [403, 404, 410].includes(response.status)) event.waitUntil(forget(name, url));
  return response;
}

/** Whether an answer is worth reading a copy of it. */
export function isToBeKept({ status, redirected, headers }: Response, kept: Response | undefined): boolean {
  if (status !== 200 || redirected || Number(headers.get("content-length") ?? 0) > MAX_FILE_BYTES) return false;
  if (headers.get("cache-control")?.includes("no-store")) return false;
  const tag = headers.get("etag");
  return !tag || tag !== kept?.headers.get("etag");
}

async function keep(name: string, url: string, response: Response, changes: number) {
  const body = await response.blob();
  if (body.size > MAX_FILE_BYTES || changes !== changeCount()) return;
  await keepNewest(name, url, body, response.headers, MAX_FILES, MAX_BYTES);
}

async function forget(name: string, url: string) {
  await (await caches.open(name)).delete(url, { ignoreVary: true });
}
