// A push service on this machine, and a browser's subscription at it. Chromium has none of its own in tests: the page is
// given this subscription, and what arrives here is decrypted and delivered to the real service worker.

import { createDecipheriv, createECDH, createPublicKey, hkdfSync, randomBytes, verify } from "node:crypto";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type BrowserContext, type CDPSession, type Page, expect } from "@playwright/test";

/** A push that has arrived. */
export interface Push {
  headers: Record<string, string | string[] | undefined>;
  /** The decrypted text. */
  text: string;
}

export class PushService {
  private readonly keys = createECDH("prime256v1");
  private readonly auth = randomBytes(16);
  private readonly received: Push[] = [];
  private number = 0;
  /** The status of the next answers. */
  status = 201;

  private constructor(private readonly server: Server) {
    this.keys.generateKeys();
  }

  static async start(): Promise<PushService> {
    const server = createServer();
    const service = new PushService(server);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        service.check(String(request.headers.authorization));
        service.received.push({ headers: request.headers, text: service.decrypt(Buffer.concat(chunks)) });
        response.writeHead(service.status).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return service;
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The next push that arrives. */
  async next(): Promise<Push> {
    await expect.poll(() => this.received.length, "a push arrives").toBeGreaterThan(0);
    return this.received.shift()!;
  }

  /** How many pushes have arrived that nobody has asked for. */
  get waiting(): number {
    return this.received.length;
  }

  /** What a browser without a page registers with. */
  registration(): Record<string, string> {
    return {
      endpoint: `${this.origin}/${++this.number}`,
      p256dh_key: this.keys.getPublicKey("base64url"),
      auth_key: this.auth.toString("base64url"),
    };
  }

  /** Gives the pages of a browser subscriptions at this service, in place of the browser's own. */
  async serve(context: BrowserContext) {
    await context.exposeBinding("newEndpoint", () => `${this.origin}/${++this.number}`);
    const keys = { p256dh: this.keys.getPublicKey("base64url"), auth: this.auth.toString("base64url") };
    await context.addInitScript((keys) => {
      const stored = () => JSON.parse(localStorage.getItem("test:subscription") ?? "null") as { endpoint: string; key: string } | null;
      const bytes = (text: string) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0)).buffer;
      const subscription = () => {
        const found = stored();
        return found && {
          endpoint: found.endpoint,
          options: { userVisibleOnly: true, applicationServerKey: bytes(found.key) },
          toJSON: () => ({ endpoint: found.endpoint, keys }),
          unsubscribe: async () => { localStorage.removeItem("test:subscription"); return true; },
        };
      };
      Object.assign(PushManager.prototype, {
        getSubscription: async () => subscription(),
        subscribe: async ({ applicationServerKey: key }: { applicationServerKey: string }) => {
          if (Notification.permission !== "granted") throw new DOMException("no permission", "NotAllowedError");
          const endpoint = await (window as unknown as { newEndpoint: () => Promise<string> }).newEndpoint();
          localStorage.setItem("test:subscription", JSON.stringify({ endpoint, key }));
          return subscription();
        },
      });
    }, keys);
  }

  /** RFC 8292: the token is for this service, and signed by the key beside it. */
  private check(authorization: string) {
    const [, signed, signature, key] = /^vapid t=(.+\..+)\.(.+), k=(.+)$/.exec(authorization) ?? [];
    const point = Buffer.from(key!, "base64url");
    const jwk = { kty: "EC", crv: "P-256", x: point.subarray(1, 33).toString("base64url"), y: point.subarray(33).toString("base64url") };
    const publicKey = createPublicKey({ key: jwk, format: "jwk" });
    const isSigned = verify("sha256", Buffer.from(signed!), { key: publicKey, dsaEncoding: "ieee-p1363" }, Buffer.from(signature!, "base64url"));
    const { aud, exp } = JSON.parse(Buffer.from(signed!.split(".")[1]!, "base64url").toString()) as { aud: string; exp: number };
    if (!isSigned || aud !== this.origin || exp < Date.now() / 1000) throw new Error(`not signed for this service: ${authorization}`);
  }

  /** RFC 8291, by Node's own cryptography. */
  private decrypt(body: Buffer): string {
    const [salt, sender, sealed] = [body.subarray(0, 16), body.subarray(21, 86), body.subarray(86)];
    const derive = (secret: Buffer, salt: Buffer, info: Buffer | string, bytes: number) =>
      Buffer.from(hkdfSync("sha256", secret, salt, Buffer.from(info), bytes));
    const info = Buffer.concat([Buffer.from("WebPush: info\0"), this.keys.getPublicKey(), sender]);
    const material = derive(this.keys.computeSecret(sender), this.auth, info, 32);
    const key = derive(material, salt, "Content-Encoding: aes128gcm\0", 16);
    const nonce = derive(material, salt, "Content-Encoding: nonce\0", 12);
    const decipher = createDecipheriv("aes-128-gcm", key, nonce);
    decipher.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    return padded.subarray(0, padded.lastIndexOf(2)).toString();
  }
}

/** The service worker of a page's origin, as the browser's tools reach it. */
export class Worker {
  private constructor(
    private readonly session: CDPSession,
    private readonly page: Page,
    private readonly registrationId: string,
  ) {}

  static async of(page: Page): Promise<Worker> {
    const session = await page.context().newCDPSession(page);
    const scope = `${new URL(page.url()).origin}/`;
    const found = new Promise<string>((resolve) => {
      session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
        const own = registrations.find((registration) => registration.scopeURL === scope && !registration.isDeleted);
        if (own) resolve(own.registrationId);
      });
    });
    await session.send("ServiceWorker.enable");
    // Ready is also a worker that still takes over, and a push that is delivered to it is lost.
    await page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready;
      while (active && active.state !== "activated") {
        await new Promise((changed) => active.addEventListener("statechange", changed, { once: true }));
      }
    });
    return new Worker(session, page, await found);
  }

  /** Delivers a push, as the browser does when it has come from its push service. */
  async deliver(text: string) {
    const origin = new URL(this.page.url()).origin;
    await this.session.send("ServiceWorker.deliverPushMessage", { origin, registrationId: this.registrationId, data: text });
  }

  /** The notifications that are shown, as the browser reports them. */
  async notifications(): Promise<{ title: string; body: string; tag: string; data: unknown }[]> {
    return this.page.evaluate(async () => {
      const registration = await navigator.serviceWorker.ready;
      return (await registration.getNotifications()).map(({ title, body, tag, data }) => ({ title, body, tag, data: data as unknown }));
    });
  }

  /** Clicks the notification with a tag, as far as the service worker can tell. */
  async click(tag: string) {
    const worker = this.page.context().serviceWorkers()[0]!;
    await worker.evaluate(async (tag) => {
      const scope = globalThis as unknown as { registration: ServiceWorkerRegistration; dispatchEvent: (event: Event) => boolean };
      const [notification] = await scope.registration.getNotifications({ tag });
      const Click = (globalThis as unknown as { NotificationEvent: new (type: string, init: object) => Event }).NotificationEvent;
      scope.dispatchEvent(new Click("notificationclick", { notification }));
    }, tag);
  }
}
