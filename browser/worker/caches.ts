// The caches and their names: the files of each build; the pages of a build and a person; the files that a person has
// seen, shares, or has not sent. A build goes with its pages, and a person with everything that is theirs.

/** The database with the files on their way (`app/src/uploader/kept_files.rs`), which are a person's, too. */
const DATABASE = "campfire";

export const cacheOfBuild = (build: string) => `build/${build}`;
export const cacheOfPages = (build: string, person: string) => `pages/${build}/${person}`;
export const cacheOfSeen = (person: string) => `seen/${person}`;
export const cacheOfOutbox = (person: string) => `outbox/${person}`;
export const cacheOfShared = (person: string) => `shared/${person}`;

/** In the name of a cache: something was shared before it was known who is signed in. */
export const NOBODY = "nobody";

/** The builds whose files are kept. */
export async function cachesOfBuilds(): Promise<string[]> {
  return (await caches.keys()).flatMap((name) => (name.startsWith("build/") ? [name.slice("build/".length)] : []));
}

/** The caches with pages, with the build and the person of each. */
export async function cachesOfPages(): Promise<{ name: string; build: string; person: string }[]> {
  return (await caches.keys()).flatMap((name) => {
    const [kind, build, person] = name.split("/");
    return kind === "pages" && build && person ? [{ name, build, person }] : [];
  });
}

/** Deletes a build: first its pages, so that none is without its files. */
export async function deleteBuild(build: string) {
  for (const pages of await cachesOfPages()) {
    if (pages.build === build) await caches.delete(pages.name);
  }
  await caches.delete(cacheOfBuild(build));
}

/**
 * Counts the changes of who is signed in. What was requested before such a change is not kept after it. A worker that is
 * stopped meanwhile has lost the request, too.
 */
let changes = 0;

/** The present count of changes. */
export const changeCount = () => changes;

/** Notes that somebody signs in or out: requests that are under way may be those of the person before. */
export function personChanges() {
  changes += 1;
}

/** Notes who is signed in. What is kept of anybody else is deleted. */
export async function personIs(person: string) {
  await deletePrivate((other) => other !== person && other !== NOBODY);
}

/** Deletes what is kept of everybody: nobody is signed in. */
export async function forgetEverybody() {
  await deletePrivate(() => true);
  indexedDB.deleteDatabase(DATABASE);
}

async function deletePrivate(isOf: (person: string) => boolean) {
  for (const name of await caches.keys()) {
    const person = name.split("/").at(-1) ?? "";
    if (!name.startsWith("build/") && isOf(person)) {
      changes += 1;
      await caches.delete(name);
    }
  }
}

/** Deletes the caches of these kinds. */
export async function deleteKinds(...kinds: string[]) {
  for (const name of await caches.keys()) if (kinds.some((kind) => name.startsWith(`${kind}/`))) await caches.delete(name);
}

/** Whose pages are kept, if any are. */
export async function knownPerson(): Promise<string | undefined> {
  return (await cachesOfPages())[0]?.person;
}
