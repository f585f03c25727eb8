import assert from "node:assert/strict";
import { test } from "node:test";
import { type Edit, fence, isUrl, link, prefix, replacement, type TextState, wrap } from "./edits.ts";

/** A text whose selection stands between brackets, or whose caret is one bar. */
function state(marked: string): TextState {
  const caret = marked.indexOf("|");
  if (caret >= 0) return { value: marked.replace("|", ""), start: caret, end: caret };
  const start = marked.indexOf("⟦");
  const end = marked.indexOf("⟧") - 1;
  assert.ok(start >= 0 && end >= start, marked);
  return { value: marked.replace(/[⟦⟧]/g, ""), start, end };
}

/** The text after the edit, marked alike. */
function edited({ value }: TextState, { from, to, text, select: [start, end] }: Edit): string {
  const result = value.slice(0, from) + text + value.slice(to);
  const [first, last] = [from + start, from + end];
  if (first === last) return `${result.slice(0, first)}|${result.slice(first)}`;
  return `${result.slice(0, first)}⟦${result.slice(first, last)}⟧${result.slice(last)}`;
}

function check(edit: (state: TextState) => Edit, before: string, after: string) {
  assert.equal(edited(state(before), edit(state(before))), after);
}

test("a replacement leaves the caret behind the new text", () => {
  check(() => replacement(0, 3, "/play tada"), "/pl|", "/play tada|");
});

const bold = (text: TextState) => wrap(text, "**");

test("wrapping puts marks around the selection and keeps it selected", () => {
  check(bold, "a ⟦word⟧ b", "a **⟦word⟧** b");
});

test("wrapping nothing leaves the caret between the marks", () => {
  check(bold, "a |", "a **|**");
});

test("wrapping takes marks away that stand around the selection or in it", () => {
  check(bold, "a **⟦word⟧** b", "a ⟦word⟧ b");
  check(bold, "a ⟦**word**⟧ b", "a ⟦word⟧ b");
  check(bold, "**|**", "|");
});

test("a single mark is not two", () => {
  check((text) => wrap(text, "_"), "⟦_⟧", "_⟦_⟧_");
  check(bold, "⟦***⟧", "**⟦***⟧**");
});

test("a mark on one side only is text", () => {
  check(bold, "**⟦word⟧ b", "****⟦word⟧** b");
});

const quote = (text: TextState) => prefix(text, () => "> ", /^> ?/);
const numbers = (text: TextState) => prefix(text, (index) => `${index + 1}. `, /^\d+\. /);

test("a prefix goes before the line of the caret", () => {
  check(quote, "one\ntw|o\nthree", "one\n> two|\nthree");
  check(quote, "|", "> |");
});

test("a prefix goes before every line that is selected, even in part", () => {
  check(numbers, "o⟦ne\ntwo\nth⟧ree", "⟦1. one\n2. two\n3. three⟧");
});

test("a selection that ends behind a line break leaves the next line alone", () => {
  check(quote, "⟦one\n⟧two", "> one|\ntwo");
});

test("a prefix that every line has is taken away", () => {
  check(quote, "⟦> one\n>two⟧", "⟦one\ntwo⟧");
  check(numbers, "1. on|e", "one|");
});

test("a prefix that some lines have is added to all", () => {
  check(quote, "⟦> one\ntwo⟧", "⟦> > one\n> two⟧");
});

test("a fence stands on lines of its own", () => {
  check(fence, "⟦let x;⟧", "```\n⟦let x;⟧\n```");
  check(fence, "see ⟦let x;⟧ there", "see \n```\n⟦let x;⟧\n```\n there");
  check(fence, "see\n⟦let x;⟧\nthere", "see\n```\n⟦let x;⟧\n```\nthere");
  check(fence, "|", "```\n|\n```");
});

test("a link asks for what is missing", () => {
  check(link, "|", "[|]()");
  check(link, "a ⟦word⟧ b", "a [word](|) b");
  check(link, "⟦https://example.com/a?b=c⟧", "[|](https://example.com/a?b=c)");
});

test("a link with its URL is complete", () => {
  check((text) => link(text, "https://example.com"), "a ⟦word⟧ b", "a [word](https://example.com)| b");
  check(
    (text) => link(text, "https://example.com"),
    "⟦https://example.org⟧",
    "[https://example.org](https://example.com)|",
  );
});

test("a URL is one web address and nothing else", () => {
  for (const url of ["http://a", "https://example.com/a_(b)#c"]) assert.ok(isUrl(url), url);
  for (const text of ["", "https://", "see https://a", "https://a b", "javascript:alert(1)", "ftp://a"])
    assert.ok(!isUrl(text), text);
});
