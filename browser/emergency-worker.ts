// emergency-worker.js: takes the place of service-worker.js with `--emergency-worker`, for a worker that does harm. It
// deletes what the worker has kept, and unregisters itself; the site then works as without any worker. It answers no
// request, and reloads no page: a page that loads while it is served registers it once more, to the same end.
//
// Subscriptions to notifications end with the registration.

declare const self: ServiceWorkerGlobalScope;

self.addEventListener("install", () => void self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) await caches.delete(name);
      await self.registration.unregister();
    })(),
  );
});
