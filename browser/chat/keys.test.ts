import assert from "node:assert/strict";
import { test } from "node:test";
import { isSingleKey } from "./keys.ts";

test("characters are single keys; the space and named keys are not", () => {
  for (const key of ["r", "/", "?"]) assert.ok(isSingleKey(key), key);
  for (const key of [" ", "Enter", "ArrowUp", "Escape"]) assert.ok(!isSingleKey(key), key);
});
