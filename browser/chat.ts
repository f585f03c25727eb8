// chat.js: makes writing and reading more comfortable. boot.js imports it when the browser is idle. Nothing here is
// needed to chat: every control it serves is a link, a form or a text field that works as well without it.

import { showBadge } from "./chat/badge.ts";
import { announceCompletions, completeWhileTyping } from "./chat/completions/list.ts";
import { checkDevice } from "./chat/device.ts";
import { keepInboxCurrent } from "./chat/inbox.ts";
import { handleKeys } from "./chat/keys.ts";
import { handleMenuItems } from "./chat/messages/actions.ts";
import { playAndAnnounceArrivals } from "./chat/messages/arrivals.ts";
import { openMenusByLongPress } from "./chat/messages/long-press.ts";
import { closeMenuOnSubmit } from "./chat/messages/menu.ts";
import { keepPlace } from "./chat/messages/place.ts";
import { followFocus, prepareList } from "./chat/messages/rows.ts";
import { playSoundsOnClick } from "./chat/messages/sounds.ts";
import { clearSentDrafts } from "./chat/sent-drafts.ts";
import { takeShared } from "./chat/shared.ts";
import { showToasts } from "./chat/toast.ts";
import { keepRoom, startWorker } from "./chat/worker.ts";
import { handleFormatKeys } from "./chat/writing/format-keys.ts";
import { pasteUrlsAsLinks } from "./chat/writing/paste-link.ts";
import { removeStalePreviews } from "./chat/writing/preview.ts";
import { restoreToolbar, toggleToolbar } from "./chat/writing/toolbar.ts";
import { find, findAll } from "./dom.ts";
import { Attribute } from "./names.ts";

toggleToolbar();
pasteUrlsAsLinks();
removeStalePreviews();
completeWhileTyping();
handleFormatKeys();
handleKeys();
keepInboxCurrent();
clearSentDrafts();
followFocus();
handleMenuItems();
closeMenuOnSubmit();
openMenusByLongPress();
playSoundsOnClick();
playAndAnnounceArrivals();
keepPlace();
showToasts();
showBadge();
checkDevice();
void startWorker();
void takeShared();

/** Prepares what the WASM has rendered: once now, and again when it has put another room here. */
function prepare() {
  for (const list of findAll(".timeline .messages")) prepareList(list);
  restoreToolbar();
  announceCompletions();
}
prepare();
const main = find(".chat__main");
if (main) {
  new MutationObserver(() => {
    prepare();
    keepRoom();
  }).observe(main, { childList: true });
}

document.documentElement.setAttribute(Attribute.ChatReady, "");
