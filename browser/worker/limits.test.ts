import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeBrowser, pathsIn } from "./fakes.ts";
import { keepNewest } from "./limits.ts";

const PAGES = "pages/build/1";

const keep = (name: string, path: string, body: string, count = 3, bytes = 10_000) =>
  keepNewest(name, path, new Blob([body]), new Headers(), count, bytes);
const bodyOf = async (name: string, path: string) => (await (await caches.open(name)).match(path))?.text();

for (const keepsPlace of [false, true]) {
  test(`the oldest entries go, also where an engine keeps places: ${keepsPlace}`, async () => {
    fakeBrowser().keepsPlace = keepsPlace;
    for (const path of ["/rooms/1", "/rooms/2", "/rooms/3", "/rooms/1", "/rooms/4"]) await keep(PAGES, path, path);
    assert.deepEqual(await pathsIn(PAGES), ["/rooms/3", "/rooms/1", "/rooms/4"]);
    await keep(PAGES, "/rooms/5", "x".repeat(9_000), 3, 9_010);
    assert.deepEqual(await pathsIn(PAGES), ["/rooms/4", "/rooms/5"]);
  });
}

test("where the storage is full, a page takes the place of pictures and shares", async () => {
  const storage = fakeBrowser();
  await keep("seen/1", "/picture", "x".repeat(500));
  await keep("shared/1", "/shared/0", "x".repeat(400));
  storage.maxBytes = 1_000;
  await keep(PAGES, "/rooms/1", "x".repeat(800));
  assert.deepEqual(await caches.keys(), [PAGES]);
});

test("a page that does not fit leaves the one before in its place", async () => {
  const storage = fakeBrowser();
  await keep(PAGES, "/rooms/1", "before");
  storage.maxBytes = 100;
  await assert.rejects(keep(PAGES, "/rooms/1", "x".repeat(200)), { name: "QuotaExceededError" });
  assert.equal(await bodyOf(PAGES, "/rooms/1"), "before");
});

test("a picture takes the place of nothing but pictures", async () => {
  const storage = fakeBrowser();
  await keep("shared/1", "/shared/0", "x".repeat(90));
  storage.maxBytes = 100;
  await assert.rejects(keep("seen/1", "/picture", "x".repeat(50)), { name: "QuotaExceededError" });
  assert.deepEqual(await pathsIn("shared/1"), ["/shared/0"]);
});
