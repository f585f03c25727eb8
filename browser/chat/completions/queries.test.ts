import assert from "node:assert/strict";
import { test } from "node:test";
import { messageQuery, searchQuery } from "./queries.ts";

test("a person is asked for after @", () => {
  assert.deepEqual(messageQuery("@"), { source: "members", from: 0, typed: "" });
  assert.deepEqual(messageQuery("hello @ad"), { source: "members", from: 6, typed: "ad" });
  assert.deepEqual(messageQuery("(@ad"), { source: "members", from: 1, typed: "ad" });
  assert.deepEqual(messageQuery("@Ada Lovel"), { source: "members", from: 0, typed: "Ada Lovel" });
  assert.deepEqual(messageQuery("@Ada @bo"), { source: "members", from: 5, typed: "bo" });
});

test("a person is asked for within a script that is written without blanks", () => {
  assert.deepEqual(messageQuery("明日は@鈴"), { source: "members", from: 3, typed: "鈴" });
});

test("an e-mail address mentions nobody", () => {
  for (const before of ["ada@example", "7@e", "é@e"]) assert.equal(messageQuery(before), undefined, before);
});

test("a mention ends with the line, two spaces, or forty characters", () => {
  for (const before of ["@Ada\n", "@Ada  x", "@ Ada", `@${"a".repeat(41)}`])
    assert.equal(messageQuery(before), undefined, before);
  assert.equal(messageQuery(`@${"a".repeat(40)}`)?.typed.length, 40);
});

test("a sound is asked for after /play at the beginning of a message", () => {
  assert.deepEqual(messageQuery("/play "), { source: "sounds", from: 0, typed: "" });
  assert.deepEqual(messageQuery("/play ta"), { source: "sounds", from: 0, typed: "ta" });
  for (const before of ["/play ta da", "please /play ta", "/play  "])
    assert.equal(messageQuery(before), undefined, before);
});

test("a command is asked for after a slash at the beginning of a message", () => {
  assert.deepEqual(messageQuery("/"), { source: "commands", from: 0, typed: "/" });
  assert.deepEqual(messageQuery("/play"), { source: "commands", from: 0, typed: "/play" });
  assert.deepEqual(messageQuery("/部"), { source: "commands", from: 0, typed: "/部" });
  for (const before of [" /", "and/", "/etc/", "//", "/deploy now"]) assert.equal(messageQuery(before), undefined, before);
});

test("a search offers its filters once something is typed", () => {
  assert.deepEqual(searchQuery("fr"), { source: "filters", from: 0, typed: "fr" });
  assert.deepEqual(searchQuery("lunch h"), { source: "filters", from: 6, typed: "h" });
  assert.equal(searchQuery(""), undefined);
  assert.equal(searchQuery("lunch "), undefined);
});

test("a filter of the search asks for its values", () => {
  assert.deepEqual(searchQuery("from:ad"), { source: "authors", from: 0, typed: "ad" });
  assert.deepEqual(searchQuery("lunch in:"), { source: "rooms", from: 6, typed: "" });
  assert.deepEqual(searchQuery('lunch in:"Des'), { source: "rooms", from: 6, typed: "Des" });
  assert.deepEqual(searchQuery("has:li"), { source: "contents", from: 0, typed: "has:li" });
});

test("a filter within a word is no filter", () => {
  assert.deepEqual(searchQuery("xfrom:ad"), { source: "filters", from: 0, typed: "xfrom:ad" });
});

test("a day is not completed, nor what stands behind a closed quotation", () => {
  assert.equal(searchQuery("before:2026"), undefined);
  assert.equal(searchQuery("after:"), undefined);
  assert.equal(searchQuery('in:"Design"'), undefined);
});
