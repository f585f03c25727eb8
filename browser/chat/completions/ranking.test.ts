import assert from "node:assert/strict";
import { test } from "node:test";
import { bestMatches, rank } from "./ranking.ts";

const named = (...names: string[]) => names.map((name) => ({ name }));
const best = (names: string[], typed: string, max = 8) =>
  bestMatches(named(...names), typed, max).map(({ name }) => name);

test("names are compared without accents and case", () => {
  assert.deepEqual(best(["Émile ZOLA", "Straße"], "EMILE z"), ["Émile ZOLA"]);
  assert.deepEqual(best(["Νίκος", "Straße", "O’Brien"], "νικοσ"), ["Νίκος"]);
  assert.deepEqual(best(["Νίκος", "Straße", "O’Brien"], "strass"), ["Straße"]);
  assert.deepEqual(best(["Νίκος", "Straße", "O’Brien"], "o'b"), ["O’Brien"]);
});

test("the start of a name comes before a later word, that before initials, and those before inner parts", () => {
  assert.deepEqual(best(["Xadax", "Anna D. Archer", "Bob Ada", "Ada Lovelace"], "ada"), [
    "Ada Lovelace",
    "Bob Ada",
    "Anna D. Archer",
    "Xadax",
  ]);
});

test("names that fit alike keep their order", () => {
  assert.deepEqual(best(["Bo", "Bob", "Ada", "Bobby"], "bo"), ["Bo", "Bob", "Bobby"]);
});

test("nothing typed fits everybody", () => {
  assert.deepEqual(best(["Bob", "Ada"], ""), ["Bob", "Ada"]);
});

test("no more are offered than asked for", () => {
  assert.deepEqual(best(["Ada", "Adam", "Adele"], "ad", 2), ["Ada", "Adam"]);
});

test("initials take two letters, inner parts three", () => {
  assert.equal(rank("ada lovelace", "al"), 2);
  assert.equal(rank("grace hopper", "h"), 1);
  assert.equal(rank("grace hopper", "g"), 0);
  assert.equal(rank("(ada) bob", "a"), undefined);
  assert.equal(rank("alan turing", "ur"), undefined);
  assert.equal(rank("alan turing", "uri"), 3);
});

test("a name that does not fit is not offered", () => {
  assert.deepEqual(best(["Ada", "Bob"], "zed"), []);
});

test("accents in what is typed do not matter either", () => {
  assert.deepEqual(best(["Zoe", "Zoë"], "zoé"), ["Zoe", "Zoë"]);
});
