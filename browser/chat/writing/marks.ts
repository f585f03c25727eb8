// Bold, italic and strikethrough: marks around words. By the rules of CommonMark a mark beside a blank is text, and so is
// one between a letter and punctuation, a `_` inside a word, and one that should reach over a blank line. Beside wide
// characters our server takes marks between letters and punctuation, too: they are read here, and not written.
//
// Each line, and each cell of a table, is taken apart into its text without the marks and the ranges that they mark. The
// selection is added to these ranges or taken out of them, and the line is written anew.

import { UNSPACED } from "../completions/names.ts";
import { inBlocks, isEscaped, isInCode, spansIn, trimmed } from "./code.ts";
import type { Edit, TextState } from "./edits.ts";

export type Mark = "**" | "_" | "~~";

/** A stretch of a text, as offsets. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** What is marked, and by which marks; `undefined` for marks that are still to be chosen. */
interface MarkedRange extends Range {
  readonly used: string | undefined;
}

/** A line or a cell, taken apart. */
interface Part {
  /** Its place in the whole text. */
  readonly from: number;
  readonly to: number;
  /** Its text without the marks. */
  readonly text: string;
  readonly marked: readonly MarkedRange[];
  /** Where the text has the character of a mark that is none. A new mark beside it would not be one either. */
  readonly literals: readonly Range[];
  /** What is selected of the text, without blanks at its edges. */
  readonly selected: Range;
}

/** Characters of scripts without blanks, and their punctuation: `is_wide` of `src/richtext/scripts.rs`. */
const WIDE = new RegExp(`[${UNSPACED}\\u3000-\\u303f\\ufe30-\\ufe4f\\uff00-\\uffef]`, "u");

