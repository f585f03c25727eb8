// Chooses everybody or nobody of a list of people, and counts who is chosen.

import { closest, findAll } from "../dom.ts";
import { Attribute, Id } from "../names.ts";

/** The number of the chosen as text. */
export function chosenText(chosen: number, all: number): string {
  return `${chosen} of ${all} chosen`;
}

export function chooseEverybodyOrNobody() {
  document.addEventListener("click", (event) => {
    const button = closest<HTMLButtonElement>(event, `[${Attribute.Chooses}]`);
    if (!button) return;
    // Those whom the filter hides stay as they are.
    for (const box of boxes()) if (!box.disabled && !box.closest<HTMLElement>("label")?.hidden) box.checked = button.value === "all";
    countChosen();
  });
  document.addEventListener("change", countChosen);
}

export function countChosen() {
  const count = document.getElementById(Id.PeopleChosen);
  if (!count) return;
  const all = [...boxes()];
  count.textContent = chosenText(all.filter((box) => box.checked).length, all.length);
}

const boxes = () => findAll<HTMLInputElement>(".people input[type=checkbox]");
