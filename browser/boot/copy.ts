// Links to pass on: a button copies or shares one, and focus selects it.

import { copyText } from "../clipboard.ts";
import { closest, target } from "../dom.ts";
import { Attribute } from "../names.ts";
import { showNotice } from "./notice.ts";

const COPIED_SHOWN_MS = 2000;

export function copyAndShare() {
  document.addEventListener("click", (event) => {
    const button = closest(event, `[${Attribute.Copies}], [${Attribute.Shares}]`);
    if (!button) return;
    const url = button.getAttribute(Attribute.Shares);
    // Rejects when the reader closes the system's dialog.
    if (url) navigator.share({ url }).catch(() => {});
    else void copyByButton(button);
  });
  document.addEventListener("focusin", (event) => {
    const field = target<HTMLInputElement>(event);
    if (field?.hasAttribute(Attribute.Selects)) field.select();
  });
}

async function copyByButton(button: HTMLElement) {
  const field = document.getElementById(button.getAttribute(Attribute.Copies) ?? "") as HTMLInputElement;
  try {
    await copyText(field.value);
  } catch {
    field.select();
    return showNotice("This browser does not let pages copy. The text is selected: copy it with the keyboard.");
  }
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), COPIED_SHOWN_MS);
}
