// boot.js: the script of every page, a classic script that runs before the page is painted. It writes times as the
// reader's place and language do, marks days and presence, makes plain pages more comfortable, and starts the WASM
// where a page has one. Everything works without it; see chat.ts for what is fetched later.

import { submitAtOnce, submitOnChangeAndCtrlEnter } from "./boot/auto-submit.ts";
import { chooseEverybodyOrNobody, countChosen } from "./boot/choose-people.ts";
import { confirmForms } from "./boot/confirmation.ts";
import { copyAndShare } from "./boot/copy.ts";
import { markDays } from "./boot/day-marks.ts";
import { closeDrawerOnChoice } from "./boot/drawer.ts";
import { filterWhileTyping } from "./boot/filters.ts";
import { forgetLastPerson } from "./boot/forget.ts";
import { keepInstallOffer, showInstallButton } from "./boot/install.ts";
import { keepTypedName } from "./boot/kept-name.ts";
import { defineLocalTime, writeMissedTimes } from "./boot/local-time.ts";
import { openAndCloseMenus } from "./boot/menus.ts";
import { watchForMore } from "./boot/more.ts";
import { removeNoticeFromAddress } from "./boot/notice.ts";
import { dropOwnFragment, openOwnLinksHere } from "./boot/own-links.ts";
import { definePresenceMarks } from "./boot/presence-marks.ts";
import { sendQuietForms } from "./boot/quiet-forms.ts";
import { revealPasswords } from "./boot/reveal.ts";
import { showScriptedControls } from "./boot/scripted-controls.ts";
import { startPage } from "./boot/start.ts";
import { rememberTimeZone } from "./boot/time-zone.ts";
import { find } from "./dom.ts";
import { Attribute, PageEvent } from "./names.ts";

document.documentElement.setAttribute(Attribute.Scripts, "");
rememberTimeZone();
defineLocalTime();
definePresenceMarks();
keepTypedName();
sendQuietForms();
submitOnChangeAndCtrlEnter();
copyAndShare();
filterWhileTyping();
chooseEverybodyOrNobody();
revealPasswords();
openAndCloseMenus();
closeDrawerOnChoice();
confirmForms();
openOwnLinksHere();
dropOwnFragment();
keepInstallOffer();

/** What a page of forms needs once it is there. */
function preparePage() {
  showScriptedControls();
  showInstallButton();
  watchForMore();
  countChosen();
  removeNoticeFromAddress();
}
document.addEventListener(PageEvent.PageShown, preparePage);

addEventListener("DOMContentLoaded", () => {
  writeMissedTimes();
  markDays();
  preparePage();
  // Such a form may sign another person in.
  void forgetLastPerson().then(submitAtOnce);
  // The message of the link; if that was deleted, the one after it.
  (find(".message[aria-current]") ?? find(".message[autofocus]"))?.scrollIntoView({ block: "center" });
});

// Only known while the script runs.
if (document.currentScript) startPage(document.currentScript);
