// The button that installs the app. The browser's offer is kept for it; without one the button stays hidden, and the
// instructions beside it say how.

import { closest, findAll } from "../dom.ts";
import { Attribute } from "../names.ts";

/** The event by which Chromium offers to install the app. */
interface InstallOffer extends Event {
  prompt(): Promise<unknown>;
}

let offer: InstallOffer | undefined;

export function keepInstallOffer() {
  const keep = (event?: Event) => {
    offer = event as InstallOffer | undefined;
    showInstallButton();
  };
  addEventListener("beforeinstallprompt", keep);
  addEventListener("appinstalled", () => keep());
  document.addEventListener("click", (event) => {
    if (closest(event, `[${Attribute.Installs}]`)) void offer?.prompt();
  });
}

export function showInstallButton() {
  for (const button of findAll(`[${Attribute.Installs}]`)) button.hidden = !offer;
}
