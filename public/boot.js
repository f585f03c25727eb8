// The one script of every page, small enough to run before the page is painted: it writes times as the reader's
// place and language do, marks where days begin, and starts the WASM where a page has one.
(() => {
  "use strict";
  const script = document.currentScript;
  const time = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const full = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });
  const dayOf = (message) => {
    const stamp = message?.querySelector("time[datetime]");
    return stamp ? new Date(stamp.dateTime).toDateString() : undefined;
  };

  // A message begins a day when the one before it is of another. An attribute, not an element: the rows belong to
  // the page's own code, which must find them as it made them.
  let scheduled = false;
  const markDays = () => {
    scheduled = false;
    for (const list of document.querySelectorAll(".messages")) {
      let before;
      for (const message of list.children) {
        const here = dayOf(message) ?? before;
        if (here !== before) {
          const label = day.format(new Date(message.querySelector("time[datetime]").dateTime));
          if (message.dataset.day !== label) message.dataset.day = label;
        } else if (message.dataset.day) {
          delete message.dataset.day;
        }
        before = here;
      }
    }
  };
  const scheduleDays = () => {
    if (!scheduled) {
      scheduled = true;
      queueMicrotask(markDays);
    }
  };

  class LocalTime extends HTMLElement {
    connectedCallback() {
      // While the page is parsed the element comes before what is in it.
      const write = () => {
        const stamp = this.querySelector("time");
        if (!stamp) return;
        const moment = new Date(stamp.dateTime);
        const text = time.format(moment);
        if (stamp.textContent !== text) stamp.textContent = text;
        stamp.title = full.format(moment);
        this.dataset.written = "";
        scheduleDays();
      };
      if (this.firstElementChild) write();
      else queueMicrotask(write);
    }
    disconnectedCallback() {
      scheduleDays();
    }
  }
  customElements.define("local-time", LocalTime);

  // A name typed for an open room goes along to the closed one, and back.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-keeps-name]");
    const name = link && document.querySelector("input[name=name]")?.value;
    if (name) link.href = `${link.pathname}?name=${encodeURIComponent(name)}`;
  });
  // A menu closes when one turns to something else.
  const closeMenus = (but) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== but) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest?.("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus();
  });

  addEventListener("DOMContentLoaded", () => {
    // Pieces of the page that came before their content had arrived.
    for (const element of document.querySelectorAll("local-time:not([data-written])")) element.connectedCallback();
    markDays();
    document.querySelector(".message[aria-current]")?.scrollIntoView({ block: "center" });
    const url = new URL(location);
    if (url.searchParams.has("notice")) {
      url.searchParams.delete("notice");
      history.replaceState(history.state, "", url);
    }
  });

  // Fetched while the page is still being parsed, and only where scripts run at all.
  const { loader, wasm } = script.dataset;
  if (loader && wasm) {
    const parsed = new Promise((resolve) => addEventListener("DOMContentLoaded", resolve));
    Promise.all([import(loader), fetch(wasm), parsed])
      .then(async ([module, binary]) => {
        await module.default({ module_or_path: binary });
        module.hydrate();
        document.documentElement.dataset.live = "";
      })
      .catch((error) => console.error("The live page could not start; the plain one works on.", error));
  }
})();
