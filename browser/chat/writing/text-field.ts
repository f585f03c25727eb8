// Changes to text fields that the browser's own undo takes back.

import type { Edit, TextState } from "./edits.ts";

export type TextField = HTMLInputElement | HTMLTextAreaElement;

/** The field's text and selection. */
export function stateOf(field: TextField): TextState {
  return { value: field.value, start: field.selectionStart ?? 0, end: field.selectionEnd ?? 0 };
}

/** Applies an edit as if typed: the field is focused and dispatches `input`, and Ctrl+Z takes the edit back. */
export function apply(field: TextField, { from, to, text, select: [start, end] }: Edit) {
  field.focus();
  field.setSelectionRange(from, to);
  // Deprecated, yet the only way into the undo history of a text field.
  const isTyped = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (!isTyped) {
    field.setRangeText(text, from, to, "end");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  field.setSelectionRange(from + start, from + end);
}
