// <presence-marks data-online="3 7"> marks the avatars of the users who are online. It does so by a style sheet with
// one rule, so that avatars added later are marked as well and no element of the WASM is touched. The mark itself
// is in `style/`.

import { Attribute, Property, Tag } from "../names.ts";

/** The rule that turns the mark on for the users with these ids, separated by spaces; empty if there are none. */
export function presenceRule(online: string): string {
  const ids = online.split(" ").filter((id) => /^\d+$/.test(id));
  if (ids.length === 0) return "";
  const avatars = ids.map((id) => `[${Attribute.Person}="${id}"]`).join(",");
  return `.avatar:is(${avatars}){${Property.OnlineMark}:""}`;
}

export function definePresenceMarks() {
  customElements.define(
    Tag.PresenceMarks,
    class extends HTMLElement {
      static observedAttributes = [Attribute.Online];
      #sheet?: CSSStyleSheet;

      attributeChangedCallback() {
        this.#sheet ??= new CSSStyleSheet();
        this.#sheet.replaceSync(presenceRule(this.getAttribute(Attribute.Online) ?? ""));
        if (!document.adoptedStyleSheets.includes(this.#sheet)) document.adoptedStyleSheets.push(this.#sheet);
      }
    },
  );
}
