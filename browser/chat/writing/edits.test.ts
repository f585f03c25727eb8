import { test } from "node:test";
import { list, numbers, quote, replacement } from "./edits.ts";
import { check, checkBothWays } from "./marked-texts.test.ts";

test("a replacement leaves the caret behind the new text", () => {
  check(() => replacement(0, 3, "/play tada"), "/pl¦", "/play tada¦");
});

test("a prefix goes before the line of the caret", () => {
  check(quote, "one\ntw¦o\nthree", "one\n> two¦\nthree");
  check(quote, "¦", "> ¦");
  check(list, "¦", "- ¦");
});

test("a prefix goes before every line that is selected, even in part", () => {
  check(numbers, "o⟦ne\ntwo\nth⟧ree", "⟦1. one\n2. two\n3. three⟧");
});

test("a selection that ends behind a line break leaves the next line alone", () => {
  check(quote, "⟦one\n⟧two", "> one¦\ntwo");
});

test("a prefix that every line has is taken away", () => {
  check(quote, "⟦> one\n>two⟧", "⟦one\ntwo⟧");
  check(numbers, "1. on¦e", "one¦");
});

test("a prefix that some lines have is added to all", () => {
  check(quote, "⟦> one\ntwo⟧", "⟦> > one\n> two⟧");
});

test("a blank line between items is none", () => {
  checkBothWays(list, "⟦one\n\ntwo⟧", "⟦- one\n\n- two⟧");
  checkBothWays(numbers, "⟦one\n\ntwo⟧", "⟦1. one\n\n2. two⟧");
  checkBothWays(quote, "⟦one\n\ntwo⟧", "⟦> one\n> \n> two⟧");
});

test("a list of one kind becomes one of the other, and keeps its indentation", () => {
  check(numbers, "⟦- one\n  - two\n* three⟧", "⟦1. one\n  2. two\n3. three⟧");
  check(list, "⟦1. one\n2) two⟧", "⟦- one\n- two⟧");
});

test("lines of code get no prefix", () => {
  for (const edit of [quote, list, numbers]) check(edit, "```\none\n⟦two⟧\n```", undefined);
  check(quote, "⟦```\none\n```⟧", "⟦> ```\n> one\n> ```⟧");
});
