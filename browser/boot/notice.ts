// The notice at the top of the page: what could not be done, and why.

import { find } from "../dom.ts";

/** Shows a notice in place of the one that is there. */
export function showNotice(text: string) {
  find(".notice")?.remove();
  const notice = document.createElement("p");
  notice.className = "notice";
  notice.setAttribute("role", "alert");
  notice.textContent = text;
  document.body.append(notice);
}

/** Takes the notice that the server has rendered out of the address, so that a reload does not show it again. */
export function removeNoticeFromAddress() {
  const url = new URL(location.href);
  if (!url.searchParams.has("notice")) return;
  url.searchParams.delete("notice");
  history.replaceState(history.state, "", url);
}
