// Links in Markdown.

import { isInCode, trimmed } from "./code.ts";
import type { Edit, TextState } from "./edits.ts";

/**
 * Makes a link of the selection. Without a `url`, a selected URL becomes the target and the caret stands where the text
 * goes; otherwise the caret stands where the URL goes, or the text if nothing is selected. In code there are no links:
 * nothing is changed.
 */
export function link(state: TextState, url = ""): Edit | undefined {
  if (isInCode(state)) return undefined;
  const { value } = state;
  const [from, to] = trimmed(state);
  const selected = value.slice(from, to);
  // After an exclamation mark it would be a picture.
  const isAfterBang = value[from - 1] === "!" && value[from - 2] !== "\\";
  const start = isAfterBang ? from - 1 : from;
  const before = isAfterBang ? "\\!" : "";
  if (!url && isUrl(selected)) {
    const text = `${before}[](${destination(selected)})`;
    return { from: start, to, text, select: [before.length + 1, before.length + 1] };
  }
  const words = label(selected);
  const text = `${before}[${words}](${url && destination(url)})`;
  const caret = url ? text.length : before.length + (words ? words.length + "[](".length : "[".length);
  return { from: start, to, text, select: [caret, caret] };
}

/** Whether the whole text is one web address. */
export function isUrl(text: string): boolean {
  return /^https?:\/\/\S+$/i.test(text);
}

/** Words as the text of a link: on one line, without links in it, and with brackets that do not end it. */
function label(words: string): string {
  const flat = words.replace(/\s*\n\s*/g, " ").replace(/!?\[((?:[^[\]\\]|\\.)*)\]\((?:[^()\\]|\\.)*\)/g, "$1");
  const isBalanced = isPaired(flat, "[", "]");
  return flat.replace(/\\$|\\.|[[\]]/gs, (part) => {
    if (part === "\\") return "\\\\";
    return part.length > 1 || isBalanced ? part : `\\${part}`;
  });
}

/** A URL as the target of a link: parentheses that have no partner would end it. */
function destination(url: string): string {
  const safe = url
    .replaceAll("\\", "%5C")
    .replaceAll("<", "%3C")
    .replaceAll(">", "%3E")
    .replace(/&(?=#?\w+;)/g, "&amp;");
  return isPaired(safe, "(", ")") ? safe : `<${safe}>`;
}

/** Whether every opening character has its closing one after it. */
function isPaired(text: string, opening: string, closing: string): boolean {
  let depth = 0;
  for (const [char] of text.matchAll(/\\.|./gs)) {
    if (char === opening) depth += 1;
    else if (char === closing) depth -= 1;
    if (depth < 0) return false;
  }
  return depth === 0;
}
