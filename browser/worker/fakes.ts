// The parts of a browser that the worker needs, for its tests: caches in memory, at a site of their own.

const ORIGIN = "https://campfire.example";
const absolute = (url: string | URL) => new URL(url, ORIGIN).href;

/** How the fake storage behaves. */
export interface Storage {
  /** How many bytes all bodies may have. */
  maxBytes: number;
  /** Whether an entry that is replaced stays in its place, as in WebKit. */
  keepsPlace: boolean;
}

interface Entry {
  request: Request;
  response: Response;
  bytes: number;
}

/** Puts empty caches in place of those of the browser, and returns how they behave, to be changed. */
export function fakeBrowser(): Storage {
  const storage: Storage = { maxBytes: Infinity, keepsPlace: false };
  const stores = new Map<string, Entry[]>();
  const used = () => [...stores.values()].flat().reduce((sum, { bytes }) => sum + bytes, 0);
  const urlOf = (request: RequestInfo | URL) => absolute(typeof request === "object" && "url" in request ? request.url : request);

  const cacheOf = (entries: Entry[]) => ({
    match: async (request: RequestInfo | URL) => entries.find((entry) => entry.request.url === urlOf(request))?.response.clone(),
    keys: async () => entries.map(({ request }) => request),
    addAll: async (paths: string[]) => {
      for (const path of paths) entries.push({ request: new Request(path), response: new Response(path), bytes: path.length });
    },
    put: async (request: RequestInfo | URL, response: Response) => {
      const { headers, status } = response;
      const body = await response.arrayBuffer();
      const at = entries.findIndex((entry) => entry.request.url === urlOf(request));
      if (used() - (entries[at]?.bytes ?? 0) + body.byteLength > storage.maxBytes) throw new DOMException("full", "QuotaExceededError");
      const entry = { request: new Request(request), response: new Response(body, { headers, status }), bytes: body.byteLength };
      if (at >= 0 && storage.keepsPlace) return void (entries[at] = entry);
      if (at >= 0) entries.splice(at, 1);
      entries.push(entry);
    },
    delete: async (request: RequestInfo | URL) => {
      const at = entries.findIndex((entry) => entry.request.url === urlOf(request));
      if (at >= 0) entries.splice(at, 1);
      return at >= 0;
    },
  });
  const caches = {
    keys: async () => [...stores.keys()],
    has: async (name: string) => stores.has(name),
    delete: async (name: string) => stores.delete(name),
    open: async (name: string) => {
      const entries = stores.get(name) ?? [];
      stores.set(name, entries);
      return cacheOf(entries);
    },
    match: async (request: RequestInfo | URL, { cacheName }: { cacheName?: string } = {}) => {
      const found = [...stores].filter(([name]) => !cacheName || name === cacheName).map(([, entries]) => cacheOf(entries).match(request));
      return (await Promise.all(found)).find((response) => response);
    },
  };

  // Where paths are taken, Node takes URLs alone.
  const { Request: NodeRequest } = nodeGlobals;
  class Request extends NodeRequest {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
      super(input instanceof NodeRequest ? input : absolute(input as string), init);
    }
  }
  class Response extends nodeGlobals.Response {
    static override redirect = (url: string | URL, status?: number) => nodeGlobals.Response.redirect(absolute(url), status);
  }
  const indexedDB = { deleteDatabase: () => ({}) };
  Object.assign(globalThis, { Request, Response, caches, indexedDB });
  Object.defineProperty(globalThis, "location", { value: new URL(ORIGIN), configurable: true });
  return storage;
}

const nodeGlobals = { Request, Response };

/** The paths in a cache, in the order of keeping. */
export async function pathsIn(name: string): Promise<string[]> {
  return (await (await caches.open(name)).keys()).map(({ url }) => url.slice(ORIGIN.length));
}
