// Forms that are submitted without a press of their button: by a change, by Ctrl+Enter, or as soon as the page is
// there.

import { closest, find, findAll, target } from "../dom.ts";
import { isComposing } from "../keyboard.ts";
import { Attribute } from "../names.ts";

export function submitOnChangeAndCtrlEnter() {
  document.addEventListener("change", (event) => {
    const field = target<HTMLInputElement | HTMLSelectElement>(event);
    if (field?.name === "theme") showTheme(field.value);
    if (field?.hasAttribute(Attribute.Submits)) field.form?.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    const form = closest<HTMLFormElement>(event, `form[${Attribute.Saves}]`);
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey) && !isComposing(event)) form.requestSubmit();
  });
}

/** Shows a theme at once, before it is saved: the page, and the browser's own bars. */
function showTheme(theme: string) {
  document.documentElement.setAttribute(Attribute.Theme, theme);
  const { backgroundColor } = getComputedStyle(document.documentElement);
  for (const meta of findAll("meta[name=theme-color]")) meta.setAttribute("content", backgroundColor);
}

export function submitAtOnce() {
  find<HTMLFormElement>(`form[${Attribute.AtOnce}]`)?.requestSubmit();
}
