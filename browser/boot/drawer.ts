// On a phone the sidebar is a drawer over the room. It closes when a link in it is followed.

import { closest, find } from "../dom.ts";

export function closeDrawerOnChoice() {
  document.addEventListener("click", (event) => {
    if (!closest(event, ".sidebar a[href]")) return;
    const drawer = find(".sidebar");
    if (drawer?.matches(":popover-open")) drawer.hidePopover();
  });
}
