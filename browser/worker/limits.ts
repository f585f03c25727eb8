// How much a cache may hold. The key of each entry has its size in a header, so that entries need not be read for it.

import { deleteKinds } from "./caches.ts";

const BYTES = "x-bytes";

/**
 * Keeps an answer as the newest entry of the cache of this name, and deletes the oldest until at most `count` with `bytes`
 * in all are left. A page that is there already goes only once the new one is kept. Where the storage is full, it takes
 * the place of pictures, which can be loaded again, and of what was shared.
 */
export async function keepNewest(name: string, url: string, body: Blob, from: Headers, count: number, bytes: number) {
  const headers = new Headers(from);
  // The body is no longer compressed.
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  const size = body.size + [...headers].join().length;
  const key = new Request(url, { headers: { [BYTES]: String(size) } });
  const put = async (replaces: boolean) => {
    const cache = await caches.open(name);
    if (replaces) await cache.delete(url, { ignoreVary: true });
    await cache.put(key, new Response(body, { headers }));
    return { cache, keys: await cache.keys() };
  };
  const isPicture = name.startsWith("seen/");
  let { cache, keys } = await put(isPicture).catch(async (error: unknown) => {
    if (isPicture) throw error;
    await deleteKinds("shared", "seen");
    return put(false);
  });
  // Entries are in the order of keeping. Some engines put one in the place of that before.
  if (!isPicture && keys.at(-1)?.url !== key.url) ({ cache, keys } = await put(true));
  for (const key of [...keys].reverse()) {
    count -= 1;
    bytes -= Number(key.headers.get(BYTES));
    if (count < 0 || bytes < 0) await cache.delete(key, { ignoreVary: true });
  }
}
