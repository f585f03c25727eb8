import assert from "node:assert/strict";
import { test } from "node:test";
import { announcement } from "./arrivals.ts";

test("a message is announced by its author and text", () => {
  assert.equal(announcement("Ada", "\n Hello. \n"), "Ada: Hello.");
});

test("a long message is announced in part", () => {
  assert.equal(announcement("Ada", "x".repeat(600)), `Ada: ${"x".repeat(500)}`);
});
