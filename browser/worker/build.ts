// The files of a build: styles, scripts, WASM and the page for times without a connection. They are kept together, under
// the id of the build, with the pages that need them.

import { cacheOfBuild, cachesOfBuilds, deleteBuild } from "./caches.ts";

declare const self: ServiceWorkerGlobalScope;

/** Which build this worker belongs to, and the paths of its files. `server/build.rs` writes it. */
declare const BUILD: { id: string; files: string[] };

/** The path of the page that is shown when nothing else can be. It is one of the files. */
const OFFLINE = "/offline";

/** The id of the build that this worker belongs to. */
export const buildId = () => BUILD.id;

/** Keeps the files of this build when the worker is installed, and deletes other builds when it takes over. */
export function keepBuild() {
  self.addEventListener("install", (event) => event.waitUntil(install()));
  self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
}

async function install() {
  const name = cacheOfBuild(BUILD.id);
  try {
    // All or none of them.
    await (await caches.open(name)).addAll([...BUILD.files, OFFLINE]);
  } catch (error) {
    await caches.delete(name);
    throw error;
  }
}

async function takeOver() {
  // Where the build before took over meanwhile, it may have deleted this one.
  if (!(await isKept(BUILD.id))) await install().catch(() => {});
  const { installing, waiting } = self.registration;
  for (const build of await cachesOfBuilds()) {
    // One of them may be the next, which is on its way; that deletes the others.
    if (build !== BUILD.id && !installing && !waiting) await deleteBuild(build);
  }
  // The request for a page starts while the worker starts. Not every browser can do that.
  await self.registration.navigationPreload?.enable();
  await self.clients.claim();
}

/** Whether the files of a build are kept. */
export async function isKept(build: string): Promise<boolean> {
  const name = cacheOfBuild(build);
  return (await caches.has(name)) && (await (await caches.open(name)).keys()).length > 0;
}

/** A file of any kept build. One that is neither kept nor on the server is missing: never another page. */
export async function answerFile(request: Request): Promise<Response> {
  return (await caches.match(request, { ignoreSearch: true, ignoreVary: true })) ?? fetch(request);
}

/** The page that is shown when nothing else can be. */
export async function offlinePage(): Promise<Response> {
  const kept = await caches.match(OFFLINE, { cacheName: cacheOfBuild(BUILD.id), ignoreVary: true });
  return kept ?? Response.error();
}
