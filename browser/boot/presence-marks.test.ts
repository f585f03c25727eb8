import assert from "node:assert/strict";
import { test } from "node:test";
import { newsRules, presenceRule } from "./presence-marks.ts";

test("one rule marks all who are online", () => {
  assert.equal(presenceRule("3 41"), '.avatar:is([data-person="3"],[data-person="41"]){--online-mark:""}');
});

test("nobody online is no rule", () => {
  assert.equal(presenceRule(""), "");
});

test("only numbers get into the style sheet", () => {
  assert.equal(presenceRule('3 "]){}* x'), '.avatar:is([data-person="3"]){--online-mark:""}');
});

test("each thread with news has a rule, and only numbers get into it", () => {
  const rule = (id: number, count: number) => `.thread-line[data-thread="${id}"]{--thread-news:"${count} new"}`;
  assert.equal(newsRules("41:2 57:1"), rule(41, 2) + rule(57, 1));
  assert.equal(newsRules('41:2 "]{}:1 7 8:x'), rule(41, 2));
  assert.equal(newsRules(""), "");
});
