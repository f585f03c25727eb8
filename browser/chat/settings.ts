// Settings of this browser, in `localStorage`. A browser may forbid the storage: then a setting has its default.

/** `tools`: not empty where the toolbar is shown. `keys`, `sounds`: `off` switches them off. */
type Setting = "tools" | "keys" | "sounds";

export function setting(name: Setting): string | null {
  try {
    return localStorage.getItem(`campfire:${name}`);
  } catch {
    return null;
  }
}

export function saveSetting(name: Setting, value: string) {
  try {
    localStorage.setItem(`campfire:${name}`, value);
  } catch {
    // It lasts as long as the page, then.
  }
}
