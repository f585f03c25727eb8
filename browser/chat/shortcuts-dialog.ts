// The dialog that lists the keyboard shortcuts, with switches for single keys and for sounds.

import { find } from "../dom.ts";
import { saveSetting, setting } from "./settings.ts";

const SHORTCUTS: readonly (readonly [keys: string, action: string])[] = [
  ["Enter", "send"],
  ["Shift+Enter", "new line"],
  ["↑ in an empty field", "edit your last message"],
  ["Ctrl+B, I, E, K", "bold, italic, code, link"],
  ["@", "mention somebody"],
  ["/play", "play a sound"],
  ["↑ ↓ Home End", "move among messages"],
  ["Enter on a message", "open its menu"],
  ["R, E, B on a message", "reply, edit, boost"],
  ["/", "search"],
  ["Esc", "close, or go back to writing"],
  ["?", "this list"],
];

export function showShortcuts() {
  const dialog = document.createElement("dialog");
  dialog.className = "keys";
  dialog.setAttribute("aria-label", "Keyboard shortcuts");
  const lines = SHORTCUTS.map(([keys, action]) => `<div><dt><kbd>${keys}</kbd></dt><dd>${action}</dd></div>`);
  dialog.innerHTML =
    `<h2>Keyboard shortcuts</h2><dl>${lines.join("")}</dl>` +
    '<label class="switch"><input type="checkbox" name="keys"> Shortcuts of single keys</label>' +
    '<label class="switch"><input type="checkbox" name="sounds"> Play sounds as they come</label>' +
    '<form method="dialog"><button class="button">Close</button></form>';
  for (const name of ["keys", "sounds"] as const) {
    const box = find<HTMLInputElement>(`[name=${name}]`, dialog);
    if (!box) continue;
    box.checked = setting(name) !== "off";
    box.addEventListener("change", () => saveSetting(name, box.checked ? "on" : "off"));
  }
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
