// The composer's toolbar. It is made here rather than rendered with the page, as its buttons only work with scripts.

import { closest, find } from "../../dom.ts";
import { showShortcuts } from "../shortcuts.ts";
import { saveSetting, setting } from "../settings.ts";
import { editFor, type Format } from "./formats.ts";
import { togglePreview } from "./preview.ts";
import { apply, stateOf } from "./text-field.ts";

type Tool = Format | "preview";

/** The tools in order: name, label, and icon as a path on a grid of 24 units. */
const tools: readonly (readonly [tool: Tool, label: string, icon: string])[] = [
  ["bold", "Bold (Ctrl+B)", "M7.5 4.5h5.5a3.6 3.6 0 0 1 0 7.2H7.5zM7.5 11.7h6.5a3.9 3.9 0 0 1 0 7.8H7.5z"],
  ["italic", "Italic (Ctrl+I)", "M10 4.5h7M7 19.5h7M13.7 4.5l-3.4 15"],
  [
    "strike",
    "Strikethrough (Ctrl+Shift+X)",
    "M4.5 12h15M16.5 7.5c-.7-1.8-2.3-3-4.5-3-2.5 0-4.5 1.4-4.5 3.6M7 16c.6 2.2 2.5 3.5 5 3.5 2.7 0 4.8-1.5 4.8-3.8",
  ],
  [
    "link",
    "Link (Ctrl+K)",
    "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  ],
  ["code", "Code (Ctrl+E)", "M8.5 7.5L4 12l4.5 4.5M15.5 7.5L20 12l-4.5 4.5"],
  ["block", "Code block (Ctrl+Shift+E)", "M4 5h16v14H4zM9.5 9.5L7 12l2.5 2.5M14.5 9.5L17 12l-2.5 2.5"],
  ["quote", "Quote (Ctrl+Shift+9)", "M5 5v14M9.5 8h10M9.5 12h10M9.5 16h6"],
  ["list", "List (Ctrl+Shift+8)", "M9.5 6.5h10M9.5 12h10M9.5 17.5h10M4.9 6.5h.1M4.9 12h.1M4.9 17.5h.1"],
  [
    "numbers",
    "Numbered list (Ctrl+Shift+7)",
    "M10.5 6.5h9M10.5 12h9M10.5 17.5h9M4.5 5l1.3-.7v4.5M4.2 15.7c.2-1.6 2.8-1.4 2.6.2-.1.9-1.8 1.7-2.6 2.8h2.8",
  ],
  [
    "preview",
    "Preview (Ctrl+Shift+H)",
    "M3 12c2-3.7 5-5.8 9-5.8s7 2.1 9 5.8c-2 3.7-5 5.8-9 5.8S5 15.7 3 12zM12 14.7a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4z",
  ],
];
const SHORTCUTS_ICON = "M9 9a3 3 0 1 1 4.3 2.7c-.9.4-1.3 1-1.3 2M12 17.5h.1";

/** Formats the selection of the field, or shows its preview. */
export function useTool(tool: Tool, field: HTMLTextAreaElement) {
  if (tool === "preview") return void togglePreview(field);
  const edit = editFor(tool, stateOf(field));
  if (edit) apply(field, edit);
  else field.focus();
}

/** Shows and hides the toolbar by the button beside the field. */
export function toggleToolbar() {
  document.addEventListener("click", (event) => {
    if (closest(event, ".composer__format")) showToolbar(!find(".composer--tools"));
  });
  // Pressing a tool must not take the focus from the field, and with it the selection.
  document.addEventListener("mousedown", (event) => {
    if (closest(event, ".composer__tools button, .composer__format, .completions")) event.preventDefault();
  });
}

/** Shows the toolbar in a composer that was just rendered, if it was shown before. */
export function restoreToolbar() {
  if (setting("tools") && !find(".composer--tools")) showToolbar(true);
}

function showToolbar(isShown: boolean) {
  find(".composer__tools")?.remove();
  if (isShown) find(".composer__row")?.before(toolbar());
  find(".composer")?.classList.toggle("composer--tools", isShown);
  find(".composer__format")?.setAttribute("aria-pressed", String(isShown));
  saveSetting("tools", isShown ? "shown" : "");
}

function toolbar(): HTMLElement {
  const bar = document.createElement("div");
  bar.className = "composer__tools";
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Formatting");
  for (const [tool, label, icon] of tools) {
    const press = () => {
      const field = bar.closest("form")?.querySelector("textarea");
      if (field) useTool(tool, field);
    };
    bar.append(button(label, icon, press));
  }
  bar.append(button("Shortcuts and sounds (?)", SHORTCUTS_ICON, showShortcuts));
  return bar;
}

function button(label: string, icon: string, press: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button--icon";
  button.title = label;
  button.setAttribute("aria-label", label);
  button.innerHTML = `<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="${icon}"/></svg>`;
  button.addEventListener("click", press);
  return button;
}
