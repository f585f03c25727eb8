import assert from "node:assert/strict";
import { test } from "node:test";
import { dayStarts } from "./day-marks.ts";

test("the first row and each row of another day begin a day", () => {
  assert.deepEqual(dayStarts(["Mon", "Mon", "Tue", "Tue", "Wed"]), [true, false, true, false, true]);
});

test("a row without a day belongs to the day before it", () => {
  assert.deepEqual(dayStarts(["Mon", undefined, "Mon"]), [true, false, false]);
  assert.deepEqual(dayStarts([undefined, "Mon"]), [false, true]);
});

test("no rows begin no day", () => {
  assert.deepEqual(dayStarts([]), []);
});
