import assert from "node:assert/strict";
import { test } from "node:test";
import { sendable, type Waiting } from "./unsent.ts";

const message = (id: string, room_id: number, more: Partial<Waiting> = {}): Waiting => ({ client_message_id: id, room_id, body: id, ...more });
const ids = (waiting: Waiting[]) => sendable(waiting).map(({ client_message_id }) => client_message_id);

test("messages are sent in the order of writing, with the keys of their files", () => {
  const files = [{ key: "one" }, { key: "two" }];
  assert.deepEqual(ids([message("c", 1), message("a", 2), message("b", 1)]), ["a", "b", "c"]);
  assert.deepEqual(sendable([message("a", 1, { files })])[0]?.files, ["one", "two"]);
  assert.equal(sendable([message("a", 1, { reply: { message_id: 7 } })])[0]?.reply_to, 7);
  assert.equal(sendable([message("a", 1)])[0]?.reply_to, null);
  const answering = { message_id: 7, in_room: false };
  assert.deepEqual(sendable([message("a", 1, { answering })])[0]?.answering, answering);
});

test("a message whose files have not arrived holds back the later ones of its room, and no others", () => {
  const late = { files: [{ key: "one" }, { key: null }] };
  assert.deepEqual(ids([message("d", 1), message("c", 2), message("b", 1, late), message("a", 1)]), ["a", "c"]);
});

test("what was refused holds nothing back", () => {
  const late = { files: [{ key: null }] };
  assert.deepEqual(ids([message("a", 1, { failed: "Too long.", ...late }), message("b", 1, { gone: "which was deleted", ...late }), message("c", 1)]), ["c"]);
});
