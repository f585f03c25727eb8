// How much a cache may hold. The key of each entry has its size in a header, so that entries need not be read for it.

const BYTES = "x-bytes";

/** Keeps an answer as the newest entry, and deletes the oldest until at most `count` with `bytes` in all are left. */
export async function keepNewest(cache: Cache, url: string, body: Blob, from: Headers, count: number, bytes: number) {
  const headers = new Headers(from);
  // The body is no longer compressed.
  for (const name of ["content-encoding", "content-length"]) headers.delete(name);
  const size = body.size + [...headers].join().length;
  // Entries are in the order of keeping.
  await cache.delete(url, { ignoreVary: true });
  await cache.put(new Request(url, { headers: { [BYTES]: String(size) } }), new Response(body, { headers }));
  for (const key of [...(await cache.keys())].reverse()) {
    count -= 1;
    bytes -= Number(key.headers.get(BYTES));
    if (count < 0 || bytes < 0) await cache.delete(key, { ignoreVary: true });
  }
}
