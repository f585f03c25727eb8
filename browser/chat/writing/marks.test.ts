import { test } from "node:test";
import type { TextState } from "./edits.ts";
import { wrap } from "./marks.ts";
import { check, checkBothWays } from "./marked-texts.test.ts";

const bold = (text: TextState) => wrap(text, "**");
const italic = (text: TextState) => wrap(text, "_");
const strike = (text: TextState) => wrap(text, "~~");

test("marks go around the selection, which stays selected, and away again", () => {
  checkBothWays(bold, "a ⟦word⟧ b", "a **⟦word⟧** b");
  checkBothWays(italic, "a ⟦word⟧ b", "a _⟦word⟧_ b");
  checkBothWays(strike, "a ⟦word⟧ b", "a ~~⟦word⟧~~ b");
  check(bold, "a ⟦**word**⟧ b", "a ⟦word⟧ b");
  check(italic, "a *⟦word⟧* b", "a ⟦word⟧ b");
  check(bold, "a __⟦word⟧__ b", "a ⟦word⟧ b");
});

test("without a selection the caret stands between the marks, and leaves those around it", () => {
  checkBothWays(bold, "a ¦", "a **¦**");
  checkBothWays(italic, "¦", "_¦_");
  checkBothWays(italic, "un¦word", "un*¦*word");
  check(bold, "**wo¦rd** b", "wo¦rd b");
  check(bold, "a ⟦ ⟧", "a  **¦**");
});

test("blanks at the edges stay outside of the marks", () => {
  for (const blank of [" ", "  ", "\u00a0", "\u3000", "\t"])
    check(bold, `a${blank}⟦word${blank}⟧b`, `a${blank}**⟦word⟧**${blank}b`);
  check(italic, "⟦ word ⟧", " _⟦word⟧_ ");
});

test("punctuation stays outside of the marks where they would be text beside it", () => {
  checkBothWays(bold, "これは⟦「重要」⟧です", "これは⟦「**重要**」⟧です");
  check(bold, 'say⟦"this"⟧now', 'say⟦"**this**"⟧now');
  check(bold, "a ⟦(b)⟧ c", "a **⟦(b)⟧** c");
  check(bold, "a ⟦b!⟧", "a **⟦b!⟧**");
  checkBothWays(bold, "⟦b!⟧now", "**⟦b**!⟧now");
  check(italic, "⟦🔥x⟧y", "*⟦🔥x⟧*y");
});

test("marks beside wide punctuation are marks, as the server has them", () => {
  check(bold, "これは**⟦「重要」⟧**です", "これは⟦「重要」⟧です");
  check(bold, "これは⟦**「重要」**⟧です", "これは⟦「重要」⟧です");
  check(bold, "**⟦重要。⟧**次", "⟦重要。⟧次");
  check(bold, "**注意：**⟦内容⟧", "**注意：⟦内容⟧**");
  check(strike, "は~~⟦「x」⟧~~です", "は⟦「x」⟧です");
  check(italic, "は*⟦（x）⟧*です", "は⟦（x）⟧です");
  check(bold, "は ** ⟦「x」⟧ ** です", "は ** **⟦「x」⟧** ** です");
});

test("code, links and other marks at the edges of a selection stay whole", () => {
  checkBothWays(bold, "これは⟦`c`⟧です", "これは**⟦`c`⟧**です");
  checkBothWays(bold, "これは⟦[l](https://a.example)⟧です", "これは**⟦[l](https://a.example)⟧**です");
  check(italic, "これは⟦[l](https://a.example)⟧です", "これは*⟦[l](https://a.example)⟧*です");
  check(bold, "これは⟦~~x~~⟧です", "これは⟦~~**x**~~⟧です");
  check(italic, "これは⟦_x_⟧です", "これは⟦_*x*_⟧です");
  for (const block of ["```\nx\n```", "~~~\nx\n~~~"]) {
    check(bold, `⟦${block}⟧`, undefined);
    check(bold, `a\n⟦${block}⟧\nb`, undefined);
  }
});

test("a part of a word is marked by marks that can stand in it", () => {
  checkBothWays(italic, "un⟦believ⟧able", "un*⟦believ⟧*able");
  checkBothWays(italic, "これは⟦重要⟧です", "これは*⟦重要⟧*です");
  checkBothWays(bold, "un⟦believ⟧able", "un**⟦believ⟧**able");
  checkBothWays(italic, "これは**⟦重要⟧**です", "これは***⟦重要⟧***です");
  checkBothWays(italic, "un**⟦believ⟧**able", "un***⟦believ⟧***able");
  checkBothWays(italic, "**⟦重要⟧**です", "***⟦重要⟧***です");
  checkBothWays(italic, "a **⟦b⟧** c", "a **_⟦b⟧_** c");
});

test("each line and each paragraph has marks of its own", () => {
  checkBothWays(bold, "⟦one\n\ntwo⟧", "⟦**one**\n\n**two**⟧");
  check(italic, "⟦- one\n- two⟧", "- ⟦_one_\n- _two_⟧");
  check(italic, "- ⟦_one_\n- _two_⟧", "- ⟦one\n- two⟧");
  check(bold, "o⟦ne\ntw⟧o", "⟦o**ne**\n**tw**o⟧");
  check(bold, "⟦> 1. one\n# two⟧", "> 1. ⟦**one**\n# **two**⟧");
  check(bold, "⟦one\n**two**⟧", "⟦**one**\n**two**⟧");
});

test("each cell of a table has marks of its own", () => {
  check(bold, "⟦| a | b |\n|---|---|\n| c | |⟧", "|⟦ **a** | **b** |\n|---|---|\n| **c** ⟧| |");
});

test("what is marked already is joined, and a part of it is taken out", () => {
  check(bold, "**a**⟦b⟧", "**a⟦b⟧**");
  check(bold, "⟦a **b** c⟧", "**⟦a b c⟧**");
  check(bold, "**⟦a⟧ b**", "⟦a⟧ **b**");
  check(bold, "**a ⟦b⟧ c**", "**a** ⟦b⟧ **c**");
  check(bold, "⟦**a** **b**⟧", "⟦a b⟧");
  checkBothWays(bold, "_⟦a⟧_", "_**⟦a⟧**_");
  check(italic, "***⟦a⟧***", "**⟦a⟧**");
  check(bold, "***⟦a⟧***", "*⟦a⟧*");
});

test("a mark that is text stays text", () => {
  check(bold, "**⟦word⟧ b", "\\*\\***⟦word⟧** b");
  check(bold, "⟦2**3⟧", "**⟦2\\*\\*3⟧**");
  check(italic, "⟦snake_case⟧", "_⟦snake_case⟧_");
  check(italic, "⟦_x⟧", "_⟦\\_x⟧_");
  check(bold, "⟦2 * 3⟧", "**⟦2 * 3⟧**");
  check(bold, "⟦`a**b`⟧ c", "**⟦`a**b`⟧** c");
  check(bold, "⟦https://a.example/**x⟧", "**⟦https://a.example/\\*\\*x⟧**");
  checkBothWays(bold, "⟦https://a.example/x⟧", "**⟦https://a.example/x⟧**");
  check(bold, "⟦a\\⟧ b", "**⟦a\\⟧\\** b");
});

test("in code there are no marks", () => {
  for (const edit of [bold, italic, strike]) {
    check(edit, "`a ⟦word⟧`", undefined);
    check(edit, "```\na ⟦word⟧\n```", undefined);
    check(edit, "```\n¦\n```", undefined);
  }
  check(bold, "⟦one\n```\ntwo\n```\nthree⟧", "⟦**one**\n```\ntwo\n```\n**three**⟧");
});
