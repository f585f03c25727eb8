// The badge on the icon of the installed app: the unread mentions and pings, which the title begins with. The open page
// knows them best; while none is open, each push brings its number.

import { find } from "../dom.ts";

export function showBadge() {
  const title = find("title");
  if (!title || !("setAppBadge" in navigator)) return;
  const show = () => {
    const count = Number(/^\((\d+)\) /.exec(document.title)?.[1] ?? 0);
    // Some browsers have badges only where notifications are allowed.
    navigator.setAppBadge(count).catch(() => {});
  };
  new MutationObserver(show).observe(title, { childList: true });
  show();
}
