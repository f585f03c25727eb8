import assert from "node:assert/strict";
import { test } from "node:test";
import { isPinned, menuHtml, messageIdOf, sideOf } from "./menus.ts";

test("a row's id holds the message's id", () => {
  assert.equal(messageIdOf("message-41"), "41");
  for (const id of ["", "message-", "message-4x", "message-menu", "xmessage-4", "says-4"])
    assert.equal(messageIdOf(id), undefined, id);
});

test("the template's placeholders are replaced wherever they stand", () => {
  const template = '<a href="/rooms/{room}/@{id}">Copy link</a><button form="boosts-{id}">👍</button>';
  assert.equal(
    menuHtml(template, "41", "7"),
    '<a href="/rooms/7/@41">Copy link</a><button form="boosts-41">👍</button>',
  );
});

test("a menu opens upwards only where there is no room below", () => {
  assert.equal(sideOf(208, 200), "down");
  assert.equal(sideOf(207, 200), "up");
});

test("a message is pinned if its whole id is in the list", () => {
  assert.ok(isPinned("41", "7 41") && isPinned("7", "7"));
  for (const pinned of ["", "4 1", "141 410", null, undefined]) assert.equal(isPinned("41", pinned), false);
});
