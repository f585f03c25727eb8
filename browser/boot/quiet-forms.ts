// Small forms (boosts, notifications, "mark unread") are sent by `fetch`: their effect shows without leaving the page.

import { fieldsOf, find } from "../dom.ts";
import { Attribute, PageEvent } from "../names.ts";
import { showNotice } from "./notice.ts";

export function sendQuietForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (!form.hasAttribute(Attribute.Quiet)) return;
    event.preventDefault();
    const button = event.submitter as HTMLButtonElement | null;
    const body = fieldsOf(form, button);
    const says = button?.getAttribute(Attribute.Says);
    const before = form.getAttribute(Attribute.Undoes);
    const { action } = form;
    const undo = () => {
      body.set(button?.name ?? "", before ?? "");
      void post(action, body);
    };
    // chat.js shows the toast.
    const detail = says ? [says, before !== null && before !== button?.value ? undo : undefined] : undefined;
    void send(form, body, detail);
  });
}

async function send(form: HTMLFormElement, body: URLSearchParams, toast?: unknown[]) {
  if (!(await post(form.action, body))) return;
  if (toast) document.dispatchEvent(new CustomEvent(PageEvent.Toast, { detail: toast }));
  const sheet = form.closest(".sheet");
  if (sheet && form.hasAttribute(Attribute.Boosts)) {
    const back = find<HTMLAnchorElement>("a", sheet);
    if (back) location.assign(back.href);
  } else {
    const room = find("select", form)?.closest(".list__row");
    room?.classList.toggle("list__row--dim", body.get("involvement") === "invisible");
  }
}

/** Sends the fields of a form. Says why if it was not done. */
async function post(action: string, body: URLSearchParams): Promise<boolean> {
  const headers = { "x-requested-with": "fetch", prefer: "return=minimal" };
  // Answered without content; a redirect is a refusal, which is not followed.
  const response = await fetch(action, { method: "POST", body, headers, redirect: "manual" }).catch(() => undefined);
  const isDone = response?.ok;
  if (!response) showNotice("The server could not be reached, so nothing was saved. Try again.");
  else if (response.status === 429)
    showNotice("That was too much in a short time, so it was not saved. Wait a moment, then try again.");
  else if (response.status === 409 && response.headers.get("content-type")?.startsWith("text/plain"))
    showNotice(await response.text());
  else if (!isDone) showNotice("That was refused. Reload the page to see how things are.");
  return !!isDone;
}
