// The query for completions: pure functions of the text before the caret.

import { typedName } from "./names.ts";

/** Where the suggestions come from. */
export type Source = "sounds" | "commands" | "members" | "authors" | "rooms" | "contents" | "filters";

export interface Query {
  readonly source: Source;
  /** Where the part begins that a suggestion replaces; it ends at the caret. */
  readonly from: number;
  /** What the suggestions are compared with. */
  readonly typed: string;
}

/** In a message: a command after `/` at its beginning, a sound after `/play`, a person after `@`. */
export function messageQuery(before: string): Query | undefined {
  const sound = /^\/play (\w*)$/.exec(before)?.[1];
  if (sound !== undefined) return { source: "sounds", from: 0, typed: sound };
  if (/^\/[^\s/]*$/.test(before)) return { source: "commands", from: 0, typed: before };
  const person = typedName(before);
  if (person === undefined) return undefined;
  return { source: "members", from: before.length - person.length - "@".length, typed: person };
}

/** In a search: a filter like `from:`, or its value. */
export function searchQuery(before: string): Query | undefined {
  const match = /(?:^|\s)((from|in|has|is|before|after):)?"?([^"\s]*)$/i.exec(before);
  if (!match) return undefined;
  const [part, key, filter, typed = ""] = match;
  const from = before.length - part.trimStart().length;
  // The letters of a filter are compared as the pattern and the server compare them: whatever the case.
  if (filter === "from") return { source: "authors", from, typed };
  if (filter === "in") return { source: "rooms", from, typed };
  if (filter === "has" || filter === "is") return { source: "contents", from, typed: key + typed };
  // A day cannot be completed, and nothing typed asks for nothing.
  return filter || !typed ? undefined : { source: "filters", from, typed };
}
