// The formats of the composer: what each does to the text, and its keyboard shortcut.

import { type Edit, fence, link, prefix, type TextState, wrap } from "./edits.ts";

export type Format = "bold" | "italic" | "strike" | "link" | "code" | "block" | "quote" | "list" | "numbers";

const edits: Record<Format, (state: TextState) => Edit> = {
  bold: (state) => wrap(state, "**"),
  italic: (state) => wrap(state, "_"),
  strike: (state) => wrap(state, "~~"),
  code: (state) => wrap(state, "`"),
  link: (state) => link(state),
  block: fence,
  quote: (state) => prefix(state, () => "> ", /^> ?/),
  list: (state) => prefix(state, () => "- ", /^[-*] /),
  numbers: (state) => prefix(state, (index) => `${index + 1}. `, /^\d+\. /),
};

/** The edit that gives the selection this format, or takes it away. */
export function editFor(format: Format, state: TextState): Edit {
  return edits[format](state);
}

/** By the letter that is pressed with Ctrl or Cmd; a capital stands for Shift. */
const letters = new Map<string, Format | "preview">([
  ["b", "bold"],
  ["i", "italic"],
  ["k", "link"],
  ["e", "code"],
  ["X", "strike"],
  ["E", "block"],
  ["P", "preview"],
]);

/** By the key's place, with Shift: the character of a digit with Shift differs between keyboards. */
const digits = new Map<string, Format>([
  ["Digit7", "numbers"],
  ["Digit8", "list"],
  ["Digit9", "quote"],
]);

type Keys = Pick<KeyboardEvent, "key" | "code" | "altKey" | "ctrlKey" | "metaKey" | "shiftKey">;

/** The format, or the preview, that these keys ask for. */
export function formatOf({ key, code, altKey, ctrlKey, metaKey, shiftKey }: Keys): Format | "preview" | undefined {
  if (!(ctrlKey || metaKey) || altKey) return undefined;
  return (shiftKey ? digits.get(code) : undefined) ?? letters.get(shiftKey ? key.toUpperCase() : key.toLowerCase());
}
