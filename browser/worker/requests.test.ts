import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeBrowser } from "./fakes.ts";
import { roomOf } from "./pages.ts";
import { isOwn, keptAt } from "./requests.ts";

/** What is shown at this path without the server, where `/rooms/1` is kept. */
async function shown(path: string) {
  fakeBrowser();
  await (await caches.open("build/build")).put("/a.js", new Response("script"));
  const page = new Response("<html lang=en>kept", { headers: { "x-kept-at": "Fri, 27 Nov 2026 12:00:00 GMT" } });
  await (await caches.open("pages/build/1")).put("/rooms/1", page);
  const url = new URL(path, location.href);
  const answer = await keptAt(url, roomOf(url.pathname));
  return answer?.headers.get("location") ?? (await answer?.text());
}

test("the kept page of a room is shown whatever its query is, unless that asks for other messages", async () => {
  const page = '<html data-kept="2026-11-27T12:00:00.000Z" lang=en>kept';
  for (const path of ["/rooms/1", "/rooms/1?shared=1", "/rooms/1?notice=saved"]) assert.equal(await shown(path), page, path);
  assert.equal(await shown("/rooms/1?before=7"), "https://campfire.example/rooms/1");
  assert.equal(await shown("/rooms/1/@7"), "https://campfire.example/rooms/1#message-7");
  assert.equal(await shown("/"), "https://campfire.example/rooms/1");
  for (const path of ["/rooms/2", "/rooms/2?shared=1", "/rooms/1/files"]) assert.equal(await shown(path), undefined, path);
});

test("forms of other sites are left to the server", () => {
  fakeBrowser();
  for (const own of ["", "about:client", "https://campfire.example/", "https://campfire.example/rooms/1"]) assert.ok(isOwn(own), own);
  for (const other of ["https://evil.example/", "https://campfire.example.evil.example/", "http://campfire.example/"]) assert.ok(!isOwn(other), other);
});
