// The service worker, as pages see it: registered once everything else is there. It keeps rooms to read without a
// connection; a page that it has kept says so, and a page of an older version offers the new one. Where the browser has
// none, or refuses it as in some private windows, the chat works as well, with a connection.

import { find } from "../dom.ts";
import { Attribute } from "../names.ts";
import type { ToPage, ToWorker, Unsent } from "../worker/protocol.ts";
import { toast } from "./toast.ts";
import { sendable, type Waiting } from "./unsent.ts";

const PATH = "/service-worker.js";
const OFFER_SHOWN_MS = 60_000;

let registration: ServiceWorkerRegistration | undefined;
/** The offer of a new version, once there was one. */
let offer: HTMLElement | undefined;

/** Registers the worker of this page's build. */
export async function startWorker() {
  sayWhenKept();
  const build = find(`[${Attribute.Build}]`)?.getAttribute(Attribute.Build);
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (!build || !workers) return;
  let hasChanged = false;
  // Before a change, an active worker of another build is an older one: the page has come with the new one.
  const lookForNew = () => send(registration?.waiting ?? (hasChanged ? registration?.active : null), { kind: "waits", build });
  workers.addEventListener("controllerchange", () => {
    hasChanged = true;
    lookForNew();
    keepRoom();
  });
  workers.addEventListener("message", ({ data }: MessageEvent<ToPage>) => {
    if (data.kind === "newer") offerNew(workers);
    // A page that shows the room already is newer than the kept one.
    else if (data.kind === "kept" && `${location.pathname}/`.startsWith(`${data.path}/`) && shownPlace() !== location.pathname) location.reload();
  });
  // Browsers look by themselves, but some only when the worker has nothing to do for a while.
  const update = () => void registration?.update().then(lookForNew, () => {});
  document.addEventListener("visibilitychange", () => {
    const person = find(`.sidebar__profile [${Attribute.Person}]`)?.getAttribute(Attribute.Person);
    if (person) send(registration?.active, { kind: "unsent", person, messages: document.hidden ? unsent(person) : [] });
    if (document.hidden) keepRoom();
    else update();
  });
  registration = await workers.register(PATH, { updateViaCache: "none" }).catch(() => undefined);
  const watchNew = () =>
    registration?.installing?.addEventListener("statechange", () => {
      lookForNew();
      keepRoom();
    });
  registration?.addEventListener("updatefound", watchNew);
  // The page before may have found it.
  watchNew();
  if (registration?.active) update();
  keepRoom();
}

/** Has the room in view kept as it is now. Called when another room is in view, too. */
export function keepRoom() {
  const path = shownPlace();
  if (path) send(registration?.active, { kind: "keep", path });
}

/** The messages of the viewer that wait for a connection. Another person may have left some here. */
function unsent(person: string): Unsent[] {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(`campfire:outbox:${person}:`));
    return sendable(keys.map((key) => JSON.parse(localStorage.getItem(key) ?? "") as Waiting));
  } catch {
    return [];
  }
}

/** The path of the room in view: the URL may be ahead of it. */
const shownPlace = () => find(".timeline")?.getAttribute(Attribute.Place);

function send(worker: ServiceWorker | null | undefined, message: ToWorker) {
  worker?.postMessage(message);
}

/** Drafts and the place are kept over the reload, as over any other. */
function offerNew(workers: ServiceWorkerContainer) {
  if (offer?.isConnected) return;
  offer = toast("A new version is there.", {
    action: "Reload",
    undo: () => {
      const reload = () => location.reload();
      workers.addEventListener("controllerchange", reload);
      // Another page may have made the worker take over already.
      if (registration?.waiting) send(registration.waiting, { kind: "take-over" });
      else reload();
    },
    shownMs: OFFER_SHOWN_MS,
  });
}

/** Says that the page is a kept one, and of when, until the connection is there, which brings what is new. */
function sayWhenKept() {
  const root = document.documentElement;
  const at = root.getAttribute(Attribute.Kept);
  const main = find(".chat__main");
  if (!at || !main) return;
  const time = new Date(at);
  const isToday = time.toDateString() === new Date().toDateString();
  const text = time.toLocaleString([], isToday ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
  const notice = document.createElement("p");
  notice.className = "kept";
  notice.setAttribute("role", "status");
  document.body.append(notice);
  // A live region is read out when it changes, not when it appears.
  setTimeout(() => (notice.textContent = `Offline, as of ${text}. What you send goes out later.`));
  const look = () => {
    if (find(".connection")?.hasChildNodes()) return;
    watch.disconnect();
    notice.remove();
    root.removeAttribute(Attribute.Kept);
  };
  const watch = new MutationObserver(look);
  watch.observe(main, { childList: true, subtree: true });
  // The connection may have been there before this script.
  look();
}
