// The formats of the composer: what each does to the text, and its keyboard shortcut.

import { latinKey } from "../../keyboard.ts";
import { code, fence } from "./code.ts";
import { type Edit, list, numbers, quote, type TextState } from "./edits.ts";
import { link } from "./links.ts";
import { wrap } from "./marks.ts";

export type Format = "bold" | "italic" | "strike" | "link" | "code" | "block" | "quote" | "list" | "numbers";

const edits: Record<Format, (state: TextState) => Edit | undefined> = {
  bold: (state) => wrap(state, "**"),
  italic: (state) => wrap(state, "_"),
  strike: (state) => wrap(state, "~~"),
  code,
  link: (state) => link(state),
  block: fence,
  quote,
  list,
  numbers,
};

/** The edit that gives the selection this format, or takes it away; `undefined` where the format cannot be, as in code. */
export function editFor(format: Format, state: TextState): Edit | undefined {
  return edits[format](state);
}

/**
 * By the letter that is pressed with Ctrl or Cmd; a capital stands for Shift. Browsers keep a few combinations for
 * themselves, which a page cannot have: Chromium and Safari N, T, W, Q and, with Shift, N, T, W; Firefox these and P with
 * Shift.
 */
const letters = new Map<string, Format | "preview">([
  ["b", "bold"],
  ["i", "italic"],
  ["k", "link"],
  ["e", "code"],
  ["X", "strike"],
  ["E", "block"],
  ["H", "preview"],
]);

/** By the key's place, with Shift: the character of a digit with Shift differs between keyboards. */
const digits = new Map<string, Format>([
  ["Digit7", "numbers"],
  ["Digit8", "list"],
  ["Digit9", "quote"],
]);

type Keys = Pick<KeyboardEvent, "key" | "code" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey">;

/** The format, or the preview, that these keys ask for. */
export function formatOf(keys: Keys): Format | "preview" | undefined {
  if (!(keys.ctrlKey || keys.metaKey) || keys.altKey) return undefined;
  const key = latinKey(keys);
  if (!keys.shiftKey) return letters.get(key.toLowerCase());
  return digits.get(keys.code) ?? letters.get(key.toUpperCase());
}
