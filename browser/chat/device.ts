// Whether this device gets notifications: a device without the permission gets none. What else there is to find out, a
// module of the WASM does, which is fetched where it has something to do (`app/src/push_device.rs`).

import { Attribute, Id, PageEvent } from "../names.ts";

export function checkDevice() {
  const check = () => {
    const isAllowed = "Notification" in window && Notification.permission === "granted";
    if (isAllowed || document.getElementById(Id.PushDevice)) document.dispatchEvent(new CustomEvent(PageEvent.DeviceWanted));
    else document.documentElement.setAttribute(Attribute.Pushes, "off");
  };
  document.addEventListener(PageEvent.PageShown, check);
  check();
}
