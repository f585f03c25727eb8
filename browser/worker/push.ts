// Pushes: shows each one, whatever it contains. A push that shows nothing would cost the subscription: iOS ends it after
// three. The server decides who gets one. A browser that knows declarative pushes shows them itself, without this.

import type { ToPage, ToWorker } from "./protocol.ts";

declare const self: ServiceWorkerGlobalScope;

/** A declarative push (`crates/push/src/notification.rs`). */
interface Push {
  notification?: ({ title?: string; navigate?: string } & NotificationOptions) | null;
  app_badge?: number;
}

/** The device's subscriptions: POST registers one. */
const SUBSCRIPTIONS = "/users/me/push_subscriptions";
/** The key that the server signs pushes with. */
const KEY = "/users/me/push_key";
/** How long a page may take to say that it opens a room, in milliseconds. */
const ANSWER_MS = 1_000;

export function receivePushes() {
  self.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
  self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    event.waitUntil(open(ownUrl(event.notification.data)));
  });
  self.addEventListener("pushsubscriptionchange", (event) => (event as ExtendableEvent).waitUntil(subscribeAgain()));
  self.addEventListener("message", (event) => {
    const message = event.data as ToWorker;
    // Whoever has the room in view needs no notification of it.
    const room = message.kind === "keep" && /^\/rooms\/(\d+)/.exec(message.path);
    if (room) event.waitUntil(Promise.all([close(`room-${room[1]}`), close(`room-${room[1]}-talk`)]));
  });
}

function read(data: PushMessageData | null): Push {
  try {
    return (data?.json() as Push | null) ?? {};
  } catch {
    return {};
  }
}

async function show({ notification, app_badge: badge }: Push) {
  const { title = "Campfire", navigate, tag = "other", ...options } = notification ?? {};
  const body = options.body ?? "Something is new.";
  try {
    await self.registration.showNotification(title, { ...options, body, tag, data: navigate });
  } catch {
    await self.registration.showNotification("Campfire", { body, tag: "other" });
  }
  // Not every browser has a badge; one without permission refuses it.
  if (typeof badge === "number") await self.navigator.setAppBadge?.(badge).catch(() => {});
}

async function close(tag: string) {
  for (const notification of await self.registration.getNotifications({ tag })) notification.close();
}

/** The URL, if it is one of this site; the home page otherwise. */
function ownUrl(navigate: unknown): URL {
  const home = new URL("/", self.location.origin);
  try {
    const url = new URL(String(navigate), home);
    return url.origin === home.origin ? url : home;
  } catch {
    return home;
  }
}

/** Opens a page in a window of the site: in one that shows it, in any, or in a new one. */
async function open(url: URL) {
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = windows.find((window) => new URL(window.url).pathname === url.pathname) ?? windows[0];
  if (!page) return void (await self.clients.openWindow(url.href));
  await page.focus().catch(() => {});
  if (await asks(page, url.pathname)) return;
  // A page that does not answer is still loading, or is no page of the chat.
  await page.navigate(url.href).catch(() => self.clients.openWindow(url.href));
}

/** Asks a page to open a path. Whether it does. */
function asks(page: WindowClient, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(true);
    setTimeout(() => resolve(false), ANSWER_MS);
    const message: ToPage = { kind: "open", path };
    page.postMessage(message, [port2]);
  });
}

/** The push service has ended the subscription, or is about to. */
async function subscribeAgain() {
  const key = await fetch(KEY);
  if (!key.ok) return;
  const options = { userVisibleOnly: true, applicationServerKey: await key.text() };
  const subscription = await self.registration.pushManager.subscribe(options);
  const { endpoint, keys } = subscription.toJSON();
  const body = new URLSearchParams({
    endpoint: endpoint ?? "",
    p256dh_key: keys?.p256dh ?? "",
    auth_key: keys?.auth ?? "",
    server_key: options.applicationServerKey,
  });
  const { status } = await fetch(SUBSCRIPTIONS, { method: "POST", body });
  // The person has removed this device.
  if (status === 410) await subscription.unsubscribe();
}
