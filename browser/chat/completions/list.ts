// The list of suggestions below a field, by the pattern of a combobox (ARIA Authoring Practices): the focus stays in
// the field, arrows move through the list, Enter and Tab choose, Escape closes.

import { target } from "../../dom.ts";
import { isComposing } from "../../keyboard.ts";
import { Attribute } from "../../names.ts";
import { replacement } from "../writing/edits.ts";
import { apply, type TextField } from "../writing/text-field.ts";
import { messageQuery, type Query, searchQuery } from "./queries.ts";
import { avatarTint } from "./tint.ts";
import { type Suggestion, suggestionsFor, wholeName } from "./suggestions.ts";

/** The list that is shown. */
interface Shown {
  readonly field: TextField;
  readonly box: HTMLElement;
  readonly query: Query;
  readonly suggestions: readonly Suggestion[];
  /** The index of the suggestion that Enter chooses; -1 for none. */
  selected: number;
}

const queries: Record<string, (before: string) => Query | undefined> = { message: messageQuery, search: searchQuery };

let shown: Shown | undefined;
/** Counts the questions for suggestions: an answer that another question has overtaken is dropped. */
let turn = 0;

export function completeWhileTyping() {
  document.addEventListener("input", (event) => {
    const field = target<TextField>(event);
    if (field?.getAttribute(Attribute.Completes)) void complete(field);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target === shown?.field) close();
  });
  addEventListener("resize", close);
  // In the capture phase: a key that chooses a suggestion must not reach the WASM, which would send the message.
  document.addEventListener("keydown", handleKey, true);
  // Not by keys: those of a touch screen have no names.
  document.addEventListener("beforeinput", chooseWholeName);
}

/** Tells assistive technology that these fields have suggestions. */
export function announceCompletions() {
  for (const field of document.querySelectorAll(`[${Attribute.Completes}]`))
    field.setAttribute("aria-autocomplete", "list");
}

/** Whether the list is shown for this field. */
export function isCompleting(field: Element): boolean {
  return shown?.field === field;
}

/** The next index for a step of 1 or -1 in a list of `count`, around its ends; `selected` may be -1 for none. */
export function stepped(selected: number, step: number, count: number): number {
  if (selected < 0) return step > 0 ? 0 : count - 1;
  return (selected + step + count) % count;
}

async function complete(field: TextField) {
  const caret = field.selectionStart ?? 0;
  const before = field.value.slice(0, caret);
  const query =
    caret === field.selectionEnd ? queries[field.getAttribute(Attribute.Completes) ?? ""]?.(before) : undefined;
  if (!query) return close();
  const own = ++turn;
  const suggestions = await suggestionsFor(query);
  if (own !== turn || document.activeElement !== field) return;
  close();
  const [only, ...others] = suggestions;
  // A suggestion that is written out already needs no list.
  if (!only || (others.length === 0 && only.text === before.slice(query.from))) return;
  const box = listOf(suggestions);
  shown = { field, box, query, suggestions, selected: -1 };
  field.setAttribute("aria-controls", box.id);
  (field.closest("form") ?? field.parentElement)?.append(box);
  // A word of a search may be meant as a word: there, nothing is selected until an arrow key does.
  if (query.source !== "filters") select(shown, 0);
}

function listOf(suggestions: readonly Suggestion[]): HTMLElement {
  const box = document.createElement("ul");
  box.className = box.id = "completions";
  box.setAttribute("role", "listbox");
  box.setAttribute("aria-label", "Suggestions");
  for (const [index, { name, note, person }] of suggestions.entries()) {
    const row = document.createElement("li");
    row.id = `completion-${index}`;
    row.setAttribute("role", "option");
    row.setAttribute("aria-selected", "false");
    const label = document.createElement("bdi");
    label.textContent = name;
    if (person !== undefined) row.append(faceOf(person, name));
    row.append(label);
    if (note) {
      const small = document.createElement("small");
      small.textContent = note;
      row.append(small);
    }
    row.addEventListener("click", () => choose(index));
    box.append(row);
  }
  return box;
}

/** The avatar of a person, as the server makes it: with the mark of those who are online. */
function faceOf(person: number, name: string): HTMLElement {
  const face = document.createElement("span");
  face.className = `avatar tint-${avatarTint(person)}`;
  face.setAttribute(Attribute.Person, String(person));
  face.setAttribute("aria-hidden", "true");
  const words = name.split(/[^\p{L}\p{N}]+/u).filter(Boolean).slice(0, 2);
  face.textContent = words.map(([first = ""]) => first).join("").toUpperCase();
  return face;
}

function select(list: Shown, index: number) {
  list.selected = index;
  for (const [at, row] of [...list.box.children].entries()) row.setAttribute("aria-selected", String(at === index));
  const row = list.box.children[index];
  if (!row) return;
  row.scrollIntoView({ block: "nearest" });
  list.field.setAttribute("aria-activedescendant", row.id);
}

/** Chooses a suggestion. In a message, `ending` is written after it. */
function choose(index: number, ending = " ") {
  const suggestion = shown?.suggestions[index];
  if (!shown || !suggestion) return;
  const { field, query } = shown;
  close();
  // A filter like `from:` wants its value next, and a sound is the whole message.
  const wantsValue = suggestion.text.endsWith(":");
  const end = wantsValue || query.source === "sounds" || query.source === "filters" ? "" : ending;
  apply(field, replacement(query.from, field.selectionStart ?? query.from, suggestion.text + end));
  // The edit asked for suggestions again. Those for what was just chosen are not wanted.
  if (!wantsValue) close();
}

/** A blank or punctuation after a whole name chooses the person. */
function chooseWholeName(event: InputEvent) {
  if (shown?.query.source !== "members" || event.target !== shown.field || event.isComposing) return;
  const { data } = event;
  if (event.inputType !== "insertText" || !data || !/^[\s\p{P}]$/u.test(data)) return;
  const index = wholeName(shown.suggestions, shown.query.typed, shown.selected);
  if (index < 0) return;
  event.preventDefault();
  choose(index, data);
}

function close() {
  turn += 1;
  if (!shown) return;
  const { box, field } = shown;
  shown = undefined;
  box.remove();
  field.removeAttribute("aria-activedescendant");
  field.removeAttribute("aria-controls");
}

function handleKey(event: KeyboardEvent) {
  if (!shown || event.target !== shown.field || isComposing(event)) return;
  const { selected, suggestions } = shown;
  const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
  if (event.key === "ArrowDown") select(shown, stepped(selected, 1, suggestions.length));
  else if (event.key === "ArrowUp") select(shown, stepped(selected, -1, suggestions.length));
  else if (selected >= 0 && isPlain && (event.key === "Enter" || event.key === "Tab")) choose(selected);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
