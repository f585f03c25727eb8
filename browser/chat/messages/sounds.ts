// Sounds: played by a click on their message, and by themselves when such a message arrives.

import { closest, find } from "../../dom.ts";
import { Attribute } from "../../names.ts";
import { setting } from "../settings.ts";
import { toast } from "../toast.ts";

const SOUND = `a[${Attribute.Sound}]`;

export function playSoundsOnClick() {
  document.addEventListener("click", (event) => {
    const link = closest<HTMLAnchorElement>(event, SOUND);
    if (!link) return;
    event.preventDefault();
    play(link.href).catch((error: unknown) => {
      // Another sound has taken its place.
      if (error instanceof DOMException && error.name === "AbortError") return;
      toast("This browser could not play the sound.");
    });
  });
}

/** Plays the sound of a message's body, if it has one and sounds are not switched off. */
export function playSoundOf(body: ParentNode) {
  const path = find(SOUND, body)?.getAttribute("href");
  // A browser may refuse until the reader has pressed something in the page. The link is there to be pressed.
  if (path && setting("sounds") !== "off") play(path).catch(() => {});
}

/** One element for all sounds: WebKit lets it play by itself once it has played by a click, and each element anew. */
const audio = typeof Audio === "undefined" ? undefined : new Audio();
// A sound that is over cannot be started again by a media key.
audio?.addEventListener("ended", () => audio.removeAttribute("src"));

async function play(path: string): Promise<void> {
  if (!audio) return;
  audio.src = path;
  await audio.play();
}
