// <local-time> writes the UTC time that the server rendered in the reader's time zone and language. A page is the same
// for all readers, so only the browser can do it.

import { find, findAll } from "../dom.ts";
import { Attribute, Tag } from "../names.ts";
import { scheduleDayMarks } from "./day-marks.ts";

const timeOnly = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const dateAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const dateOnly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const inFull = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "short" });

class LocalTime extends HTMLElement {
  connectedCallback() {
    // While the page is parsed, the element is connected before its content is there.
    if (this.firstElementChild) this.write();
    else queueMicrotask(() => this.write());
  }

  disconnectedCallback() {
    scheduleDayMarks();
  }

  format(moment: Date) {
    const date = this.getAttribute(Attribute.Date);
    if (date === null) return timeOnly;
    if (date !== "short") return dateAndTime;
    return moment.toDateString() === new Date().toDateString() ? timeOnly : dateOnly;
  }

  write() {
    const time = find<HTMLTimeElement>("time", this);
    if (!time) return;
    const moment = new Date(time.dateTime);
    const text = this.format(moment).format(moment);
    if (time.textContent !== text) time.textContent = text;
    time.title = inFull.format(moment);
    this.setAttribute(Attribute.Written, "");
    scheduleDayMarks();
  }
}

export function defineLocalTime() {
  customElements.define(Tag.LocalTime, LocalTime);
}

/** Writes the times whose content arrived in a later network packet than their element, even after the microtask. */
export function writeMissedTimes() {
  for (const element of findAll<LocalTime>(`${Tag.LocalTime}:not([${Attribute.Written}])`)) element.connectedCallback();
}
