import assert from "node:assert/strict";
import { test } from "node:test";
import { rowAfterKey } from "./rows.ts";

test("arrows go to the neighbours and stop at the ends", () => {
  assert.equal(rowAfterKey("ArrowUp", 1, 3), 0);
  assert.equal(rowAfterKey("ArrowUp", 0, 3), 0);
  assert.equal(rowAfterKey("ArrowDown", 1, 3), 2);
  assert.equal(rowAfterKey("ArrowDown", 2, 3), 2);
});

test("Home and End go to the ends", () => {
  assert.equal(rowAfterKey("Home", 1, 3), 0);
  assert.equal(rowAfterKey("End", 1, 3), 2);
});

test("from a row that cannot be focused, arrows go to the first one", () => {
  assert.equal(rowAfterKey("ArrowUp", -1, 3), 0);
  assert.equal(rowAfterKey("ArrowDown", -1, 3), 0);
});

test("other keys do not move", () => {
  assert.equal(rowAfterKey("Enter", 1, 3), undefined);
});
