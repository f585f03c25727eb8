import assert from "node:assert/strict";
import { test } from "node:test";
import { stepped } from "./list.ts";

test("arrows go through the suggestions and around their ends", () => {
  assert.equal(stepped(0, 1, 3), 1);
  assert.equal(stepped(2, 1, 3), 0);
  assert.equal(stepped(0, -1, 3), 2);
});

test("the first arrow selects the end it comes from", () => {
  assert.equal(stepped(-1, 1, 3), 0);
  assert.equal(stepped(-1, -1, 3), 2);
});
