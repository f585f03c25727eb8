// Keyboard shortcuts for formats in the composer's field.

import { closest } from "../../dom.ts";
import { isCompleting } from "../completions/list.ts";
import { formatOf } from "./formats.ts";
import { useTool } from "./toolbar.ts";

export function handleFormatKeys() {
  document.addEventListener(
    "keydown",
    (event) => {
      const field = closest<HTMLTextAreaElement>(event, ".composer textarea");
      if (!field || isCompleting(field)) return;
      const format = formatOf(event);
      // Without a selection these keys open the search.
      if (!format || (format === "link" && field.selectionStart === field.selectionEnd)) return;
      event.preventDefault();
      useTool(format, field);
    },
    // In the capture phase, as all keys of the composer: the WASM's own listener comes later.
    true,
  );
}
