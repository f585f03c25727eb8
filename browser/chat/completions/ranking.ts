// Which of many names fit what was typed, the best first.

import { fold } from "../../folding.ts";

/** How well a name fits; less is better. */
const enum Rank {
  /** It begins with what was typed. */
  Start,
  /** A later word begins with it. */
  LaterWord,
  /** The words begin with these letters. */
  Initials,
  /** It stands anywhere. */
  Anywhere,
}

/** At how many letters initials and inner parts are compared: with fewer, nearly everything would fit. */
const MIN_INITIALS = 2;
const MIN_ANYWHERE = 3;

/** How well a name fits what was typed, both folded; `undefined` if it does not. */
export function rank(name: string, typed: string): number | undefined {
  if (name.startsWith(typed)) return Rank.Start;
  if (name.includes(` ${typed}`)) return Rank.LaterWord;
  const initials = name.split(/[^\p{L}\p{N}]+/u).map((word) => word[0] ?? "");
  if (typed.length >= MIN_INITIALS && initials.join("").startsWith(typed)) return Rank.Initials;
  return typed.length >= MIN_ANYWHERE && name.includes(typed) ? Rank.Anywhere : undefined;
}

/** Those that fit, the best first and otherwise in their order; at most `max`. */
export function bestMatches<T extends { readonly name: string }>(
  options: readonly T[],
  typed: string,
  max: number,
): T[] {
  const wanted = fold(typed);
  return options
    .map((option) => ({ option, rank: rank(fold(option.name), wanted) }))
    .filter((match): match is { option: T; rank: number } => match.rank !== undefined)
    .sort((a, b) => a.rank - b.rank)
    .slice(0, max)
    .map(({ option }) => option);
}
