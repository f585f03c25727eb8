// Which requests the worker answers, and how. Everything else goes to the server as without a worker: forms, calls, the
// socket, sounds, downloads.

import { Id } from "../names.ts";
import { answerFile, offlinePage } from "./build.ts";
import { changeCount, personChanges, personIs } from "./caches.ts";
import { forgetPage, hasPage, isRoom, keepPage, keptPage, newestPath, PERSON, roomOf, signedOut } from "./pages.ts";
import type { ToPage } from "./protocol.ts";
import { answerSeen } from "./seen.ts";
import { SHARE, takeShared } from "./share.ts";

declare const self: ServiceWorkerGlobalScope;

/** How long the server may take before the kept page of the room is shown. */
const LIMIT_MS = 2_500;

/** The server function that loads a room into an open page (`app/src/api.rs`). */
const LOADS_ROOM = "/api/rooms/page";

/** The room whose kept page is shown at once, and until when: its page has just waited for the server. */
let waited = { path: "", until: 0 };
const WAITED_MS = 5_000;

export function answerRequests() {
  self.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (url.origin !== location.origin) return;
    if (/^\/(session|join|first_run)/.test(url.pathname)) personChanges();
    if (request.method !== "GET") {
      if (url.pathname === SHARE && isOwn(request.referrer)) event.respondWith(takeShared(request));
      else if (url.pathname === LOADS_ROOM) event.respondWith(loadRoom(event));
    } else if (request.mode === "navigate") event.respondWith(navigate(event, url));
    else if (url.pathname.startsWith("/assets/")) event.respondWith(answerFile(request));
    else if (request.destination === "image" || request.destination === "style") event.respondWith(answerSeen(event));
  });
}

/** The page from the server if that answers in time, else the kept page of the room. */
async function navigate(event: FetchEvent, url: URL): Promise<Response> {
  const room = roomOf(url.pathname);
  const isAtOnce = room === waited.path && Date.now() < waited.until;
  const fetched = request(event, url);
  // Also after the kept page was shown: the answer is kept.
  event.waitUntil(fetched.catch(() => {}));
  const late = isAtOnce ? undefined : pause(LIMIT_MS);
  const inTime = await Promise.race([fetched.then(unlessDown, () => undefined), late]);
  if (inTime) return inTime;
  return (await keptAt(url, room)) ?? (await fetched.catch(offlinePage));
}

/** Whether a form comes from this site or from the system. The server refuses those of other sites. */
export const isOwn = (referrer: string) => !referrer.startsWith("http") || referrer.startsWith(`${location.origin}/`);

/** Requests a page, and keeps it if it is one of a room. */
async function request(event: FetchEvent, url: URL): Promise<Response> {
  const changes = changeCount();
  const preloaded = (await event.preloadResponse) as Response | undefined;
  const response = preloaded ?? (await fetch(event.request));
  if (isRoom(url)) {
    // A redirect leads to the sign-in page, or away from a room that is lost.
    const isLost = response.type === "opaqueredirect" || response.status === 404;
    event.waitUntil(isLost ? forgetPage(url.pathname) : keepPage(url.pathname, response.clone(), changes));
  } else {
    const person = response.headers.get(PERSON);
    if (person && changes === changeCount()) event.waitUntil(personIs(person));
  }
  return response;
}

/** What is shown at a URL without the server. A page takes its place from the URL, so others are redirected to it. */
export async function keptAt(url: URL, room: string | undefined): Promise<Response | undefined> {
  if (url.pathname === room && !url.searchParams.has("before")) return keptPage(room);
  const path = url.pathname === "/" ? await newestPath() : room && (await hasPage(room)) ? room : undefined;
  if (path === undefined) return undefined;
  waited = { path, until: Date.now() + WAITED_MS };
  const messageId = room && url.pathname.slice(room.length).replace(/^\/(@|%40)/, "");
  return Response.redirect(messageId ? `${path}#${Id.MessagePrefix}${messageId}` : path, 302);
}

/** Loads a room into an open page. Without the server, that page is told that it can load the kept page instead. */
async function loadRoom(event: FetchEvent): Promise<Response> {
  const body = (await event.request.clone().json()) as { room_id: number };
  const path = `/rooms/${body.room_id}`;
  const tell = async () => {
    if (!(await hasPage(path))) return;
    waited = { path, until: Date.now() + WAITED_MS };
    const message: ToPage = { kind: "kept", path };
    (await self.clients.get(event.clientId))?.postMessage(message);
  };
  const timer = setTimeout(() => void tell(), LIMIT_MS);
  try {
    const response = await fetch(event.request);
    if (response.status === 401) event.waitUntil(signedOut());
    if (!unlessDown(response)) await tell();
    return response;
  } catch (error) {
    await tell();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** A response of Campfire; `undefined` for that of a proxy that cannot reach it. */
function unlessDown(response: Response): Response | undefined {
  return [502, 503, 504].includes(response.status) ? undefined : response;
}

function pause(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
