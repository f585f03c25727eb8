// service-worker.js: the service worker, served at `/service-worker.js`. It keeps what was read for times without a
// connection, is told of updates by the pages, and shows pushes. The build step puts `BUILD` before it (`server/build.rs`), so that each
// build of Campfire has a worker of its own; `emergency-worker.ts` takes its place when it has to go.
//
// Each part adds its listeners while the script runs: a listener that is added later misses the event that started the
// worker.

import { keepBuild } from "./worker/build.ts";
import { receiveMessages } from "./worker/messages.ts";
import { sendWhenConnected } from "./worker/outbox.ts";
import { receivePushes } from "./worker/push.ts";
import { answerRequests } from "./worker/requests.ts";

keepBuild();
answerRequests();
receiveMessages();
sendWhenConnected();
receivePushes();
