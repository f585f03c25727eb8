import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPlace, parsePlace, pathOfPlace } from "./place.ts";

const place = { rowId: "message-41", offset: -12.5, endId: "message-71" };

test("a place is read as it was stored", () => {
  assert.equal(formatPlace(place), '["message-41",-12.5,"message-71"]');
  assert.deepEqual(parsePlace(formatPlace(place)), place);
});

test("what cannot be read is no place", () => {
  for (const stored of [null, "", "{", "null", "[]", '["message-41"]', '["message-41",1]', "[41,1,2]"])
    assert.equal(parsePlace(stored), undefined, String(stored));
});

test("the page of a place ends with a message below it", () => {
  assert.equal(pathOfPlace("7", place), "/rooms/7?before=72");
});
