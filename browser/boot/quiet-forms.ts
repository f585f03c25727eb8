// Small forms (boosts, notifications, "mark unread") are sent by `fetch`: their effect shows without leaving the page.

import { fieldsOf, find } from "../dom.ts";
import { Attribute, PageEvent } from "../names.ts";
import { showNotice } from "./notice.ts";

export function sendQuietForms() {
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    if (!form.hasAttribute(Attribute.Quiet)) return;
    event.preventDefault();
    void send(form, fieldsOf(form, event.submitter), event.submitter?.getAttribute(Attribute.Says) ?? null);
  });
}

async function send(form: HTMLFormElement, body: URLSearchParams, says: string | null = null) {
  const headers = { "x-requested-with": "fetch", prefer: "return=minimal" };
  // Answered without content; a redirect is a refusal, which is not followed.
  const response = await fetch(form.action, { method: "POST", body, headers, redirect: "manual" }).catch(
    () => undefined,
  );
  if (!response) return showNotice("The server could not be reached, so nothing was saved. Try again.");
  if (response.status === 429)
    return showNotice("That was too much in a short time, so it was not saved. Wait a moment, then try again.");
  if (!response.ok)
    return showNotice("That was refused. Reload the page to see how things are.");
  // chat.js shows it.
  if (says) document.dispatchEvent(new CustomEvent(PageEvent.Toast, { detail: [says] }));
  const sheet = form.closest(".sheet");
  if (sheet && form.hasAttribute(Attribute.Boosts)) {
    const back = find<HTMLAnchorElement>("a", sheet);
    if (back) location.assign(back.href);
  } else {
    const room = find("select", form)?.closest(".list__row");
    room?.classList.toggle("list__row--dim", body.get("involvement") === "invisible");
  }
}
