// The list of keyboard shortcuts is the WASM's (`app/src/components/shortcuts.rs`); here is what asks for it.

import { PageEvent } from "../names.ts";

export function showShortcuts() {
  document.dispatchEvent(new CustomEvent(PageEvent.ShortcutsWanted));
}
