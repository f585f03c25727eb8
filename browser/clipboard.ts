// The clipboard. Browsers offer its API to https and localhost only; a Campfire in a local network may have neither.

/** Copies a text. Rejects if the browser allows it in no way. */
export async function copyText(text: string): Promise<void> {
  if (navigator.clipboard) {
    try {
      return await navigator.clipboard.writeText(text);
    } catch {
      // Refused, as in a frame without the permission: the old way may still be open.
    }
  }
  if (!copyBySelection(text)) throw new Error("copying is not allowed here");
}

function copyBySelection(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "visually-hidden";
  // Inside a dialog, nothing outside of it can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  const isCopied = document.execCommand("copy");
  field.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  return isCopied;
}
