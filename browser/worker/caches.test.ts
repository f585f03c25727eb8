import assert from "node:assert/strict";
import { test } from "node:test";
import { changeCount, forgetEverybody, personIs } from "./caches.ts";
import { fakeBrowser } from "./fakes.ts";

const ADAS = ["pages/build/1", "seen/1", "outbox/1", "shared/1"];
async function setUp() {
  fakeBrowser();
  for (const name of ["build/build", ...ADAS, "shared/nobody"]) await caches.open(name);
}

test("what is kept of one person goes when another is signed in, and what is requested meanwhile is not kept", async () => {
  await setUp();
  const before = changeCount();
  await personIs("1");
  assert.deepEqual(await caches.keys(), ["build/build", ...ADAS, "shared/nobody"]);
  assert.equal(changeCount(), before);
  // Not a person whose id begins alike.
  await personIs("11");
  assert.deepEqual(await caches.keys(), ["build/build", "shared/nobody"]);
  assert.notEqual(changeCount(), before);
});

test("without anybody only the files of builds stay", async () => {
  await setUp();
  await forgetEverybody();
  assert.deepEqual(await caches.keys(), ["build/build"]);
});
