import { test } from "node:test";
import { code, fence, isInCode } from "./code.ts";
import { check, checkBothWays, state } from "./marked-texts.test.ts";
import assert from "node:assert/strict";

test("code goes around the selection, and away again", () => {
  checkBothWays(code, "a ⟦word⟧ b", "a `⟦word⟧` b");
  check(code, "a ⟦`word`⟧ b", "a ⟦word⟧ b");
  check(code, "a `w⟦or⟧d` b", "a ⟦word⟧ b");
  checkBothWays(code, "a ¦", "a `¦`");
  check(code, "a ⟦  word ⟧b", "a   `⟦word⟧` b");
  check(code, "a ⟦  ⟧", "a   `¦`");
});

test("code with backticks in it has longer marks", () => {
  checkBothWays(code, "⟦a`b⟧", "``⟦a`b⟧``");
  checkBothWays(code, "⟦`⟧", "`` ⟦`⟧ ``");
  checkBothWays(code, "⟦a``⟧", "``` ⟦a``⟧ ```");
  check(code, "a`⟦b⟧", "a`` ⟦`b⟧ ``");
  check(code, "`a`⟦b⟧", "`a` `⟦b⟧`");
  check(code, "\\⟦b⟧", "\\\\`⟦b⟧`");
});

test("several lines of code become a block", () => {
  check(code, "⟦a\n  b⟧", "```\n⟦a\n  b⟧\n```");
  check(code, "⟦a\n\nb⟧", "```\n⟦a\n\nb⟧\n```");
  check(code, "⟦a\n⟧b", "`⟦a⟧`\nb");
});

test("a fence stands on lines of its own, and is taken away again", () => {
  checkBothWays(fence, "⟦let x;⟧", "```\n⟦let x;⟧\n```");
  check(fence, "see ⟦let x;⟧ there", "see \n```\n⟦let x;⟧\n```\n there");
  check(fence, "see\n⟦let x;⟧\nthere", "see\n```\n⟦let x;⟧\n```\nthere");
  check(fence, "⟦let x;\n⟧there", "```\n⟦let x;⟧\n```\nthere");
  check(fence, "¦", "```\n¦\n```");
  check(fence, "a `x ⟦y⟧` b", "a \n```\n⟦x y⟧\n```\n b");
  check(fence, "~~~ rust\na\n⟦b⟧\n~~~\nc", "⟦a\nb⟧\nc");
  check(fence, "~~~a~~~\n⟦b⟧", "~~~a~~~\n```\n⟦b⟧\n```");
});

test("a fence around a fence is longer", () => {
  checkBothWays(fence, "⟦```\na\n```⟧", "````\n⟦```\na\n```⟧\n````");
  check(fence, "⟦> ````\n> a⟧", "`````\n⟦> ````\n> a⟧\n`````");
  check(fence, "⟦a ``` b⟧", "```\n⟦a ``` b⟧\n```");
});

test("code is known wherever it is", () => {
  for (const text of [
    "```\n⟦a⟧\n```",
    "```\n⟦a⟧",
    "~~~\n```\n⟦a⟧\n~~~",
    "````\n```\n⟦a⟧",
    "> ```\n> ⟦a⟧\n> ```",
    "1. ```\n   ⟦a⟧",
    "```js\n⟦a⟧",
    "words\n\n    ⟦a⟧",
    "\t⟦a⟧",
    "`⟦a⟧`",
    "x `a\n⟦b⟧` y",
    "``a ` ⟦b⟧``",
    "\\\\`⟦a⟧`",
  ])
    assert.ok(isInCode(state(text)), text);
  for (const text of [
    "⟦a⟧",
    "```\na\n```\n⟦b⟧",
    "~~~ x ~~~\n⟦b⟧",
    "~~~ x\n~~~\n⟦b⟧",
    "`a` ⟦b⟧ `c`",
    "`a\n\n⟦b⟧`",
    "\\`⟦a⟧`",
    "``⟦a⟧`",
    "```a```\n⟦b⟧",
    "- item\n\n    ⟦a⟧",
    "words\n    ⟦a⟧",
  ])
    assert.ok(!isInCode(state(text)), text);
});
