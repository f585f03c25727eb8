import assert from "node:assert/strict";
import { test } from "node:test";
import { presenceRule } from "./presence-marks.ts";

test("one rule marks all who are online", () => {
  assert.equal(presenceRule("3 41"), '.avatar:is([data-person="3"],[data-person="41"]){--online-mark:""}');
});

test("nobody online is no rule", () => {
  assert.equal(presenceRule(""), "");
});

test("only numbers get into the style sheet", () => {
  assert.equal(presenceRule('3 "]){}* x'), '.avatar:is([data-person="3"]){--online-mark:""}');
});
