import assert from "node:assert/strict";
import { test } from "node:test";
import { filterBy, mentions, suggestionsFor, wholeName } from "./suggestions.ts";

test("a mention is the name", () => {
  const people = [{ name: "Ada Lovelace", mention: "@Ada Lovelace" }];
  assert.deepEqual(mentions(people), [{ name: "Ada Lovelace", text: "@Ada Lovelace" }]);
});

test("people who share a name are told apart by their ids", () => {
  const people = [
    { name: "Zoe", mention: "@Zoe#1" },
    { name: "zoe", mention: "@zoe#2" },
    { name: "Bob", mention: "@Bob" },
  ];
  assert.deepEqual(
    mentions(people).map(({ text, note }) => [text, note]),
    [
      ["@Zoe#1", "#1"],
      ["@zoe#2", "#2"],
      ["@Bob", undefined],
    ],
  );
});

test("a whole name is recognised whatever its case and apostrophes", () => {
  const people = mentions([{ name: "Ada" }, { name: "Ada O’Brien" }, { name: "Straße" }]);
  assert.equal(wholeName(people, "ada"), 0);
  assert.equal(wholeName(people, "ada o'brien"), 1);
  assert.equal(wholeName(people, "STRASSE"), 2);
  assert.equal(wholeName(people, "ada o"), -1);
});

test("the value of a filter is quoted if it has spaces", () => {
  assert.equal(filterBy("from", "Ada").text, "from:Ada");
  assert.equal(filterBy("in", "All Talk").text, 'in:"All Talk"');
});

test("filters are offered by their beginning", async () => {
  const texts = async (typed: string) =>
    (await suggestionsFor({ source: "filters", from: 0, typed })).map(({ text }) => text);
  assert.deepEqual(await texts("h"), ["has:link", "has:code", "has:file", "has:image"]);
  assert.deepEqual(await texts("F"), ["from:"]);
  assert.deepEqual(await texts("is"), ["is:saved", "is:pinned"]);
  assert.deepEqual(await texts("ink"), []);
});

test("what a message can have is offered by the whole filter", async () => {
  const suggestions = await suggestionsFor({ source: "contents", from: 0, typed: "HAS:co" });
  assert.deepEqual(
    suggestions.map(({ text }) => text),
    ["has:code"],
  );
});