/** What stands before the words of a line: quotes, markers of lists, headings. */
const LINE_PREFIX = /^\s*(?:(?:>|[-*+] |\d{1,9}[.)] |#{1,6} )\s*)*/;

/**
 * Marks the selected words, or takes the mark away where all of them have it. In code there are no marks: nothing is
 * changed.
 */
export function wrap(state: TextState, mark: Mark): Edit | undefined {
  const { value, start, end } = state;
  if (isInCode(state)) return undefined;
  const all = partsOf(state, mark);
  const parts = all.filter(({ selected }) => selected.from < selected.to);
  // A code block alone has nothing to mark.
  if (parts.length === 0) return value.slice(start, end).trim() ? undefined : wrapNothing(value, end, mark, all[0]);
  const isRemoval = parts.every(isMarked);
  const written = parts.map((part) => write(value, part, isRemoval ? without(part) : withSelection(part), mark));
  const [first, last] = [parts[0], parts.at(-1)];
  if (!first || !last) return undefined;
  let text = "";
  let at = first.from;
  for (const [index, part] of parts.entries()) {
    text += value.slice(at, part.from) + (written[index]?.text ?? "");
    at = part.to;
  }
  const [from, to] = written[0]?.select ?? [0, 0];
  return { from: first.from, to: last.to, text, select: parts.length > 1 ? [0, text.length] : [from, to] };
}

/** Without a selection: takes away the marks around the caret, or puts it between two new ones. */
function wrapNothing(value: string, at: number, mark: Mark, part: Part | undefined): Edit {
  for (const char of charsOf(mark)) {
    const size = mark.length;
    const before = /(.)\1*$/s.exec(value.slice(0, at))?.[0] ?? "";
    const after = /^(.)\1*/s.exec(value.slice(at))?.[0] ?? "";
    if (before[0] === char && before === after && isMark(mark, before))
      return { from: at - size, to: at + size, text: "", select: [0, 0] };
  }
  const around = part?.marked.find(({ from, to }) => from <= part.selected.from && part.selected.from <= to);
  if (part && around)
    return write(
      value,
      part,
      part.marked.filter((range) => range !== around),
      mark,
    );
  const isInWord = mark === "_" && (isWord(charBefore(value, at)) || isWord(charAfter(value, at)));
  const used = isInWord ? "*" : mark;
  return { from: at, to: at, text: used + used, select: [used.length, used.length] };
}

/** The selected lines and cells, without those of code blocks. */
function partsOf({ value, start, end }: TextState, mark: Mark): Part[] {
  const parts: Part[] = [];
  const isOfBlock = inBlocks(value);
  let from = value.lastIndexOf("\n", start - 1) + 1;
  const found = value.indexOf("\n", end);
  for (const line of value.slice(from, found < 0 ? value.length : found).split("\n")) {
    const words = from + (LINE_PREFIX.exec(line)?.[0].length ?? 0);
    const to = from + line.length;
    const isRow = /^\s*\|/.test(line);
    const cells = isRow ? line.matchAll(/(?:[^|\\]|\\.)+/g) : [{ 0: value.slice(words, to), index: words - from }];
    for (const { 0: cell, index } of (isRow && /^[\s|:-]+$/.test(line)) || isOfBlock(from) ? [] : cells) {
      const cellFrom = from + index;
      if (start <= cellFrom + cell.length && cellFrom <= end) parts.push(partOf(cell, cellFrom, start, end, mark));
    }
    from = to + 1;
  }
  return parts;
}

/** Takes a line or a cell apart, which begins at `from`. */
function partOf(cell: string, from: number, start: number, end: number, mark: Mark): Part {
  const { pairs, literals } = scan(cell, mark);
  const cuts = pairs.flatMap(({ from, to, used }) => [
    { from: from - used.length, to: from },
    { from: to, to: to + used.length },
  ]);
  cuts.sort((a, b) => a.from - b.from);
  /** An offset in the cell as one in the text without marks. */
  const mapped = (offset: number) =>
    offset - cuts.reduce((sum, cut) => sum + Math.max(0, Math.min(offset, cut.to) - cut.from), 0);
  let text = "";
  let at = 0;
  for (const cut of cuts) {
    text += cell.slice(at, cut.from);
    at = cut.to;
  }
  text += cell.slice(at);
  const inCell = (offset: number) => mapped(Math.max(0, Math.min(offset - from, cell.length)));
  const [selectedFrom, selectedTo] = trimmed({ value: text, start: inCell(start), end: inCell(end) });
  return {
    from,
    to: from + cell.length,
    text,
    marked: pairs.map(({ from, to, used }) => ({ from: mapped(from), to: mapped(to), used })),
    literals: literals.map(({ from, to }) => ({ from: mapped(from), to: mapped(to) })),
    selected: { from: selectedFrom, to: selectedTo },
  };
}

/** The characters that make a mark. */
function charsOf(mark: Mark): readonly string[] {
  return mark === "~~" ? ["~"] : ["*", "_"];
}

/** Whether a run of a mark's character is, or contains, the mark: three are bold and italic. */
function isMark(mark: Mark, run: string): boolean {
  if (mark === "_") return run.length === 1 || run.length === 3;
  return run.length === 2 || (mark === "**" && run.length === 3);
}

/**
 * The marks of a line in pairs, by the words between them, and the runs of their characters that are none. Code, web
 * addresses and escaped characters hold no marks.
 */
function scan(line: string, mark: Mark): { pairs: (Range & { used: string })[]; literals: Range[] } {
  const spans = spansIn(line);
  const pairs: (Range & { used: string })[] = [];
  const literals: Range[] = [];
  for (const char of charsOf(mark)) {
    const open = new Map<Mark, { run: string; at: number }>();
    for (const { 0: run, index: at } of line.matchAll(/\\.|https?:\/\/[^\s*]*[^\s*_~]|(.)\1*/gsu)) {
      if (run[0] !== char || spans.some(([from, to]) => from <= at && at < to)) continue;
      const [before, after] = [charBefore(line, at), charAfter(line, at + run.length)];
      const isFree = char !== "_" && (WIDE.test(before) || WIDE.test(after));
      const opens = isFree ? !isSpace(after) : isMarkBetween(before, after, char);
      const closes = isFree ? !isSpace(before) : isMarkBetween(after, before, char);
      let isUsed = false;
      for (const kind of ["**", "_", "~~"] as const) {
        if (!isMark(kind, run) || (kind === "~~") !== (char === "~")) continue;
        const opening = open.get(kind);
        if (closes && opening) {
          open.delete(kind);
          isUsed = true;
          if (kind === mark)
            pairs.push({ from: opening.at + opening.run.length, to: at, used: char.repeat(mark.length) });
        } else if (opens) {
          open.set(kind, { run, at });
          isUsed = true;
        }
      }
      const isAlone = (/\s/.test(before) && /\s/.test(after)) || (char === "_" && isWord(before) && isWord(after));
      if (!isUsed && !isAlone) literals.push({ from: at, to: at + run.length });
    }
    // What was opened and never closed is text.
    for (const { run, at } of open.values()) literals.push({ from: at, to: at + run.length });
  }
  return { pairs: pairs.sort((a, b) => a.from - b.from), literals };
}

/** Whether every selected word is marked; without words, every character. */
function isMarked({ text, marked, selected }: Part): boolean {
  const offsets = Array.from({ length: selected.to - selected.from }, (_, index) => selected.from + index);
  const words = offsets.filter((at) => isWord(text[at] ?? ""));
  return (words.length > 0 ? words : offsets).every((at) => marked.some(({ from, to }) => from <= at && at < to));
}

/** The ranges with the selection in them. What touches becomes one. */
function withSelection({ marked, selected }: Part): MarkedRange[] {
  const isApart = (range: Range) => range.to < selected.from || selected.to < range.from;
  const touching = marked.filter((range) => !isApart(range));
  const from = Math.min(selected.from, ...touching.map((range) => range.from));
  const to = Math.max(selected.to, ...touching.map((range) => range.to));
  return [...marked.filter(isApart), { from, to, used: undefined }].sort((a, b) => a.from - b.from);
}

/** The ranges without the selection. */
function without({ marked, selected }: Part): MarkedRange[] {
  return marked.flatMap((range) => {
    if (range.to <= selected.from || selected.to <= range.from) return [range];
    const rest = [
      { from: range.from, to: selected.from, used: undefined },
      { from: selected.to, to: range.to, used: undefined },
    ];
    return rest.filter(({ from, to }) => from < to);
  });
}

/** Writes a part with marks around these ranges; what was selected is selected again. */
function write(value: string, part: Part, ranges: readonly MarkedRange[], mark: Mark): Edit {
  const { text, selected } = part;
  const whole = value.slice(0, part.from) + text + value.slice(part.to);
  const written = ranges.map((range) => {
    if (range.used) return { ...range, used: range.used, isNew: false };
    const { from, to } = markable(whole, part.from, text, range);
    const used = markFor(mark, whole.slice(0, part.from + from), whole.slice(part.from + to));
    return { from, to, used, isNew: true };
  });
  const escaped = part.literals.filter((literal) =>
    written.some(
      ({ from, to, used, isNew }) =>
        isNew && from <= literal.to && literal.from <= to && text[literal.from] === used[0],
    ),
  );
  let output = "";
  let at = 0;
  let select: [number, number] = [0, 0];
  const copyTo = (offset: number) => {
    for (; at < offset; at++) {
      if (at === selected.from) select = [output.length, output.length];
      if (escaped.some(({ from, to }) => from <= at && at < to)) output += "\\";
      output += text[at] ?? "";
      if (at + 1 === selected.to) select = [select[0], output.length];
    }
  };
  for (const { from, to, used } of written) {
    if (from >= to) continue;
    copyTo(from);
    // Backslashes at the edges would take the meaning of the marks away.
    output += (isEscaped(text, from) ? "\\" : "") + used;
    copyTo(to);
    output += (isEscaped(text, to) ? "\\" : "") + used;
  }
  copyTo(text.length);
  if (selected.from === text.length) select = [output.length, output.length];
  if (selected.from === selected.to) select = [select[0], select[0]];
  return { from: part.from, to: part.to, text: output, select };
}

/** The marks between these texts: a `_` inside a word would be text, and so would one in the marks of a part of a word. */
function markFor(mark: Mark, before: string, after: string): string {
  const [outer, inner] = [before.replace(/[*_~]+$/, ""), after.replace(/^[*_~]+/, "")];
  const isInWord = isWord(charBefore(outer, outer.length)) || isWord(charAfter(inner, 0));
  return mark === "_" && isInWord ? "*" : mark;
}

/** Links, beside code what marks must not reach into. */
const LINK = /!?\[(?:[^[\]\\]|\\.)*\]\([^()\s]*\)/g;

/**
 * A range without the blanks and the punctuation at its edges that would keep marks from being marks. Other marks at the
 * edges are left out as a whole, and code and links stay in it: beside wide characters marks around them are marks.
 */
function markable(whole: string, offset: number, text: string, range: Range): Range {
  const [trimmedFrom, trimmedTo] = trimmed({ value: text, start: range.from, end: range.to });
  let [from, to] = [trimmedFrom, trimmedTo];
  const links = Array.from(text.matchAll(LINK), ({ 0: link, index }) => [index, index + link.length]);
  const spans = [...spansIn(text), ...links];
  const [starts, ends] = [spans.map(([at]) => at), spans.map(([, at]) => at)];
  while (from < to && !starts.includes(from) && !isMarkBetween(charBefore(whole, offset + from), charAfter(text, from)))
    from += (/^([*_~])\1*/.exec(text.slice(from, to))?.[0] ?? charAfter(text, from)).length;
  while (from < to && !ends.includes(to) && !isMarkBetween(charAfter(whole, offset + to), charBefore(text, to)))
    to -= (/([*_~])\1*$/.exec(text.slice(from, to))?.[0] ?? charBefore(text, to)).length;
  // Nothing but punctuation: the marks are where they were wanted.
  return from < to ? { from, to } : { from: trimmedFrom, to: trimmedTo };
}

/** Whether a mark can stand between the character outside and the one inside of it; a `_` does not in a word. */
function isMarkBetween(outside: string, inside: string, char = "*"): boolean {
  if (isSpace(inside) || (char === "_" && isWord(outside))) return false;
  return !isPunctuation(inside) || isSpace(outside) || isPunctuation(outside);
}

const isSpace = (char: string) => char === "" || /\s/.test(char);
const isPunctuation = (char: string) => /[\p{P}\p{S}]/u.test(char);
const isWord = (char: string) => !isSpace(char) && !isPunctuation(char);

/** The character that ends before this offset; empty at the beginning. */
function charBefore(value: string, offset: number): string {
  return Array.from(value.slice(Math.max(0, offset - 2), offset)).at(-1) ?? "";
}

/** The character that begins at this offset; empty at the end. */
function charAfter(value: string, offset: number): string {
  return Array.from(value.slice(offset, offset + 2))[0] ?? "";
}
