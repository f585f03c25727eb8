// Going back to a room shows the place where one read. The browser cannot restore it: the rows are rendered, and older
// ones loaded, after it would scroll. The place is kept for each room as long as the tab is open.

import { target } from "../../dom.ts";
import { Attribute, Id } from "../../names.ts";
import { timeline } from "../../page.ts";
import { rows } from "./rows.ts";

/** The topmost row in view, and how many pixels it is below the top of the list. */
export interface Place {
  readonly rowId: string;
  readonly offset: number;
}

/** How long nothing must scroll before the place is kept. */
const PAUSE_MS = 150;
/** Nearer to the newest message there is no place to keep. The list scrolls from its end: `scrollTop` is negative. */
const NEAR_END_PX = 200;
/** How many frames to wait for the room's rows, one second. */
const MAX_TRIES = 60;

/** As it is stored: `["message-7",-12.5]`. */
export function formatPlace({ rowId, offset }: Place): string {
  return JSON.stringify([rowId, offset]);
}

/** The stored place, if there is one and it can be read. */
export function parsePlace(stored: string | null): Place | undefined {
  try {
    const [rowId, offset]: unknown[] = JSON.parse(stored ?? "[]");
    return typeof rowId === "string" && typeof offset === "number" ? { rowId, offset } : undefined;
  } catch {
    return undefined;
  }
}

/** The page of the room that ends with this row, for one that is too old to be in the latest page. */
export function pathOfPlace(roomId: string, { rowId }: Place): string {
  const messageId = Number(rowId.slice(Id.MessagePrefix.length));
  return `/rooms/${roomId}?before=${messageId + 1}`;
}

export function keepPlace() {
  let timer: ReturnType<typeof setTimeout> | undefined;
  // In the capture phase, as `scroll` does not bubble.
  document.addEventListener(
    "scroll",
    (event) => {
      if (!target(event)?.matches(".timeline")) return;
      clearTimeout(timer);
      const key = storageKey();
      // Another room may be shown by then, in the same list.
      timer = setTimeout(() => key === storageKey() && save(key), PAUSE_MS);
    },
    true,
  );
  addEventListener("popstate", () => setTimeout(restore));
  const [navigation] = performance.getEntriesByType("navigation");
  if (navigation instanceof PerformanceNavigationTiming && navigation.type === "back_forward") restore();
}

/** The key of the page in view; the URL may be ahead of it. */
function storageKey(path = timeline()?.getAttribute(Attribute.Place)): string {
  return `campfire:place:${path}`;
}

function save(key: string) {
  const list = timeline();
  if (!list) return;
  const { top } = list.getBoundingClientRect();
  const row = rows().find((row) => row.getBoundingClientRect().bottom > top);
  if (!row || list.scrollTop > -NEAR_END_PX) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, formatPlace({ rowId: row.id, offset: row.getBoundingClientRect().top - top }));
}

/** Scrolls to the place in this room, as soon as its rows are there. */
function restore(tries = MAX_TRIES) {
  const place = parsePlace(sessionStorage.getItem(storageKey(location.pathname)));
  if (!place || tries === 0) return;
  const list = timeline();
  const roomId = list?.getAttribute(Attribute.Room);
  if (!roomId || list?.getAttribute(Attribute.Place) !== location.pathname)
    return void requestAnimationFrame(() => restore(tries - 1));
  const row = document.getElementById(place.rowId);
  if (!row) return location.replace(pathOfPlace(roomId, place));
  // After the frame in which the WASM sets its own position.
  requestAnimationFrame(() => {
    list.scrollTop += row.getBoundingClientRect().top - list.getBoundingClientRect().top - place.offset;
  });
}
