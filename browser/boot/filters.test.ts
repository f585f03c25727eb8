import assert from "node:assert/strict";
import { test } from "node:test";
import { countText, matches } from "./filters.ts";

const people = ["Ada Lovelace", "Émile Zola", "bob"];

test("a filter finds a part of the text, whatever the case", () => {
  assert.deepEqual(matches(people, "LOVE"), [true, false, false]);
  assert.deepEqual(matches(people, " Bob "), [false, false, true]);
  assert.deepEqual(matches(people, "emile"), [false, true, false]);
});

test("an empty filter hides nothing and counts nothing", () => {
  assert.deepEqual(matches(people, "  "), [true, true, true]);
  assert.equal(countText(3, 3, " "), "");
});

test("the matches are counted", () => {
  assert.equal(countText(0, 3, "x"), "0 of 3");
});
