// The words of a new message that a page sends in another way than the composer: they are no draft of their room any more.

import { target } from "../dom.ts";
import { Attribute } from "../names.ts";

export function clearSentDrafts() {
  document.addEventListener("submit", (event) => {
    const key = target(event)?.getAttribute(Attribute.ClearsDraft);
    if (key) clear(key);
  });
}

function clear(key: string) {
  try {
    const words = sessionStorage.getItem(key);
    // Empty, and not absent: the words that another tab wrote last are not those of this one.
    sessionStorage.setItem(key, "");
    if (localStorage.getItem(key) === words) localStorage.removeItem(key);
  } catch {
    // A browser that forbids the storage has kept nothing.
  }
}
