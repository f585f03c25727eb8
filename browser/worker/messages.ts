// What pages ask of the worker.

import { buildId } from "./build.ts";
import { takeUnsent } from "./outbox.ts";
import { refresh } from "./pages.ts";
import type { ToPage, ToWorker } from "./protocol.ts";

declare const self: ServiceWorkerGlobalScope;

export function receiveMessages() {
  self.addEventListener("message", (event) => {
    const message = event.data as ToWorker;
    switch (message.kind) {
      case "keep":
        // Without a connection, what was kept stays.
        return event.waitUntil(refresh(message.path).catch(() => {}));
      case "unsent":
        return event.waitUntil(takeUnsent(message.person, message.messages).catch(() => {}));
      case "waits":
        return event.waitUntil(answerWaits(event.source, message.build));
      case "take-over":
        return event.waitUntil(self.skipWaiting());
    }
  });
}

/**
 * A page of another build offers the new version. One of this build has it already: if it is the only page, the worker
 * takes over without a word if it waits; if not, others may need the files of their build.
 */
async function answerWaits(source: ExtendableMessageEvent["source"], build: string) {
  if (build !== buildId()) {
    const message: ToPage = { kind: "newer" };
    source?.postMessage(message);
  } else if (self.registration.waiting && (await self.clients.matchAll({ type: "window", includeUncontrolled: true })).length === 1) {
    await self.skipWaiting();
  }
}
