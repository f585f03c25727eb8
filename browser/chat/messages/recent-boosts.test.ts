import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRecent, withRecent } from "./recent-boosts.ts";

test("the latest boost comes first, and each once", () => {
  assert.deepEqual(withRecent(["👍", "🎉"], "🎉"), ["🎉", "👍"]);
  assert.deepEqual(withRecent(["👍"], "❤️"), ["❤️", "👍"]);
});

test("sixteen are kept", () => {
  const many = Array.from({ length: 16 }, (_, index) => `${index}`);
  assert.deepEqual(withRecent(many, "new"), ["new", ...many.slice(0, 15)]);
});

test("what cannot be read is no list", () => {
  assert.deepEqual(parseRecent('["👍","🎉"]'), ["👍", "🎉"]);
  for (const stored of [null, "", "{", "null", '{"a":1}', "[1,null]"])
    assert.deepEqual(parseRecent(stored), [], String(stored));
});
