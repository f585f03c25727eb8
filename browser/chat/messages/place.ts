// Going back to a room shows the place where one read. The browser cannot restore it: the rows are rendered, and older
// ones loaded, after it would scroll. The place is kept for each room as long as the tab is open.

import { find, target } from "../../dom.ts";
import { Attribute, Id } from "../../names.ts";
import { timeline } from "../../page.ts";
import { rows } from "./rows.ts";

/** Where one reads. */
export interface Place {
  /** The topmost row in view. */
  readonly rowId: string;
  /** How many pixels it is below the top of the list. */
  readonly offset: number;
  /** A row below it: a page that ends with that row has the place in its middle. */
  readonly endId: string;
}

/** How long nothing must scroll before the place is kept. */
const PAUSE_MS = 150;
/** How many frames to wait for the room's rows, five seconds. */
const MAX_TRIES = 300;
/** How many rows a page has below the topmost one in view, of 40. */
const ROWS_BELOW = 30;

/** As it is stored: `["message-7",-12.5,"message-30"]`. */
export function formatPlace({ rowId, offset, endId }: Place): string {
  return JSON.stringify([rowId, offset, endId]);
}

/** The stored place, if there is one and it can be read. */
export function parsePlace(stored: string | null): Place | undefined {
  try {
    const [rowId, offset, endId]: unknown[] = JSON.parse(stored ?? "[]");
    const isPlace = typeof rowId === "string" && typeof offset === "number" && typeof endId === "string";
    return isPlace ? { rowId, offset, endId } : undefined;
  } catch {
    return undefined;
  }
}

/** The page of the room around the place, for one that is too old to be in the latest page. */
export function pathOfPlace(roomId: string, { endId }: Place): string {
  const messageId = Number(endId.slice(Id.MessagePrefix.length));
  return `/rooms/${roomId}?before=${messageId + 1}`;
}

export function keepPlace() {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const keep = (key: string) => {
    clearTimeout(timer);
    timer = undefined;
    // Another room may be shown by then, in the same list.
    if (key === storageKey()) save(key);
  };
  // In the capture phase, as `scroll` does not bubble.
  document.addEventListener(
    "scroll",
    (event) => {
      if (!target(event)?.matches(".timeline")) return;
      clearTimeout(timer);
      timer = setTimeout(keep, PAUSE_MS, storageKey());
    },
    true,
  );
  // The reader may leave before the pause is over: by a link, or with the page.
  const keepNow = () => {
    if (timer !== undefined) keep(storageKey());
  };
  document.addEventListener("click", keepNow, true);
  addEventListener("pagehide", keepNow);
  addEventListener("popstate", (event) => {
    // The room that is left is still in view. Not for the events of `goTo`, at which the place is being restored.
    if (event.isTrusted) keepNow();
    setTimeout(restore);
  });
  const [navigation] = performance.getEntriesByType("navigation");
  if (navigation instanceof PerformanceNavigationTiming && navigation.type === "back_forward") restore();
}

/** The path of the page in view; the URL may be ahead of it. */
const shownPath = () => timeline()?.getAttribute(Attribute.Place);
const pathInUrl = () => {
  const before = new URLSearchParams(location.search).get("before");
  return before ? `${location.pathname}?before=${before}` : location.pathname;
};

/** The key of a path. A room has one place, whichever of its pages shows it. */
function storageKey(path = shownPath()): string {
  return `campfire:place:${path?.split("?")[0]}`;
}

function save(key: string) {
  const list = timeline();
  if (!list) return;
  const { top } = list.getBoundingClientRect();
  const all = rows();
  const index = all.findIndex((row) => row.getBoundingClientRect().bottom > top);
  const [row, end] = [all[index], all[Math.min(index + ROWS_BELOW, all.length - 1)]];
  // Near the newest message there is no place to keep, and no link to it either.
  if (!row || !end || !find(".jump--down")) sessionStorage.removeItem(key);
  else {
    const offset = row.getBoundingClientRect().top - top;
    sessionStorage.setItem(key, formatPlace({ rowId: row.id, offset, endId: end.id }));
  }
}

/** Scrolls to the place in this room, as soon as its rows are there. */
function restore(tries = MAX_TRIES) {
  const place = parsePlace(sessionStorage.getItem(storageKey(location.pathname)));
  // The room was left at its end, after an earlier return to older messages.
  if (!place && location.pathname !== pathInUrl()) return goTo(location.pathname);
  if (!place || tries === 0) return;
  const list = timeline();
  const roomId = list?.getAttribute(Attribute.Room);
  if (!list || !roomId || shownPath() !== pathInUrl()) return void requestAnimationFrame(() => restore(tries - 1));
  const row = rowAt(place.rowId);
  if (!row) {
    const path = pathOfPlace(roomId, place);
    if (path === pathInUrl()) return;
    return goTo(path);
  }
  // After the frame in which the WASM sets its own position.
  requestAnimationFrame(() => {
    list.scrollTop += row.getBoundingClientRect().top - list.getBoundingClientRect().top - place.offset;
  });
}

/** Shows another page of the room in place of this one: the WASM loads it, and {@link restore} is called again. */
function goTo(path: string) {
  history.replaceState(history.state, "", path);
  dispatchEvent(new PopStateEvent("popstate", { state: history.state }));
}

/** The row of this id, or the one after it if it was deleted; nothing if it is older than the rows of the page. */
function rowAt(rowId: string): HTMLElement | undefined {
  const idOf = (id: string) => Number(id.slice(Id.MessagePrefix.length));
  const all = rows();
  const index = all.findIndex((row) => idOf(row.id) >= idOf(rowId));
  return index > 0 || all[0]?.id === rowId ? all[index] : undefined;
}
