// A form that loses something asks before it is submitted.

import { Attribute } from "../names.ts";

export function confirmForms() {
  document.addEventListener("submit", (event) => {
    const question = (event.target as HTMLFormElement).getAttribute(Attribute.Asks);
    if (question && !confirm(question)) event.preventDefault();
  });
}
