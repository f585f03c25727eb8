// The boosts that were given last in this browser, for the picker.

import { saveSetting, setting } from "../settings.ts";

const MAX_RECENT = 16;

/** The stored list, latest first; empty if there is none or it cannot be read. */
export function parseRecent(stored: string | null): string[] {
  try {
    const list: unknown = JSON.parse(stored ?? "[]");
    return Array.isArray(list) ? list.filter((content): content is string => typeof content === "string") : [];
  } catch {
    return [];
  }
}

/** The list with this boost at its head, and each boost once. */
export function withRecent(recent: readonly string[], content: string): string[] {
  return [content, ...recent.filter((other) => other !== content)].slice(0, MAX_RECENT);
}

export function recentBoosts(): string[] {
  return parseRecent(setting("recent-boosts"));
}

export function saveRecentBoost(content: string) {
  saveSetting("recent-boosts", JSON.stringify(withRecent(recentBoosts(), content)));
}
