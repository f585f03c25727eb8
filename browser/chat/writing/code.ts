// Code in Markdown: where it is in a text, and the edits that make it. In code no mark is a mark, so other formats leave
// it alone.

import type { Edit, TextState } from "./edits.ts";

/** A stretch of code, with its marks and without. */
interface Code {
  readonly from: number;
  readonly to: number;
  readonly contentFrom: number;
  readonly contentTo: number;
}

/** What may stand before a fence: quotes and markers of lists. With its end on the same line it is none. */
const FENCE = /^(?: {0,3}(?:>|[-*+]|\d{1,9}[.)]) ?)* {0,3}(`{3,}(?=[^`]*$)|~{3,}(?!~|.*~~~))/;
const INDENTED = /^(?: {4}|\t)/;

const CLOSING = /^[\s>]*(`{3,}|~{3,})\s*$/;

/** The code blocks of a text, in order: between fences, and indented. A fence that is not closed reaches to the end. */
function blocksOf(value: string): Code[] {
  const found: Code[] = [];
  let open: { from: number; contentFrom: number; fence: string } | undefined;
  let at = 0;
  let isAfterBlank = true;
  let isInList = false;
  for (const line of value.split("\n")) {
    const next = Math.min(at + line.length + 1, value.length);
    const fence = FENCE.exec(line)?.[1];
    if (open) {
      if (CLOSING.exec(line)?.[1]?.startsWith(open.fence)) {
        found.push({ ...open, contentTo: Math.max(open.contentFrom, at - 1), to: at + line.length });
        open = undefined;
      }
    } else if (fence) {
      open = { from: at, contentFrom: next, fence };
    } else if (INDENTED.test(line) && !isInList && (isAfterBlank || found.at(-1)?.to === at - 1)) {
      found.push({ from: at, to: at + line.length, contentFrom: at, contentTo: at + line.length });
    } else if (/^\s*(?:[-*+]|\d{1,9}[.)]) /.test(line)) {
      isInList = true;
    } else if (line.trim() && !/^\s/.test(line)) {
      isInList = false;
    }
    isAfterBlank = !line.trim();
    at = next;
  }
  if (open) found.push({ ...open, contentTo: value.length, to: value.length });
  return found;
}

/** The block that the whole selection is in. */
function blockAround({ value, start, end }: TextState): Code | undefined {
  return blocksOf(value).find(({ contentFrom, contentTo }) => contentFrom <= start && end <= contentTo);
}

/** Whether the whole selection is in a code block. */
export function isInBlock(state: TextState): boolean {
  return blockAround(state) !== undefined;
}

/** For offsets: whether they are in a code block or in one of its fences. */
export function inBlocks(value: string): (offset: number) => boolean {
  const blocks = blocksOf(value);
  return (offset) => blocks.some(({ from, to }) => from <= offset && offset < Math.max(to, from + 1));
}

/** The code spans of the paragraph at an offset: no span reaches over a blank line. */
function spansAt(value: string, offset: number): Code[] {
  const before = value.slice(0, offset);
  const paragraph = before.length - (before.split(/\n[^\S\n]*\n/).at(-1) ?? "").length;
  const length = value.slice(paragraph).search(/\n[^\S\n]*\n/);
  const text = length < 0 ? value.slice(paragraph) : value.slice(paragraph, paragraph + length);
  return spansIn(text).map(([from, to, size]) => ({
    from: paragraph + from,
    to: paragraph + to,
    contentFrom: paragraph + from + size,
    contentTo: paragraph + to - size,
  }));
}

/** The code spans of a paragraph: where each begins and ends, and the length of its marks. */
export function spansIn(paragraph: string): [from: number, to: number, size: number][] {
  const spans: [number, number, number][] = [];
  // A backslash escapes a backtick outside of code only.
  for (const { 0: match, 1: mark, index } of paragraph.matchAll(/\\[\s\S]|(`+)(?!`)[\s\S]*?[^`]\1(?!`)|`+/g))
    if (mark) spans.push([index, index + match.length, mark.length]);
  return spans;
}

/** The code span that the whole selection is in. */
function spanAround({ value, start, end }: TextState): Code | undefined {
  return spansAt(value, start).find(({ contentFrom, contentTo }) => contentFrom <= start && end <= contentTo);
}

