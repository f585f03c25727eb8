// Short messages at the edge of the window: what was done or why not, and a button to undo it while that is possible.

import { find } from "../dom.ts";
import { PageEvent } from "../names.ts";

const SHOWN_MS = 5000;

interface ToastOptions {
  /** Offers to undo what was done, or another action. */
  undo?: () => void;
  /** The label of the action, if it is not to undo. */
  action?: string;
  shownMs?: number;
}

/** Shows the toasts of the WASM and of boot.js. */
export function showToasts() {
  document.addEventListener(PageEvent.Toast, (event) => {
    const [text, undo] = (event as CustomEvent<[text: string, undo?: () => void]>).detail;
    toast(text, undo ? { undo } : {});
  });
}

/** Shows a text, with a button if there is something to do. Returns its element, which leaves the page by itself. */
export function toast(text: string, { undo, action = "Undo", shownMs = SHOWN_MS }: ToastOptions = {}): HTMLElement {
  // A toast that offers to undo stays until its time is up.
  find(".toast:not(:has(button))")?.remove();
  const box = document.createElement("div");
  box.className = "toast";
  box.setAttribute("role", "status");
  const label = document.createElement("span");
  label.textContent = text;
  box.append(label);
  if (undo) box.append(actionButton(box, action, undo));
  container().append(box);
  setTimeout(() => box.remove(), shownMs);
  return box;
}

function actionButton(box: HTMLElement, action: string, run: () => void): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button--quiet";
  button.textContent = action;
  button.addEventListener("click", () => {
    box.remove();
    run();
  });
  return button;
}

function container(): HTMLElement {
  const existing = find(".toasts");
  if (existing) return existing;
  const created = document.createElement("div");
  created.className = "toasts";
  document.body.append(created);
  return created;
}
