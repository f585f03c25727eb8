// Filters lists while one types: a list that is in the page as a whole by hiding rows, a list of many pages by fetching
// its first page for the filter.

import { closest, fieldsOf, findAll, target } from "../dom.ts";
import { fold } from "../folding.ts";
import { Attribute, Id } from "../names.ts";
import { fetchPart } from "../page-part.ts";
import { watchForMore } from "./more.ts";
import { showNotice } from "./notice.ts";

/** How long nothing must be typed before a list is filtered. */
const PAUSE_MS = 300;

/** Which of these texts contain the filter, by the sameness of `fold`; all of them for an empty filter. */
export function matches(texts: readonly string[], filter: string): boolean[] {
  const wanted = fold(filter.trim());
  return texts.map((text) => fold(text).includes(wanted));
}

/** The number of matches as text; empty where nothing is filtered. */
export function countText(found: number, all: number, filter: string): string {
  return filter.trim() ? `${found} of ${all}` : "";
}

export function filterWhileTyping() {
  let timer: ReturnType<typeof setTimeout> | undefined;
  document.addEventListener("input", (event) => {
    const field = target<HTMLInputElement>(event);
    const form = closest<HTMLFormElement>(event, `form[${Attribute.Filters}]`);
    if (!field || !(form || field.hasAttribute(Attribute.Narrows))) return;
    clearTimeout(timer);
    timer = setTimeout(() => (form ? void fetchFiltered(form, field) : hideOthers(field)), PAUSE_MS);
  });
}

function hideOthers(field: HTMLInputElement) {
  const list = document.getElementById(field.getAttribute(Attribute.Narrows) ?? "");
  if (!list) return;
  const rows = [...findAll("label", list)];
  const shown = matches(
    rows.map((row) => row.textContent ?? ""),
    field.value,
  );
  for (const [index, row] of rows.entries()) row.hidden = !shown[index];
  const count = document.getElementById(Id.PeopleFound);
  if (count) count.textContent = countText(shown.filter(Boolean).length, rows.length, field.value);
}

async function fetchFiltered(form: HTMLFormElement, field: HTMLInputElement) {
  const id = form.getAttribute(Attribute.Filters) ?? "";
  const asked = field.value;
  const url = new URL(form.action);
  url.search = fieldsOf(form).toString();
  let part;
  try {
    part = await fetchPart(url, id);
  } catch {
    return showNotice("The list could not be loaded. Try again.");
  }
  // A response that another filter has overtaken is dropped.
  if (part && field.value === asked) document.getElementById(id)?.replaceChildren(...part.childNodes);
  watchForMore();
}
