// <presence-marks data-online="3 7" data-news="41:2"> marks the avatars of the users who are online, and the threads with
// new answers. It does so by a style sheet, so that avatars added later are marked as well and no element of the WASM is touched. The mark itself
// is in `style/`.

import { Attribute, Property, Tag } from "../names.ts";

/** The rule that turns the mark on for the users with these ids, separated by spaces; empty if there are none. */
export function presenceRule(online: string): string {
  const ids = online.split(" ").filter((id) => /^\d+$/.test(id));
  if (ids.length === 0) return "";
  const avatars = ids.map((id) => `[${Attribute.Person}="${id}"]`).join(",");
  return `.avatar:is(${avatars}){${Property.OnlineMark}:""}`;
}

/** The rules that say how many answers are new in these threads, like `41:2 57:1`; empty if there are none. */
export function newsRules(news: string): string {
  const threads = news.split(" ").filter((thread) => /^\d+:\d+$/.test(thread));
  const rule = (thread: string) => {
    const [id, count] = thread.split(":");
    return `.thread-line[${Attribute.Thread}="${id}"]{${Property.ThreadNews}:"${count} new"}`;
  };
  return threads.map(rule).join("");
}

export function definePresenceMarks() {
  customElements.define(
    Tag.PresenceMarks,
    class extends HTMLElement {
      static observedAttributes = [Attribute.Online, Attribute.News];
      #sheet?: CSSStyleSheet;

      attributeChangedCallback() {
        this.#sheet ??= new CSSStyleSheet();
        const text = (name: string) => this.getAttribute(name) ?? "";
        this.#sheet.replaceSync(presenceRule(text(Attribute.Online)) + newsRules(text(Attribute.News)));
        if (!document.adoptedStyleSheets.includes(this.#sheet)) document.adoptedStyleSheets.push(this.#sheet);
      }
    },
  );
}
