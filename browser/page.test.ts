import assert from "node:assert/strict";
import { test } from "node:test";
import { roomOfPath } from "./page.ts";

test("a path names its room", () => {
  assert.equal(roomOfPath("/rooms/7"), "7");
  assert.equal(roomOfPath("/rooms/7/@12"), "7");
  assert.equal(roomOfPath("/"), undefined);
});
