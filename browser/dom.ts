// Typed shortcuts for what nearly every behaviour does with the DOM. No state.

/** The first element that matches the selector. */
export function find<E extends Element = HTMLElement>(selector: string, within: ParentNode = document): E | null {
  return within.querySelector<E>(selector);
}

/** All elements that match the selector. */
export function findAll<E extends Element = HTMLElement>(
  selector: string,
  within: ParentNode = document,
): NodeListOf<E> {
  return within.querySelectorAll<E>(selector);
}

/** The element at which the event was dispatched; an event can also be dispatched at the document or the window. */
export function target<E extends Element = HTMLElement>(event: Event): E | null {
  return event.target instanceof Element ? (event.target as E) : null;
}

/** The innermost element that matches the selector, at or around the event's target. */
export function closest<E extends Element = HTMLElement>(event: Event, selector: string): E | null {
  return target(event)?.closest<E>(selector) ?? null;
}

/** A form's fields as the browser would send them. Our forms hold no files. */
export function fieldsOf(form: HTMLFormElement, submitter: HTMLElement | null = null): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) {
    if (typeof value === "string") fields.append(name, value);
  }
  return fields;
}
