// Notifications: the page that turns them on, the bell, and what the service worker shows.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium } from "@playwright/test";
import { Person, expect, test as base } from "./people.ts";
import { PushService, Worker } from "./push-service.ts";

type Cast = {
  service: PushService;
  /** Grace, in a browser that keeps permissions: private windows refuse notifications. */
  grace: Person;
};

const test = base.extend<Cast>({
  service: async ({}, use) => {
    const service = await PushService.start();
    await use(service);
    service.stop();
  },
  grace: async ({ campfire, service }, use, { project }) => {
    const folder = await mkdtemp(join(tmpdir(), "campfire-profile-"));
    const context: BrowserContext = await chromium.launchPersistentContext(folder, {
      ...project.use.launchOptions,
      serviceWorkers: "allow",
      viewport: { width: 1280, height: 800 },
    });
    await service.serve(context);
    const grace = Person.of(context.pages()[0] ?? (await context.newPage()), campfire, "Grace");
    await use(grace);
    await context.close();
    await rm(folder, { recursive: true, force: true });
    expect(grace.complaints).toEqual([]);
  },
});

// One after the other: of two browsers at a time on one machine, one shows no notifications.
test.describe.configure({ mode: "default" });

const PAGE = "/users/me/push_subscriptions";
const state = (person: Person) => person.page.locator("[data-push-state]");
const allow = (person: Person) => person.page.context().grantPermissions(["notifications"], { origin: person.campfire.url });

/** Grace in All Talk, which she follows; Ada is its administrator. */
async function bothInAllTalk(ada: Person, grace: Person) {
  await ada.setUp();
  await grace.join(await ada.invitation());
  await grace.live();
  await ada.live();
}

async function turnOn(grace: Person) {
  await allow(grace);
  await grace.goto(PAGE);
  await grace.page.getByRole("button", { name: "Turn on" }).click();
  await expect(state(grace)).toHaveText("This device gets notifications.");
}

