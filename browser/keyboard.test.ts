import assert from "node:assert/strict";
import { test } from "node:test";
import { isComposing, latinKey } from "./keyboard.ts";

test("a key without a Latin letter counts by its place", () => {
  for (const [key, name] of [
    ["и", "Russian"],
    ["β", "Greek"],
    ["נ", "Hebrew"],
    ["ﻻ", "Arabic"],
    ["لا", "Arabic, as two characters"],
    ["ⴱ", "Berber"],
    ["𑄝", "Chakma, beyond the first plane"],
    ["ㅠ", "Korean"],
    ["ิ", "Thai"],
  ])
    assert.equal(latinKey({ key: key!, code: "KeyB", shiftKey: false }), "b", name);
  assert.equal(latinKey({ key: "У", code: "KeyE", shiftKey: true }), "E");
  assert.equal(latinKey({ key: "ظ", code: "Slash", shiftKey: false }), "/");
  assert.equal(latinKey({ key: "؟", code: "Slash", shiftKey: true }), "?");
});

test("a Latin letter counts wherever it is", () => {
  assert.equal(latinKey({ key: "b", code: "KeyN", shiftKey: false }), "b", "Dvorak");
  assert.equal(latinKey({ key: "?", code: "Digit7", shiftKey: true }), "?");
  assert.equal(latinKey({ key: "é", code: "Digit2", shiftKey: false }), "é");
  assert.equal(latinKey({ key: "Enter", code: "Enter", shiftKey: false }), "Enter");
  assert.equal(latinKey({ key: "Dead", code: "KeyE", shiftKey: false }), "Dead");
});

test("a key of an input method is known during a composition and, in Safari, just after it", () => {
  assert.ok(isComposing({ isComposing: true, keyCode: 13 }));
  assert.ok(isComposing({ isComposing: false, keyCode: 229 }));
  assert.ok(!isComposing({ isComposing: false, keyCode: 13 }));
});
