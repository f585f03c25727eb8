// The pages of rooms: the last good one of each room, for the person who is signed in, with its headers and when it was
// good. A page is kept and shown only together with the files of its build.

import { Attribute } from "../names.ts";
import { buildId, isKept } from "./build.ts";
import { cacheOfPages, cachesOfPages, changeCount, forgetEverybody, personChanges, personIs } from "./caches.ts";
import { keepNewest } from "./limits.ts";

/** The headers by which the server says whose page it is, and which build it belongs to. */
export const PERSON = "x-person";
const BUILD = "x-build";
/** On a kept page: when it was good, by the server's clock, as its messages are. */
const KEPT_AT = "x-kept-at";

const MAX_PAGES = 20;
const MAX_BYTES = 10_000_000;

/** How long a page counts as fresh, for the requests of [`refresh`]. */
const FRESH_MS = 10_000;

/** The path of a room's page with its newest messages, without a query: these pages are kept. */
const ROOM = /^\/rooms\/\d+$/;

/** The path of a room, also where the URL leads to one of its messages; `undefined` for other pages. */
export function roomOf(pathname: string): string | undefined {
  return /^\/rooms\/\d+(?=$|\/(?:@|%40)\d+$)/.exec(pathname)?.[0];
}

/** Whether the answer to a request for this page is kept. */
export const isRoom = (url: URL) => ROOM.test(url.pathname) && !url.search;

/**
 * Keeps a page. `changes` is the count of changes of who is signed in from before it was requested: the page of somebody
 * who has signed out meanwhile is not kept.
 */
export async function keepPage(path: string, response: Response, changes: number) {
  const [person, build] = [response.headers.get(PERSON), response.headers.get(BUILD)];
  if (response.status !== 200 || response.redirected || !person || !build) return;
  const body = await response.blob();
  if (changes !== changeCount()) return;
  await personIs(person);
  const changesSince = changeCount();
  if (!(await isKept(build))) return;
  const headers = new Headers(response.headers);
  headers.set(KEPT_AT, headers.get("date") || new Date().toUTCString());
  const name = cacheOfPages(build, person);
  if (changesSince !== changeCount()) return;
  await keepNewest(name, path, body, headers, MAX_PAGES, MAX_BYTES);
  // That of another build.
  await forgetPage(path, name);
}

/** Forgets the page of a room: it may be seen no more, or has a newer one, in the cache `but`. */
export async function forgetPage(path: string, but?: string) {
  for (const { name } of await cachesOfPages()) {
    if (name !== but) await (await caches.open(name)).delete(path, { ignoreVary: true });
  }
}

/** The kept page of a room. */
async function find(path: string): Promise<Response | undefined> {
  for (const { name, build } of await cachesOfPages()) {
    const kept = await caches.match(path, { cacheName: name, ignoreVary: true });
    if (kept && (await isKept(build))) return kept;
  }
  return undefined;
}

/** Whether a room has a kept page. */
export const hasPage = async (path: string) => !!(await find(path));

/** The kept page of a room, which says by an attribute when it was good. */
export async function keptPage(path: string): Promise<Response | undefined> {
  const kept = await find(path);
  if (!kept) return undefined;
  const at = new Date(kept.headers.get(KEPT_AT) ?? 0).toISOString();
  const html = (await kept.text()).replace("<html ", `<html ${Attribute.Kept}="${at}" `);
  return new Response(html, { headers: kept.headers });
}

/** The path of the room whose page was kept last. */
export async function newestPath(): Promise<string | undefined> {
  const paths: string[] = [];
  for (const { name, build } of await cachesOfPages()) {
    if (!(await isKept(build))) continue;
    for (const { url } of await (await caches.open(name)).keys()) paths.push(new URL(url).pathname);
  }
  return paths.at(-1);
}

/**
 * Requests the page of a room to keep it, unless that was done a moment ago: the room was opened without loading a
 * document, or has changed since. The answer is not shown, so it marks nothing as read.
 */
export async function refresh(path: string) {
  if (!ROOM.test(path)) return;
  const before = await find(path);
  const headers = new Headers({ purpose: "prefetch" });
  if (before) {
    const age = Date.now() - Date.parse(before.headers.get(KEPT_AT) ?? "");
    // A clock that is wrong makes the page look older or newer, and costs a request at most. That of another build goes
    // with that.
    if (age >= 0 && age < FRESH_MS && before.headers.get(BUILD) === buildId()) return;
    headers.set("if-none-match", before.headers.get("etag") ?? "");
  }
  const changes = changeCount();
  const response = await fetch(path, { headers });
  if (new URL(response.url).pathname === "/session/new" || response.status === 401) return signedOut();
  if (response.status === 304 && before) {
    const again = new Headers(before.headers);
    again.set("date", response.headers.get("date") ?? "");
    return keepPage(path, new Response(before.body, { headers: again }), changes);
  }
  if (response.redirected || response.status === 404) return forgetPage(path);
  return keepPage(path, response, changes);
}

/** Nobody is signed in any more: everything kept of the person is deleted. */
export async function signedOut() {
  personChanges();
  await forgetEverybody();
}