test("a notification is shown by the browser, opens its room, and closes once the room is read", async ({ person, grace, service }) => {
  const ada = await person("Ada");
  await bothInAllTalk(ada, grace);
  const room = new URL(ada.page.url()).pathname;
  await turnOn(grace);
  await ada.write("hello @Grace, how are you?");
  const { text, headers } = await service.next();
  expect(headers).toMatchObject({ ttl: expect.stringMatching(/^86[34]..$/), urgency: "high", "content-encoding": "aes128gcm" });
  const worker = await Worker.of(grace.page);
  await worker.deliver(text);
  const tag = `room-${room.split("/").at(-1)}`;
  await expect.poll(() => worker.notifications()).toMatchObject([{ title: "All Talk", body: "Ada: hello @Grace, how are you?", tag }]);

  await ada.write("@Grace once more");
  await worker.deliver((await service.next()).text);
  await expect.poll(() => worker.notifications()).toMatchObject([{ body: "Ada: @Grace once more", tag }]);

  await worker.click(tag);
  await expect(grace.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await expect(grace.message("once more")).toBeVisible();
  expect(grace.page.context().pages()).toHaveLength(1);
  await expect.poll(() => worker.notifications()).toEqual([]);

  // Whoever looks at the room gets none.
  await ada.write("@Grace you see this");
  await expect(grace.message("you see this")).toBeVisible();
  await grace.goto(PAGE);
  await ada.write("@Grace and this you do not");
  expect(JSON.parse((await service.next()).text)).toMatchObject({ notification: { body: "Ada: @Grace and this you do not" } });
  expect(service.waiting).toBe(0);
});

test("whatever arrives is shown, and only pages of the site are opened", async ({ person, grace }) => {
  const ada = await person("Ada");
  await bothInAllTalk(ada, grace);
  await turnOn(grace);
  const worker = await Worker.of(grace.page);
  for (const text of ["", "no JSON", "null", "[]", '{"notification":null}', '{"notification":{"title":7}}', '{"web_push":8030}']) {
    await worker.deliver(text);
    await expect.poll(async () => (await worker.notifications()).length, text).toBe(1);
    await grace.page.evaluate(async () => {
      for (const shown of await (await navigator.serviceWorker.ready).getNotifications()) shown.close();
    });
    await expect.poll(async () => (await worker.notifications()).length, text).toBe(0);
  }
  await worker.deliver(JSON.stringify({ notification: { title: "Elsewhere", navigate: "https://evil.example/x", tag: "evil" } }));
  await expect.poll(() => worker.notifications()).toHaveLength(1);
  await worker.click("evil");
  await expect(grace.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  expect(new URL(grace.page.url()).origin).toBe(grace.campfire.url);
});

test("the page says what is wrong, and the bell marks a device that gets none", async ({ person, grace, service }) => {
  const ada = await person("Ada");
  await bothInAllTalk(ada, grace);
  const bell = grace.page.locator("html");
  await expect(bell).toHaveAttribute("data-pushes", "off");
  await grace.page.locator(".bell > summary").click();
  await grace.page.getByRole("link", { name: /Notifications on this device ?: off/ }).click();
  await expect(state(grace)).toHaveText(/gets no notifications yet. The browser asks/);
  await grace.isAccessible("notifications, off");

  // The permission is refused, and given later in the settings of the browser.
  const session = await grace.page.context().newCDPSession(grace.page);
  const set = (setting: string) => session.send("Browser.setPermission", { permission: { name: "notifications" }, setting: setting as "granted", origin: grace.campfire.url });
  await set("denied");
  await grace.goto(PAGE);
  await expect(state(grace)).toHaveText(/they are blocked for this site/);
  await expect(grace.page.getByRole("button", { name: "Turn on" })).toBeHidden();
  await expect(grace.page.locator("[data-push-help=browser]")).toHaveAttribute("open", "");
  await set("granted");
  await grace.goto(PAGE);
  await expect(state(grace)).toHaveText("Notifications are turned off on this device.");
  await grace.page.getByRole("button", { name: "Turn on" }).click();
  await expect(state(grace)).toHaveText("This device gets notifications.");
  await expect(bell).toHaveAttribute("data-pushes", "on");
  await grace.isAccessible("notifications, on");
  const device = grace.page.locator(".push__device");
  await expect(device).toContainText("This device");

  await device.getByRole("button", { name: "Send a test" }).click();
  await expect(grace.page.getByText("The test is on its way.")).toBeVisible();
  expect(JSON.parse((await service.next()).text)).toMatchObject({ notification: { title: "Campfire test" } });
  service.status = 403;
  await device.getByRole("button", { name: "Send a test" }).click();
  await expect(device).toContainText("refused the key of this Campfire (403)");

  await grace.page.getByRole("button", { name: "Turn off on this device" }).click();
  await expect(state(grace)).toHaveText("Notifications are turned off on this device.");
  await expect(device).toHaveCount(0);
  // Taken back in the browser: the page says so.
  await set("denied");
  await grace.goto("/");
  await expect(bell).toHaveAttribute("data-pushes", "off");
});

test("a device of another key subscribes anew without a question", async ({ person, grace, service }) => {
  const ada = await person("Ada");
  await bothInAllTalk(ada, grace);
  await turnOn(grace);
  const before = await grace.page.evaluate(() => localStorage.getItem("test:subscription"));
  // As if the server's key had been another one, and the server had been told nothing since.
  await grace.page.evaluate(() => {
    const stored = JSON.parse(localStorage.getItem("test:subscription") ?? "") as { endpoint: string; key: string };
    const other = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    localStorage.setItem("test:subscription", JSON.stringify({ ...stored, key: other }));
    localStorage.removeItem("campfire:push");
  });
  grace.forgive(/status of 409/);
  await grace.goto("/");
  await expect(grace.page.locator("html")).toHaveAttribute("data-pushes", "on");
  const after = await grace.page.evaluate(() => localStorage.getItem("test:subscription"));
  expect(after).not.toBe(before);
  await grace.goto(PAGE);
  await ada.write("@Grace still there?");
  expect(JSON.parse((await service.next()).text)).toMatchObject({ notification: { body: "Ada: @Grace still there?" } });
});

test("signing out ends the pushes of the device", async ({ campfire, person, grace, service }) => {
  const ada = await person("Ada");
  await bothInAllTalk(ada, grace);
  const link = await ada.invitation();
  await turnOn(grace);
  await grace.goto("/users/me/profile");
  await grace.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(grace.page.getByLabel("Password")).toBeVisible();
  const bob = await person("Bob");
  await bob.join(link);
  await bob.page.request.post(campfire.url + PAGE, { form: service.registration() });
  await bob.page.goto("about:blank");
  await ada.write("@Grace are you there?");
  await ada.write("@Grace @Bob hello?");
  // Those of a message are sent at once, and those of the one before it have been by then.
  expect(JSON.parse((await service.next()).text)).toMatchObject({ notification: { body: "Ada: @Grace @Bob hello?" } });
  expect(service.waiting).toBe(0);
});
