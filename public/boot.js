// The one script of every page, small enough to run before the page is painted: it writes times as the reader's
// place and language do, marks where days begin and who is online, makes the plain pages more comfortable, and starts
// the WASM where a page has one.
(() => {
  "use strict";
  const script = document.currentScript;
  document.documentElement.dataset.scripts = "";
  const time = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const moments = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
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
        const text = (this.dataset.date === undefined ? time : moments).format(moment);
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

  // The dots at the avatars of those who are online: rules of a style sheet, so that a message that comes later has
  // its dot too, and no element of the page's own code is touched.
  class PresenceMarks extends HTMLElement {
    static observedAttributes = ["data-online"];
    attributeChangedCallback() {
      this.sheet ??= new CSSStyleSheet();
      const people = (this.dataset.online ?? "").split(" ").filter((id) => /^\d+$/.test(id));
      const marked = people.map((id) => `[data-person="${id}"]`).join(",");
      const look = "content:'';position:absolute;inset-block-end:0;inset-inline-end:0;width:28%;height:28%;border-radius:50%;background:var(--online);box-shadow:0 0 0 2px var(--background)";
      this.sheet.replaceSync(marked ? `.avatar:is(${marked})::after{${look}}` : "");
      if (!document.adoptedStyleSheets.includes(this.sheet)) document.adoptedStyleSheets.push(this.sheet);
    }
  }
  customElements.define("presence-marks", PresenceMarks);

  // A name typed for an open room goes along to the closed one, and back.
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-keeps-name]");
    const name = link && document.querySelector("input[name=name]")?.value;
    if (name) link.href = `${link.pathname}?name=${encodeURIComponent(name)}`;
  });
  // What cannot be done is said where notices are.
  const say = (text) => {
    document.querySelector(".notice")?.remove();
    const notice = Object.assign(document.createElement("p"), { className: "notice", textContent: text });
    notice.setAttribute("role", "alert");
    document.body.append(notice);
  };

  // Small forms are sent in the background; what they change is seen without leaving the page.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.dataset.quiet === undefined) return;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    const answer = await fetch(form.action, { method: "POST", body, headers: { "x-requested-with": "fetch" }, redirect: "manual" }).catch(() => undefined);
    // Where a form would lead to is of no interest here.
    if (!answer?.ok && answer?.type !== "opaqueredirect") say(answer ? "That was refused. Reload the page to see how things are." : "The server could not be reached, so nothing was saved. Try again.");
    else if (form.dataset.boosts !== undefined && form.closest(".sheet")) location.assign(form.closest(".sheet").querySelector("a").href);
    else form.querySelector("select")?.closest(".list__row")?.classList.toggle("list__row--dim", body.get("involvement") === "invisible");
  });
  document.addEventListener("change", (event) => {
    if (event.target.dataset?.submits !== undefined) event.target.form.requestSubmit();
  });
  document.addEventListener("keydown", (event) => {
    const form = event.target.closest?.("form[data-saves]");
    if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });

  // Links to hand on.
  const copy = async (field) => {
    field.select();
    if (navigator.clipboard) await navigator.clipboard.writeText(field.value);
    else if (!document.execCommand("copy")) throw new Error("copying is not allowed here");
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-copies], [data-shares]");
    if (!button) return;
    if (button.dataset.shares) {
      navigator.share({ url: button.dataset.shares }).catch(() => {});
      return;
    }
    copy(document.getElementById(button.dataset.copies)).then(
      () => {
        button.textContent = "Copied";
        setTimeout(() => (button.textContent = "Copy"), 2000);
      },
      () => say("This browser does not let pages copy. The link is selected: copy it with the keyboard."),
    );
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.dataset?.selects !== undefined) event.target.select();
  });

  // A list that is all here is narrowed to what matches; one of many pages is asked for anew.
  const narrow = (field) => {
    const rows = [...document.getElementById(field.dataset.narrows).querySelectorAll("label")];
    const wanted = field.value.trim().toLowerCase();
    for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
    const found = rows.filter((row) => !row.hidden).length;
    document.getElementById("people-found").textContent = wanted ? `${found} of ${rows.length}` : "";
  };
  const fetchPart = async (url, id) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(answer.statusText);
    return new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(id);
  };
  let waiting;
  document.addEventListener("input", (event) => {
    const field = event.target;
    const form = field.closest?.("form[data-filters]");
    if (!form && field.dataset?.narrows === undefined) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      if (!form) return narrow(field);
      const id = form.dataset.filters;
      const asked = field.value;
      const url = new URL(form.action);
      url.search = new URLSearchParams(new FormData(form));
      fetchPart(url, id).then(
        (part) => {
          if (part && field.value === asked) document.getElementById(id).replaceChildren(...part.childNodes);
          watchForMore();
        },
        () => say("The list could not be loaded. Try again."),
      );
    }, 300);
  });

  // The next page of a long list comes when its end is seen.
  const watchForMore = () => {
    const link = document.querySelector("a[data-more]");
    if (!link || !("IntersectionObserver" in window)) return;
    new IntersectionObserver((entries, observer) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      fetchPart(link.href, link.dataset.more).then((part) => {
        if (!part || !link.isConnected) return;
        // Lists of the same name are one.
        for (const list of part.querySelectorAll("ul")) {
          const here = document.querySelector(`#${link.dataset.more} ul[aria-label="${list.getAttribute("aria-label")}"]`);
          if (here) here.append(...list.children);
          else link.closest("p").before(list);
        }
        const next = part.querySelector("a[data-more]");
        if (next) link.closest("p").replaceChildren(next);
        else link.closest("p").remove();
        watchForMore();
      }, () => {});
    }, { rootMargin: "600px" }).observe(link);
  };

  // What can be done with a message is the same for all of them, and in the page once.
  const fillMenu = (menu) => {
    const [, list] = menu.children;
    const template = document.getElementById("message-menu");
    const [, id] = /^message-(\d+)$/.exec(menu.closest(".message")?.id) ?? [];
    if (!template || !id || list.dataset.filled !== undefined) return;
    list.dataset.filled = "";
    const { room } = menu.closest("[data-room]").dataset;
    list.innerHTML = template.innerHTML.replaceAll("{id}", id).replaceAll("{room}", room);
  };
  document.addEventListener("click", (event) => {
    const menu = event.target.closest?.("details.menu > summary")?.parentElement;
    if (menu) fillMenu(menu);
  }, true);
  document.addEventListener("campfire:menu", (event) => fillMenu(event.target));

  // A menu opens to the side where it has room.
  document.addEventListener("toggle", (event) => {
    const menu = event.target;
    if (!menu.matches?.("details.menu[open]")) return;
    fillMenu(menu);
    const [button, list] = menu.children;
    const room = (menu.closest(".timeline") ?? document.documentElement).getBoundingClientRect();
    const below = Math.min(room.bottom, innerHeight) - button.getBoundingClientRect().bottom;
    menu.dataset.opens = below < list.offsetHeight + 8 ? "up" : "down";
  }, true);

  // A menu closes when one turns to something else.
  const closeMenus = (but) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (menu !== but) menu.open = false;
    }
  };
  document.addEventListener("click", (event) => {
    closeMenus(event.target.closest?.("details.menu"));
    // On a phone the drawer gives way to what was chosen in it.
    if (event.target.closest?.(".sidebar li a")) {
      const drawer = document.querySelector(".sidebar");
      if (drawer.matches(":popover-open")) drawer.hidePopover();
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeMenus();
  });

  addEventListener("DOMContentLoaded", () => {
    // Pieces of the page that came before their content had arrived.
    for (const element of document.querySelectorAll("local-time:not([data-written])")) element.connectedCallback();
    markDays();
    for (const element of document.querySelectorAll("[data-copies], [data-needs-script]")) element.hidden = false;
    for (const element of document.querySelectorAll("[data-shares]")) element.hidden = !navigator.share;
    watchForMore();
    document.querySelector("form[data-at-once]")?.requestSubmit();
    document.querySelector(".message[aria-current]")?.scrollIntoView({ block: "center" });
    const url = new URL(location);
    if (url.searchParams.has("notice")) {
      url.searchParams.delete("notice");
      history.replaceState(history.state, "", url);
    }
  });

  // A form that loses something asks first.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.asks && !confirm(event.target.dataset.asks)) event.preventDefault();
  });

  // Fetched while the page is still being parsed, and only where scripts run at all.
  const { loader, wasm, chat } = script.dataset;
  const parsed = new Promise((resolve) => addEventListener("DOMContentLoaded", resolve));
  let taken = parsed;
  if (loader && wasm) {
    taken = Promise.all([import(loader), fetch(wasm), parsed])
      .then(async ([module, binary]) => {
        await module.default({ module_or_path: binary });
        module.hydrate();
        document.documentElement.dataset.live = "";
      })
      .catch((error) => console.error("The live page could not start; the plain one works on.", error));
  }
  // What is comfortable only waits until the page stands: before it is taken over nothing may be put into it.
  taken.then(() => {
    const idle = window.requestIdleCallback ?? ((start) => setTimeout(start, 200));
    // A module that once could not be fetched is not asked for again under the same name.
    const load = (tries) => import(tries ? `${chat}?${tries}` : chat).catch(() => setTimeout(load, 5000, tries + 1));
    if (document.querySelector(".composer, [data-completes], #picker")) idle(() => load(0), { timeout: 500 });
  });
})();
