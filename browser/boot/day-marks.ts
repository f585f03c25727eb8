// Marks the first message of each day, in the reader's time zone, with an attribute from which the style sheet draws a
// line. An attribute rather than an element: the rows belong to the WASM, which expects them as it rendered them.

import { find, findAll } from "../dom.ts";
import { Attribute } from "../names.ts";

const day = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

/**
 * Which rows begin a day, given the day of each row in order. A row without a day (a message that is still being sent)
 * counts to the day of the row before it.
 */
export function dayStarts(days: readonly (string | undefined)[]): boolean[] {
  let before: string | undefined;
  return days.map((day) => {
    const here = day ?? before;
    const starts = here !== before;
    before = here;
    return starts;
  });
}

export function markDays() {
  isScheduled = false;
  for (const list of findAll(".messages")) {
    const rows = [...list.children];
    const moments = rows.map((row) => {
      const time = find<HTMLTimeElement>("time[datetime]", row);
      return time ? new Date(time.dateTime) : undefined;
    });
    const starts = dayStarts(moments.map((moment) => moment?.toDateString()));
    for (const [index, row] of rows.entries()) {
      const label = starts[index] ? day.format(moments[index]) : null;
      if (row.getAttribute(Attribute.Day) === label) continue;
      if (label === null) row.removeAttribute(Attribute.Day);
      else row.setAttribute(Attribute.Day, label);
    }
  }
}

let isScheduled = false;

/** Marks the days once, after all changes of the current task: many times are written in a row. */
export function scheduleDayMarks() {
  if (isScheduled) return;
  isScheduled = true;
  queueMicrotask(markDays);
}
