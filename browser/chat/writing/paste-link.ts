// A URL pasted over selected text makes a link of the text.

import { target } from "../../dom.ts";
import { isUrl, link } from "./edits.ts";
import { apply, stateOf } from "./text-field.ts";

export function pasteUrlsAsLinks() {
  document.addEventListener("paste", (event) => {
    const field = target<HTMLTextAreaElement>(event);
    if (!field?.matches(".composer textarea")) return;
    const state = stateOf(field);
    const selected = state.value.slice(state.start, state.end);
    const url = event.clipboardData?.getData("text/plain").trim() ?? "";
    // A URL over a URL replaces it, as everywhere.
    if (!selected || !isUrl(url) || isUrl(selected)) return;
    event.preventDefault();
    apply(field, link(state, url));
  });
}
