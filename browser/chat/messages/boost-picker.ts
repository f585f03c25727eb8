// The picker of boosts: the main part of its page, shown in a dialog over the room. Without this script it is that
// page.

import { closest, fieldsOf, find, findAll } from "../../dom.ts";
import { isComposing } from "../../keyboard.ts";
import { Attribute, Id } from "../../names.ts";
import { fetchPart } from "../../page-part.ts";
import { isTouch } from "../../page.ts";
import { toast } from "../toast.ts";
import { recentBoosts, saveRecentBoost } from "./recent-boosts.ts";
import { focusRow } from "./rows.ts";

export function openBoostPicker() {
  document.addEventListener("click", (event) => {
    const link = closest<HTMLAnchorElement>(event, `[${Attribute.Picker}]`);
    if (!link) return;
    event.preventDefault();
    const menu = link.closest("details");
    if (menu) menu.open = false;
    void open(link);
  });
  // boot.js sends the form.
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (!form.hasAttribute(Attribute.Boosts)) return;
    const content = fieldsOf(form, event.submitter).get("content");
    if (content) saveRecentBoost(content);
    form.closest("dialog")?.close();
  });
}

async function open(link: HTMLAnchorElement) {
  const row = link.closest<HTMLElement>(".message");
  const picker = await fetchPart(link.href, Id.Picker).catch(() => null);
  if (!picker) return location.assign(link.href);
  addRecentBoosts(picker);
  const dialog = document.createElement("dialog");
  dialog.className = "picker-dialog";
  dialog.setAttribute("aria-label", "Boost");
  dialog.append(closeButton(dialog), picker);
  dialog.addEventListener("click", (event) => {
    // A click at the dialog itself, not at something in it, is one at its backdrop.
    if (event.target === dialog) dialog.close();
    const group = closest<HTMLAnchorElement>(event, `[${Attribute.Group}]`);
    if (!group) return;
    event.preventDefault();
    void showGroup(dialog, group);
  });
  // The browser's own Escape does not reach the dialog in WebKit while the focus is in a search field.
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || isComposing(event)) return;
    event.preventDefault();
    event.stopPropagation();
    dialog.close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (row?.isConnected) focusRow(row);
  });
  document.body.append(dialog);
  dialog.showModal();
  // An on-screen keyboard would cover the emoji: there, the focus is not in the field.
  dialog.tabIndex = -1;
  if (isTouch()) dialog.focus();
  else find("[type=search]", picker)?.focus();
}

function closeButton(dialog: HTMLDialogElement): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button--icon picker-dialog__close";
  button.title = "Close";
  button.setAttribute("aria-label", "Close");
  button.textContent = "×";
  button.addEventListener("click", () => dialog.close());
  return button;
}

function addRecentBoosts(picker: HTMLElement) {
  const form = find(`#${Id.PickerRecent}`, picker);
  if (!form) return;
  for (const content of recentBoosts()) {
    const button = document.createElement("button");
    button.name = "content";
    button.value = button.textContent = content;
    if (/[\p{L}\p{N}]/u.test(content)) button.className = "picker__words";
    form.append(button);
  }
  form.hidden = form.children.length === 0;
}

async function showGroup(dialog: HTMLElement, group: HTMLAnchorElement) {
  for (const other of findAll(`[${Attribute.Group}]`, dialog))
    other.setAttribute("aria-current", String(other === group));
  try {
    const found = await fetchPart(group.href, Id.PickerFound);
    if (found) find(`#${Id.PickerFound}`, dialog)?.replaceChildren(...found.childNodes);
  } catch {
    toast("The emoji could not be loaded. Try again.");
  }
}
