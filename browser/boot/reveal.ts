// Shows and hides a password.

import { closest } from "../dom.ts";
import { Attribute } from "../names.ts";

export function revealPasswords() {
  document.addEventListener("click", (event) => {
    const button = closest<HTMLButtonElement>(event, `[${Attribute.Reveals}]`);
    const field = document.getElementById(button?.getAttribute(Attribute.Reveals) ?? "");
    if (!button || !(field instanceof HTMLInputElement)) return;
    const isShown = field.type === "text";
    field.type = isShown ? "password" : "text";
    button.textContent = isShown ? "Show" : "Hide";
    button.setAttribute("aria-pressed", String(!isShown));
    field.focus();
  });
  // A shown password would be offered again by the browser's history of forms.
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    for (const button of form.querySelectorAll(`[${Attribute.Reveals}][aria-pressed=true]`)) (button as HTMLElement).click();
  });
}
