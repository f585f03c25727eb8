// The forms for an open and for a closed room are two pages. A name typed in one goes along to the other.

import { closest, find } from "../dom.ts";
import { Attribute } from "../names.ts";

export function keepTypedName() {
  document.addEventListener("click", (event) => {
    const link = closest<HTMLAnchorElement>(event, `a[${Attribute.KeepsName}]`);
    const name = link && find<HTMLInputElement>("input[name=name]")?.value;
    if (name) link.href = `${link.pathname}?name=${encodeURIComponent(name)}`;
  });
}
