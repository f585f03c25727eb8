import assert from "node:assert/strict";
import { test } from "node:test";
import { keepBuild } from "./build.ts";
import { fakeBrowser, pathsIn } from "./fakes.ts";

/** Runs the worker of the build `new` to the point where it takes over. */
async function takeOver(registration: { installing?: object; waiting?: object }, files: string[]) {
  fakeBrowser();
  const listeners = new Map<string, (event: { waitUntil: (work: Promise<void>) => void }) => void>();
  const self = { registration, clients: { claim: async () => {} }, addEventListener: listeners.set.bind(listeners) };
  Object.assign(globalThis, { self, BUILD: { id: "new", files: ["/a.js"] } });
  for (const name of ["build/old", "pages/old/1", "build/next", "seen/1"]) await (await caches.open(name)).put("/x", new Response("x"));
  for (const path of files) await (await caches.open("build/new")).put(path, new Response("script"));
  keepBuild();
  await new Promise<void>((resolve, reject) => listeners.get("activate")?.({ waitUntil: (work) => void work.then(resolve, reject) }));
}

test("a build that takes over deletes the others with their pages", async () => {
  await takeOver({}, ["/a.js"]);
  assert.deepEqual(await caches.keys(), ["seen/1", "build/new"]);
});

for (const state of ["installing", "waiting"] as const) {
  test(`a build that takes over while the next one is ${state} leaves that its files`, async () => {
    await takeOver({ [state]: {} }, ["/a.js"]);
    assert.deepEqual(await pathsIn("build/next"), ["/x"]);
  });
}

test("a build whose files were deleted meanwhile is installed again", async () => {
  await takeOver({}, []);
  assert.deepEqual(await pathsIn("build/new"), ["/a.js", "/offline"]);
});
