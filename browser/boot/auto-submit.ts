// Forms that are submitted without a press of their button: by a change, by Ctrl+Enter, or as soon as the page is
// there.

import { closest, find, target } from "../dom.ts";
import { isComposing } from "../keyboard.ts";
import { Attribute } from "../names.ts";

export function submitOnChangeAndCtrlEnter() {
  document.addEventListener("change", (event) => {
    const field = target<HTMLInputElement | HTMLSelectElement>(event);
    // A theme is shown at once.
    if (field?.name === "theme") document.documentElement.setAttribute(Attribute.Theme, field.value);
    if (field?.hasAttribute(Attribute.Submits)) field.form?.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    const form = closest<HTMLFormElement>(event, `form[${Attribute.Saves}]`);
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey) && !isComposing(event)) form.requestSubmit();
  });
}

export function submitAtOnce() {
  find<HTMLFormElement>(`form[${Attribute.AtOnce}]`)?.requestSubmit();
}
