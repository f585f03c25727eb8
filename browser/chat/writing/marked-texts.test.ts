// For the tests of edits: texts in which the selection is marked.

import assert from "node:assert/strict";
import type { Edit, TextState } from "./edits.ts";

/** A text whose selection stands between brackets, or whose caret is one bar. */
export function state(marked: string): TextState {
  const caret = marked.indexOf("¦");
  if (caret >= 0) return { value: marked.replace("¦", ""), start: caret, end: caret };
  const start = marked.indexOf("⟦");
  const end = marked.indexOf("⟧") - 1;
  assert.ok(start >= 0 && end >= start, marked);
  return { value: marked.replace(/[⟦⟧]/g, ""), start, end };
}

/** The text after the edit, marked alike. */
function edited({ value }: TextState, { from, to, text, select: [start, end] }: Edit): string {
  const result = value.slice(0, from) + text + value.slice(to);
  const [first, last] = [from + start, from + end];
  if (first === last) return `${result.slice(0, first)}¦${result.slice(first)}`;
  return `${result.slice(0, first)}⟦${result.slice(first, last)}⟧${result.slice(last)}`;
}

/** Checks what an edit makes of a text; `undefined` where it must leave the text alone. */
export function check(edit: (state: TextState) => Edit | undefined, before: string, after: string | undefined) {
  const made = edit(state(before));
  assert.equal(made && edited(state(before), made), after, before);
}

/** Checks that an edit makes one text of another, and that it takes itself back. */
export function checkBothWays(edit: (state: TextState) => Edit | undefined, before: string, after: string) {
  check(edit, before, after);
  check(edit, after, before);
}
