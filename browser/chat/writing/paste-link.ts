// A URL pasted over selected text makes a link of the text.

import { target } from "../../dom.ts";
import { isUrl, link } from "./links.ts";
import { apply, stateOf } from "./text-field.ts";

export function pasteUrlsAsLinks() {
  document.addEventListener("paste", (event) => {
    const field = target<HTMLTextAreaElement>(event);
    if (!field?.matches(".composer textarea")) return;
    const state = stateOf(field);
    const selected = state.value.slice(state.start, state.end);
    const url = event.clipboardData?.getData("text/plain").trim() ?? "";
    // A URL over a URL replaces it, as everywhere, and so does one over paragraphs, which no link holds.
    if (!selected.trim() || !isUrl(url) || isUrl(selected.trim()) || /\n\s*\n/.test(selected)) return;
    const edit = link(state, url);
    // In code it replaces the selection.
    if (!edit) return;
    event.preventDefault();
    apply(field, edit);
  });
}
