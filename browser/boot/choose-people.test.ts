import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenText } from "./choose-people.ts";

test("the count names the chosen and all", () => {
  assert.equal(chosenText(0, 28), "0 of 28 chosen");
  assert.equal(chosenText(28, 28), "28 of 28 chosen");
});
