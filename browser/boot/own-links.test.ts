import assert from "node:assert/strict";
import { test } from "node:test";
import { hasOwnFragment, isOwn } from "./own-links.ts";

const page = { origin: "https://chat.example" };

test("a link to the same site is an own one, whatever its path", () => {
  for (const url of ["https://chat.example/rooms/4/@41", "https://chat.example:443/", "HTTPS://CHAT.example/x#y"])
    assert.equal(isOwn(new URL(url) as unknown as HTMLAnchorElement, page), true, url);
});

test("a link to another scheme, port or host is not", () => {
  for (const url of [
    "http://chat.example/",
    "https://chat.example:8443/",
    "https://chat.example.evil/",
    "mailto:a@b.example",
  ])
    assert.equal(isOwn(new URL(url) as unknown as HTMLAnchorElement, page), false, url);
});

test("only the fragment of the message that is linked is left to the script", () => {
  const has = (path: string) => hasOwnFragment(new URL(path, page.origin));
  assert.ok(has("/rooms/4/@41#message-41"));
  assert.ok(has("/rooms/4/@41?scrolled#message-41"));
  for (const path of ["/rooms/4/@41", "/rooms/4/@41#message-4", "/rooms/4#message-41", "/rooms/4/@41#main", "/x@41#message-41"])
    assert.ok(!has(path), path);
});
