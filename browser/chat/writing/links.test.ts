import assert from "node:assert/strict";
import { test } from "node:test";
import type { TextState } from "./edits.ts";
import { isUrl, link } from "./links.ts";
import { check } from "./marked-texts.test.ts";

const button = (state: TextState) => link(state);
const to = (url: string) => (state: TextState) => link(state, url);

test("a link asks for what is missing", () => {
  check(button, "¦", "[¦]()");
  check(button, "a ⟦word⟧ b", "a [word](¦) b");
  check(button, "⟦https://example.com/a?b=c⟧", "[¦](https://example.com/a?b=c)");
});

test("a link with its URL is complete", () => {
  check(to("https://example.com"), "a ⟦word⟧ b", "a [word](https://example.com)¦ b");
  check(to("https://example.com"), "⟦https://example.org⟧", "[https://example.org](https://example.com)¦");
});

test("blanks stay outside, and line breaks become blanks", () => {
  check(to("https://a.example"), "a⟦ word ⟧b", "a [word](https://a.example)¦ b");
  check(to("https://a.example"), "⟦two\nlines⟧", "[two lines](https://a.example)¦");
  check(button, "⟦one\n\ntwo⟧", "[one two](¦)");
});

test("the words of a link do not end it", () => {
  check(to("https://a.example"), "⟦a]b⟧", "[a\\]b](https://a.example)¦");
  check(to("https://a.example"), "⟦a [b]⟧", "[a [b]](https://a.example)¦");
  check(to("https://a.example"), "⟦a\\⟧", "[a\\\\](https://a.example)¦");
  check(to("https://a.example"), "⟦see [b](https://b.example) now⟧", "[see b now](https://a.example)¦");
  check(to("https://a.example"), "wow!⟦this⟧", "wow\\![this](https://a.example)¦");
});

test("the URL of a link does not end it", () => {
  check(to("https://a.example/b_(c)"), "⟦d⟧", "[d](https://a.example/b_(c))¦");
  check(to("https://a.example/b)"), "⟦d⟧", "[d](<https://a.example/b)>)¦");
  check(to("https://a.example/<b>\\"), "⟦d⟧", "[d](https://a.example/%3Cb%3E%5C)¦");
  check(to("https://a.example/?a=1&copy;=2"), "⟦d⟧", "[d](https://a.example/?a=1&amp;copy;=2)¦");
});

test("in code there are no links", () => {
  check(to("https://a.example"), "`a ⟦word⟧`", undefined);
  check(button, "```\n⟦word⟧\n```", undefined);
});

test("a URL is one web address and nothing else", () => {
  for (const url of ["http://a", "https://example.com/a_(b)#c", "HTTPS://A.example"]) assert.ok(isUrl(url), url);
  for (const text of ["", "https://", "see https://a", "https://a b", "javascript:alert(1)", "ftp://a"])
    assert.ok(!isUrl(text), text);
});
