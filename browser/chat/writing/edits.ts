// What formatting changes in a text: pure functions from a text and its selection to an edit. `text-field.ts` applies
// it.

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

/** Puts a mark like `**` around the selection, or takes it away where it is, inside the selection or around it. */
export function wrap({ value, start, end }: TextState, mark: string): Edit {
  const selected = value.slice(start, end);
  const size = mark.length;
  if (selected.length >= 2 * size && selected.startsWith(mark) && selected.endsWith(mark)) {
    const inner = selected.slice(size, -size);
    return { from: start, to: end, text: inner, select: [0, inner.length] };
  }
  if (value.slice(start - size, start) === mark && value.slice(end, end + size) === mark) {
    return { from: start - size, to: end + size, text: selected, select: [0, selected.length] };
  }
  return { from: start, to: end, text: mark + selected + mark, select: [size, size + selected.length] };
}

/**
 * Puts a prefix before every selected line, or takes it away where every line has one.
 *
 * @param make The prefix of the line with this index.
 * @param pattern Matches an existing prefix.
 */
export function prefix({ value, start, end }: TextState, make: (index: number) => string, pattern: RegExp): Edit {
  const from = value.lastIndexOf("\n", start - 1) + 1;
  // A selection that ends behind a line break does not reach into the next line.
  const lineEnd = value.indexOf("\n", Math.max(end - 1, from));
  const to = lineEnd < 0 ? value.length : lineEnd;
  const lines = value.slice(from, to).split("\n");
  const isPrefixed = lines.every((line) => pattern.test(line));
  const text = lines.map((line, index) => (isPrefixed ? line.replace(pattern, "") : make(index) + line)).join("\n");
  return lines.length > 1 ? { from, to, text, select: [0, text.length] } : replacement(from, to, text);
}

/** Makes a fenced code block of the selection, on lines of its own. */
export function fence({ value, start, end }: TextState): Edit {
  const before = start > 0 && value[start - 1] !== "\n" ? "\n" : "";
  const after = end < value.length && value[end] !== "\n" ? "\n" : "";
  const text = `${before}\`\`\`\n${value.slice(start, end)}\n\`\`\`${after}`;
  const inside = before.length + "```\n".length;
  return { from: start, to: end, text, select: [inside, inside + end - start] };
}

/**
 * Makes a link of the selection. Without a `url`, a selected URL becomes the target and the caret stands where the text
 * goes; otherwise the caret stands where the URL goes, or the text if nothing is selected.
 */
export function link({ value, start, end }: TextState, url = ""): Edit {
  const selected = value.slice(start, end);
  if (!url && isUrl(selected)) return { from: start, to: end, text: `[](${selected})`, select: [1, 1] };
  const text = `[${selected}](${url})`;
  if (url) return replacement(start, end, text);
  const caret = selected ? selected.length + "[](".length : "[".length;
  return { from: start, to: end, text, select: [caret, caret] };
}

/** Whether the whole text is one web address. */
export function isUrl(text: string): boolean {
  return /^https?:\/\/\S+$/.test(text);
}
