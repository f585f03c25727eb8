import assert from "node:assert/strict";
import { test } from "node:test";
import { editFor, type Format, formatOf } from "./formats.ts";

const keys = { key: "", code: "", altKey: false, ctrlKey: true, metaKey: false, shiftKey: false };

test("letters with Ctrl or Cmd format", () => {
  assert.equal(formatOf({ ...keys, key: "b" }), "bold");
  assert.equal(formatOf({ ...keys, key: "B" }), "bold", "with Caps Lock");
  assert.equal(formatOf({ ...keys, key: "k", ctrlKey: false, metaKey: true }), "link");
  assert.equal(formatOf({ ...keys, key: "e" }), "code");
});

test("Shift makes another shortcut of a letter", () => {
  assert.equal(formatOf({ ...keys, key: "E", shiftKey: true }), "block");
  assert.equal(formatOf({ ...keys, key: "h", shiftKey: true }), "preview", "with Caps Lock");
  assert.equal(formatOf({ ...keys, key: "B", shiftKey: true }), undefined);
  assert.equal(formatOf({ ...keys, key: "x" }), undefined);
});

test("on a layout without Latin letters the places of the keys count", () => {
  assert.equal(formatOf({ ...keys, key: "и", code: "KeyB" }), "bold", "Russian");
  assert.equal(formatOf({ ...keys, key: "β", code: "KeyB" }), "bold", "Greek");
  assert.equal(formatOf({ ...keys, key: "У", code: "KeyE", shiftKey: true }), "block");
  assert.equal(formatOf({ ...keys, key: "x", code: "KeyB" }), undefined, "Dvorak");
});

test("no shortcut is one that a browser keeps for itself", () => {
  for (const key of ["n", "t", "w", "q"]) {
    assert.equal(formatOf({ ...keys, key }), undefined, key);
    assert.equal(formatOf({ ...keys, key, shiftKey: true }), undefined, key);
  }
  assert.equal(formatOf({ ...keys, key: "P", shiftKey: true }), undefined);
});

test("digits are known by their place on the keyboard", () => {
  assert.equal(formatOf({ ...keys, key: "*", code: "Digit8", shiftKey: true }), "list");
  assert.equal(formatOf({ ...keys, key: "(", code: "Digit8", shiftKey: true }), "list");
  assert.equal(formatOf({ ...keys, key: "8", code: "Digit8" }), undefined);
});

test("no shortcut without Ctrl or Cmd, and none with Alt: AltGr writes characters", () => {
  assert.equal(formatOf({ ...keys, key: "b", ctrlKey: false }), undefined);
  assert.equal(formatOf({ ...keys, key: "e", altKey: true }), undefined);
});

test("each format has its Markdown", () => {
  const formatted: Record<Format, string> = {
    bold: "**a**",
    italic: "_a_",
    strike: "~~a~~",
    code: "`a`",
    link: "[a]()",
    block: "```\na\n```",
    quote: "> a",
    list: "- a",
    numbers: "1. a",
  };
  for (const [format, text] of Object.entries(formatted)) {
    assert.equal(editFor(format as Format, { value: "a", start: 0, end: 1 })?.text, text);
  }
});
