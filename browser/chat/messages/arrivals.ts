// Announces a message that just arrived, once the WASM has shown it: plays its sound, and has a screen reader read it.
// The list itself is no live region, as older messages are added to it as well.

import { PageEvent, Id } from "../../names.ts";
import { parseHtml } from "../../page-part.ts";
import { playSoundOf } from "./sounds.ts";

const MAX_ANNOUNCED_CHARS = 500;

export function playAndAnnounceArrivals() {
  document.addEventListener(PageEvent.MessageShown, (event) => {
    const [author, html] = (event as CustomEvent<[author: string, html: string]>).detail;
    const { body } = parseHtml(html);
    playSoundOf(body);
    const announcer = document.getElementById(Id.Announcer);
    // The reader's own messages come without an author.
    if (author && announcer) announcer.textContent = announcement(author, body.textContent ?? "");
  });
}

/** The author and the beginning of the text. */
export function announcement(author: string, text: string): string {
  return `${author}: ${text.trim().slice(0, MAX_ANNOUNCED_CHARS)}`;
}
