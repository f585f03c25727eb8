import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeBrowser, pathsIn } from "./fakes.ts";
import { takeUnsent } from "./outbox.ts";

const message = { room_id: 1, client_message_id: "id", body: "hello", files: [], as_message: false, reply_to: null, answering: null };
async function setUp() {
  fakeBrowser();
  Object.assign(globalThis, { self: { registration: {} } });
  await caches.open("pages/build/1");
}

test("copies of messages name the person whom they are posted for", async () => {
  await setUp();
  await takeUnsent("1", [message]);
  assert.deepEqual(await pathsIn("outbox/1"), ["/outbox/id"]);
  assert.deepEqual(await (await caches.match("/outbox/id"))?.json(), { ...message, person: 1 });
  await takeUnsent("1", []);
  assert.equal(await caches.has("outbox/1"), false);
});

test("what another person has left in the browser is not taken", async () => {
  await setUp();
  await takeUnsent("1", [message]);
  await takeUnsent("2", [{ ...message, client_message_id: "other" }]);
  await takeUnsent("2", []);
  assert.deepEqual(await caches.keys(), ["pages/build/1", "outbox/1"]);
  assert.deepEqual(await pathsIn("outbox/1"), ["/outbox/id"]);
});
