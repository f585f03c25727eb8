// An edit of a text field's text, and the edits of whole lines. Pure functions, as those of `marks.ts`, `code.ts` and
// `links.ts`; `text-field.ts` applies them.

import { isInBlock } from "./code.ts";

/** A text and what is selected in it, as offsets in UTF-16 units; `start` equals `end` where only the caret stands. */
export interface TextState {
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** Puts `text` in place of what stands from `from` to `to`, and then selects a part of it. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
  /** What is selected afterwards, as offsets in `text`. */
  readonly select: readonly [start: number, end: number];
}

/** An edit after which the caret stands at the end of the new text. */
export function replacement(from: number, to: number, text: string): Edit {
  return { from, to, text, select: [text.length, text.length] };
}

const ITEM = /^(\s*)(?:[-*+]|\d{1,9}[.)]) /;
const BULLET = /^(\s*)[-*+] /;
const NUMBER = /^(\s*)\d{1,9}[.)] /;

/** Quotes the selected lines, or takes the quote away where every line has one. */
export function quote(state: TextState): Edit | undefined {
  return changeLines(state, (lines) =>
    lines.every((line) => line.startsWith(">"))
      ? lines.map((line) => line.replace(/^> ?/, ""))
      : lines.map((line) => `> ${line}`),
  );
}

/** Makes the selected lines items of a list, or text again where every line is one. */
export function list(state: TextState): Edit | undefined {
  return changeLines(state, (lines) => itemise(lines, BULLET, () => "-"));
}

/** The same for a numbered list. */
export function numbers(state: TextState): Edit | undefined {
  return changeLines(state, (lines) => itemise(lines, NUMBER, (index) => `${index + 1}.`));
}

/** Blank lines between others stay blank: items there would be empty. */
function itemise(lines: readonly string[], pattern: RegExp, marker: (index: number) => string): string[] {
  const isAlone = lines.length === 1;
  const isItem = (line: string) => pattern.test(line) || (!line.trim() && !isAlone);
  if (lines.some((line) => line.trim()) && lines.every(isItem)) return lines.map((line) => line.replace(pattern, "$1"));
  let count = 0;
  return lines.map((line) => {
    if (!line.trim() && !isAlone) return line;
    // An item of the other kind of list changes its kind.
    const [, indent = "", text = ""] = /^(\s*)(.*)$/s.exec(line.replace(ITEM, "$1")) ?? [];
    return `${indent}${marker(count++)} ${text}`;
  });
}

/** Changes the lines that are selected, even in part. Lines of code are left alone. */
function changeLines(state: TextState, change: (lines: string[]) => string[]): Edit | undefined {
  const { value, start, end } = state;
  if (isInBlock(state)) return undefined;
  const from = value.lastIndexOf("\n", start - 1) + 1;
  // A selection that ends behind a line break does not reach into the next line.
  const lineEnd = value.indexOf("\n", Math.max(end - 1, from));
  const to = lineEnd < 0 ? value.length : lineEnd;
  const lines = value.slice(from, to).split("\n");
  const text = change(lines).join("\n");
  return lines.length > 1 ? { from, to, text, select: [0, text.length] } : replacement(from, to, text);
}
