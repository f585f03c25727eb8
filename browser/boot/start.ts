// Starts the WASM where a page has one, and then fetches chat.js when the browser is idle.

import { find } from "../dom.ts";
import { Attribute } from "../names.ts";

/** What wasm-bindgen's loader exports. */
interface Loader {
  default(options: { module_or_path: Response }): Promise<unknown>;
  hydrate(): void;
}

/** The pages on which chat.js has something to do. */
const USES_CHAT = `.chat, [${Attribute.Completes}]`;
const RETRY_MS = 5000;

export function startPage(script: HTMLOrSVGScriptElement) {
  const parsed = new Promise<void>((resolve) => addEventListener("DOMContentLoaded", () => resolve()));
  void hydrate(script, parsed).then(() => {
    // Only now: until the WASM has taken the page over, nothing may be added to it.
    const chat = script.getAttribute(Attribute.Chat);
    if (chat && find(USES_CHAT)) whenIdle(() => void importChat(chat));
    // In the same folder.
    if (chat && find(`[${Attribute.Crops}]`)) void importChat(chat.replace(/\w+\.js$/, "crop.js"));
  });
}

/** Fetches the WASM while the page is still being parsed. Resolves when it has taken the page over, or cannot. */
async function hydrate(script: HTMLOrSVGScriptElement, parsed: Promise<void>) {
  const [loader, wasm] = [script.getAttribute(Attribute.Loader), script.getAttribute(Attribute.Wasm)];
  if (!loader || !wasm) return parsed;
  const fetched = fetch(wasm);
  try {
    const [module, binary] = await Promise.all([import(loader) as Promise<Loader>, fetched, parsed]);
    await module.default({ module_or_path: binary });
    module.hydrate();
    document.documentElement.setAttribute(Attribute.Live, "");
  } catch (error) {
    if ((await fetched.catch(() => undefined))?.status === 404) reloadOnce(wasm);
    // Nothing is loading any more.
    script.removeAttribute(Attribute.Loader);
    console.error("The live page could not start; the plain one works on.", error);
  }
}

/** The server has another build by now, and a page of it. The same page twice would be no better the third time. */
function reloadOnce(wasm: string) {
  const key = "campfire:reloaded";
  try {
    if (sessionStorage.getItem(key) === wasm) return;
    sessionStorage.setItem(key, wasm);
    location.reload();
  } catch {
    // Without the storage, it might reload for ever.
  }
}

function whenIdle(run: () => void) {
  // Safari has no `requestIdleCallback`.
  if ("requestIdleCallback" in window) requestIdleCallback(run, { timeout: 500 });
  else setTimeout(run, 200);
}

/** Imports chat.js or crop.js until that succeeds. A browser keeps a failed import, so each try has a URL of its own. */
async function importChat(url: string, tries = 0) {
  try {
    await import(tries ? `${url}?${tries}` : url);
  } catch {
    setTimeout(() => void importChat(url, tries + 1), RETRY_MS);
  }
}
