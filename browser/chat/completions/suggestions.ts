// The suggestions for a query: people, rooms, sounds and commands from the server, filters from here.

import { composerField } from "../../page.ts";
import { Attribute } from "../../names.ts";
import { foldName } from "./names.ts";
import { bestMatches } from "./ranking.ts";
import type { Query, Source } from "./queries.ts";

export interface Suggestion {
  /** What is shown, and compared with what was typed. */
  readonly name: string;
  /** What is written into the field. */
  readonly text: string;
  /** Shown beside the name. */
  readonly note?: string;
  /** The id of the person whose face is shown. */
  readonly person?: number;
}

/** What the server offers: people of a room what mentions them, sounds and commands a caption. */
interface Offer {
  readonly name: string;
  readonly value?: number;
  readonly mention?: string;
  readonly caption?: string;
}

const MAX_SHOWN = 8;
/** All sounds there are: the list is the only place to look them up. */
const MAX_SOUNDS = 56;

const filters: readonly Suggestion[] = [
  filter("from:", "a person"),
  filter("in:", "a room"),
  filter("has:link", "messages with a link"),
  filter("has:code", "messages with code"),
  filter("has:file", "messages with files"),
  filter("has:image", "messages with pictures"),
  filter("is:saved", "messages that you keep"),
  filter("is:pinned", "messages that are pinned"),
  filter("before:", "a day like 2026-01-31"),
  filter("after:", "a day like 2026-01-31"),
];

function filter(text: string, note: string): Suggestion {
  return { name: text, text, note };
}

const load: Record<Source, (query: Query) => Promise<readonly Suggestion[]> | readonly Suggestion[]> = {
  sounds: async () =>
    (await fetchOffers("/sounds")).map(({ name, caption }) => ({ name, text: `/play ${name}`, ...noted(caption) })),
  commands: async () => {
    const roomId = composerField()?.getAttribute(Attribute.Room);
    const commands = [{ name: "play", caption: "a sound" }, ...(await fetchOffers(`/rooms/${roomId}/commands`))];
    return commands.map(({ name, caption }) => ({ name: `/${name}`, text: `/${name}`, ...noted(caption) }));
  },
  members: async ({ typed }) => {
    const roomId = composerField()?.getAttribute(Attribute.Room);
    return mentions(await fetchOffers(`/autocompletable/users?room_id=${roomId}`, typed));
  },
  authors: async ({ typed }) =>
    [{ name: "me" }, ...(await fetchOffers("/autocompletable/users?", typed))].map(({ name }) => filterBy("from", name)),
  rooms: async ({ typed }) =>
    (await fetchOffers("/autocompletable/rooms?", typed)).map(({ name }) => filterBy("in", name)),
  contents: () => [
    { name: "has:link", text: "has:link" },
    { name: "has:code", text: "has:code" },
    { name: "has:file", text: "has:file" },
    { name: "has:image", text: "has:image" },
    { name: "is:saved", text: "is:saved" },
    { name: "is:pinned", text: "is:pinned" },
  ],
  filters: ({ typed }) => filters.filter(({ text }) => text.startsWith(typed.toLowerCase())),
};

/** The best suggestions for a query, in order. */
export async function suggestionsFor(query: Query): Promise<Suggestion[]> {
  return bestMatches(await load[query.source](query), query.typed, query.source === "sounds" ? MAX_SOUNDS : MAX_SHOWN);
}

/** How people are mentioned, which the server says: by name, and with the id where the name alone names others, too. */
export function mentions(people: readonly Offer[]): Suggestion[] {
  return people.map(({ name, value, mention = `@${name}` }) => {
    const face = value === undefined ? {} : { person: value };
    return { name, text: mention, ...face, ...noted(mention.slice(`@${name}`.length) || undefined) };
  });
}

/** The suggestion whose whole name was typed: of several, the selected one. */
export function wholeName(suggestions: readonly Suggestion[], typed: string, selected = 0): number {
  const isWhole = ({ name }: Suggestion) => foldName(name) === foldName(typed);
  const chosen = suggestions[selected];
  return chosen && isWhole(chosen) ? selected : suggestions.findIndex(isWhole);
}

/** A filter of the search with its value, quoted if it holds spaces. */
export function filterBy(key: string, name: string): Suggestion {
  return { name, text: `${key}:${/\s/.test(name) ? `"${name}"` : name}` };
}

/** `exactOptionalPropertyTypes`: absent, not undefined. */
function noted(note: string | undefined): Pick<Suggestion, "note"> {
  return note === undefined ? {} : { note };
}

/** Long enough for the keys of one name, and short: under a name that somebody has given up, nobody is mentioned. */
const KEPT_MS = 10_000;
const fetched = new Map<string, { at: number; offers: Promise<Offer[]> }>();
/** The lists that are too long to be fetched as a whole. */
const long = new Set<string>();

/** Not fetched at every key, unless the list is too long. Nothing is offered if it fails. */
async function fetchOffers(list: string, typed = ""): Promise<Offer[]> {
  const path = typed && long.has(list) ? `${list}&query=${encodeURIComponent(typed)}` : list;
  const known = fetched.get(path);
  if (known && Date.now() - known.at < KEPT_MS) return known.offers;
  const offers = fetch(path)
    .then((response) => {
      if (path === list && response.headers.has("x-has-more")) long.add(list);
      return response.ok ? (response.json() as Promise<Offer[]>) : [];
    })
    .catch(() => []);
  fetched.set(path, { at: Date.now(), offers });
  await offers;
  return path === list && long.has(list) && typed ? fetchOffers(list, typed) : offers;
}