/** Whether the whole selection is in code. */
export function isInCode(state: TextState): boolean {
  return isInBlock(state) || spanAround(state) !== undefined;
}

/** Makes a code span of the selection, or text again of the span around it. Several lines become a code block. */
export function code(state: TextState): Edit | undefined {
  const { value, start, end } = state;
  if (isInBlock(state)) return undefined;
  const span = spanAround(state);
  if (span) return { from: span.from, to: span.to, ...unpadded(value.slice(span.contentFrom, span.contentTo)) };
  if (start === end) {
    if (value[start - 1] === "`" && value[end] === "`")
      return { from: start - 1, to: end + 1, text: "", select: [0, 0] };
    return { from: start, to: end, text: "``", select: [1, 1] };
  }
  const selected = value.slice(start, end);
  const whole = spansAt(value, start).find(({ from, to }) => from === start && to === end);
  if (whole) return { from: start, to: end, ...unpadded(value.slice(whole.contentFrom, whole.contentTo)) };
  if (selected.trim().includes("\n")) return fence(state);
  let [from, to] = trimmed(state);
  if (from === to) return { from: end, to: end, text: "``", select: [1, 1] };
  // A backtick beside the marks would become one of them. One that is the mark of another span is kept apart.
  const spans = spansAt(value, from);
  const gapBefore = spans.some((other) => other.to === from) ? " " : "";
  const gapAfter = spans.some((other) => other.from === to) ? " " : "";
  while (!gapBefore && value[from - 1] === "`") from -= 1;
  while (!gapAfter && value[to] === "`") to += 1;
  const content = value.slice(from, to);
  const mark = "`".repeat(longestRun(content, /`+/g) + 1);
  const pad = content.startsWith("`") || content.endsWith("`") ? " " : "";
  // A backslash before the mark would take its meaning away.
  const escape = isEscaped(value, from) ? "\\" : "";
  const before = gapBefore + escape + mark + pad;
  return {
    from,
    to,
    text: before + content + pad + mark + gapAfter,
    select: [before.length, before.length + content.length],
  };
}

/** The content of a span, without the blanks that keep its backticks from the marks. */
function unpadded(content: string): Pick<Edit, "text" | "select"> {
  const text = /^ .*[^ ].* $|^ [^ ] $/s.test(content) ? content.slice(1, -1) : content;
  return { text, select: [0, text.length] };
}

/** Makes a fenced code block of the selection, on lines of its own, or text again of the block around it. */
export function fence(state: TextState): Edit {
  const { value } = state;
  const block = blockAround(state);
  if (block && block.from < block.contentFrom) {
    const text = value.slice(block.contentFrom, block.contentTo);
    return { from: block.from, to: block.to, text, select: [0, text.length] };
  }
  const span = spanAround(state);
  const [start, end] = span ? [span.from, span.to] : [state.start, state.end];
  const content = span ? value.slice(span.contentFrom, span.contentTo) : value.slice(start, end);
  const lines = content.replace(/^\n/, "").replace(/\n$/, "");
  const marks = "`".repeat(Math.max(3, longestRun(lines, /^[\s>]*`+/gm) + 1));
  const before = start > 0 && value[start - 1] !== "\n" ? "\n" : "";
  const after = end < value.length && value[end] !== "\n" ? "\n" : "";
  const inside = before.length + marks.length + 1;
  const text = `${before}${marks}\n${lines}\n${marks}${after}`;
  return { from: start, to: end, text, select: [inside, inside + lines.length] };
}

/** The length of the longest run of backticks among the matches. */
function longestRun(text: string, pattern: RegExp): number {
  return Math.max(0, ...Array.from(text.matchAll(pattern), ([match]) => match.replace(/[^`]/g, "").length));
}

/** The selection without the blanks at its edges. */
export function trimmed({ value, start, end }: TextState): [from: number, to: number] {
  const selected = value.slice(start, end);
  const from = start + selected.length - selected.trimStart().length;
  return [from, Math.max(from, end - (selected.length - selected.trimEnd().length))];
}

/** Whether a backslash before this offset takes the meaning of the character there away. */
export function isEscaped(value: string, offset: number): boolean {
  return (/\\*$/.exec(value.slice(0, offset))?.[0].length ?? 0) % 2 === 1;
}
