// Sending later: the buttons of the composer's clock. The text goes to the server at once, which says when it will be sent;
// without this script each button submits the form. Undo puts the text back and cancels the message.

import { closest, find, fieldsOf } from "../dom.ts";
import { Attribute } from "../names.ts";
import { toast } from "./toast.ts";

const SHOWN_MS = 8000;
/** The id of the text that could not be sent last: sent once more, it is the same message. */
let attempt = { text: "", id: "" };

export function sendLater() {
  document.addEventListener("click", (event) => {
    const button = closest<HTMLButtonElement>(event, `[${Attribute.Later}] button`);
    if (!button?.form) return;
    // The WASM would send the message now.
    event.preventDefault();
    void schedule(button, button.form);
  });
  // In the field of the time, Enter would submit the form by its first button.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !closest<HTMLInputElement>(event, `[${Attribute.Later}] input`)) return;
    event.preventDefault();
    find<HTMLButtonElement>(`[${Attribute.Later}] button[value=at]`)?.click();
  });
}

async function schedule(button: HTMLButtonElement, form: HTMLFormElement) {
  const field = find<HTMLTextAreaElement>("textarea", form);
  const menu = button.closest("details");
  const text = field?.value ?? "";
  if (!field || !text.trim() || button.disabled) return;
  // Before it is disabled: a disabled button has no value.
  const body = fieldsOf(form, button);
  button.disabled = true;
  // Browsers make ids on sites with HTTPS alone.
  if (attempt.text !== text) attempt = { text, id: crypto.randomUUID?.() ?? "" };
  body.set("client_message_id", attempt.id);
  const headers = { "x-requested-with": "fetch" };
  const response = await fetch(button.formAction, { method: "POST", body, headers, redirect: "manual" }).catch(
    () => undefined,
  );
  button.disabled = false;
  if (response?.status !== 201) {
    const words = response?.headers.get("content-type")?.startsWith("text/plain") && (await response.text());
    toast(words || "That was not scheduled. The text is still here: try again.");
    return;
  }
  attempt = { text: "", id: "" };
  if (menu) menu.open = false;
  // What was typed meanwhile stays.
  if (field.value === text) write(field, "");
  const path = response.headers.get("location") ?? "";
  toast(await response.text(), { shownMs: SHOWN_MS, undo: () => void cancel(path, field, text) });
  field.focus();
}

async function cancel(path: string, field: HTMLTextAreaElement, text: string) {
  const body = new URLSearchParams({ _method: "delete" });
  const headers = { "x-requested-with": "fetch", prefer: "return=minimal" };
  const response = await fetch(path, { method: "POST", body, headers, redirect: "manual" }).catch(() => undefined);
  if (!response?.ok) toast("It was not cancelled. See “Messages to be sent later”.");
  else if (field.isConnected && !field.value) write(field, text);
}

/** Changes the text as if it was typed, so that the draft follows. */
function write(field: HTMLTextAreaElement, text: string) {
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
