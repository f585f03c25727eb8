// The preview shows a message as it will look. The server renders it, so that it is the same code that renders the
// message.

import { find } from "../../dom.ts";

/** Shows the preview of the field's text above the composer, or removes the one that is shown. */
export async function togglePreview(field: HTMLTextAreaElement) {
  const { form } = field;
  if (!form) return;
  const shown = find(".composer__preview", form);
  if (shown) return shown.remove();
  if (!field.value.trim()) return;
  const box = document.createElement("div");
  box.className = "composer__preview message__body";
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Preview");
  box.textContent = "…";
  form.prepend(box);
  const html = await render(`${form.action}/preview`, field.value);
  // The server has sanitised it, as it does with every message.
  if (html) box.innerHTML = html;
  else box.textContent = "The preview could not be made. What you wrote is untouched.";
}

async function render(path: string, body: string): Promise<string> {
  const response = await fetch(path, { method: "POST", body: new URLSearchParams({ body }) }).catch(() => undefined);
  return response?.ok ? response.text() : "";
}

/** Removes the preview as soon as the text changes. */
export function removeStalePreviews() {
  document.addEventListener("input", (event) => {
    if (event.target instanceof Element && event.target.matches(".composer textarea"))
      find(".composer__preview")?.remove();
  });
}
