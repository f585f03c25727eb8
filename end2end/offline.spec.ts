// The service worker: reading without a connection, updates, and what is forgotten with the person.

import { deployAnother } from "./deploy.ts";
import { expect, type Person, test } from "./people.ts";

test.use({ serviceWorkers: "allow" });

/** Waits until the page of a room is kept, with the text of a message. */
async function kept(person: Person, path: string, text: string) {
  const has = (path: string) => caches.match(path).then((page) => page?.text());
  await expect.poll(() => person.page.evaluate(has, path), { message: `${path} is kept` }).toContain(text);
}

/** What the browser keeps of anybody. */
const keptOfAnybody = (person: Person) =>
  person.page.evaluate(async () => {
    const names = (await caches.keys()).filter((name) => !name.startsWith("build/"));
    const databases = await indexedDB.databases();
    return [...names, ...databases.map(({ name }) => name), ...Object.keys(localStorage)];
  });

/** What says that the page is a kept one. */
const offlineNotice = (person: Person) => person.page.getByRole("status").filter({ hasText: /^Offline, as of .*\d/ });

/** Opens the page of a room that is kept with this message. */
async function read(person: Person, path: string, text: string) {
  // A page that is loaded before the worker is there is kept as it was before.
  await expect.poll(() => person.page.evaluate(() => navigator.serviceWorker.controller?.state)).toBe("activated");
  // What was just written is stored first: the page would be kept without it.
  await expect(person.page.getByRole("list", { name: "On their way" }).getByRole("listitem")).toHaveCount(0);
  await person.goto(path);
  await person.live();
  await person.comfortable();
  if (text) await expect(person.message(text)).toBeVisible();
  await kept(person, path, text);
}

test("a room that was read is there while the server is down, says of when, and goes on afterwards", async ({ campfire, twoPeople: { ada, bob } }) => {
  for (const person of [ada, bob]) person.forgiveLostConnections();
  await ada.write("read me in the tunnel");
  await read(ada, "/rooms/1", "read me in the tunnel");
  await campfire.kill();
  await ada.page.reload();
  await expect(ada.message("read me in the tunnel")).toBeVisible();
  await expect(offlineNotice(ada)).toBeVisible();
  await ada.live();
  await ada.isAccessible("offline");
  await ada.write("written in the tunnel");
  await campfire.run();
  await expect(bob.message("written in the tunnel")).toBeVisible({ timeout: 30_000 });
  await expect(offlineNotice(ada)).toHaveCount(0);
  await expect(ada.message("written in the tunnel")).toHaveCount(1);
});

test("rooms that were read can be switched between without a connection, others cannot", async ({ campfire, twoPeople: { ada, bob } }) => {
  for (const person of [ada, bob]) person.forgiveLostConnections();
  ada.forgive(/ERR_FAILED/);
  await ada.makeClosedRoom("Unread");
  await ada.makeClosedRoom("Club");
  const club = new URL(ada.page.url()).pathname;
  await ada.write("in the club");
  await expect(ada.message("in the club")).toBeVisible();
  await read(ada, club, "in the club");
  // Without loading a document.
  await ada.roomLink("All Talk").click();
  await expect(ada.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await kept(ada, "/rooms/1", "All Talk");

  await campfire.kill();
  await ada.roomLink("Club").click();
  await expect(ada.message("in the club")).toBeVisible();
  await expect(offlineNotice(ada)).toBeVisible();
  await ada.live();
  await ada.roomLink("All Talk").click();
  await expect(ada.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await expect(offlineNotice(ada)).toBeVisible();
  // From the start of the app, and by a link to a message: to the room.
  await ada.goto("/");
  await expect(ada.page).toHaveURL(/\/rooms\/\d+$/);
  await expect(offlineNotice(ada)).toBeVisible();
  await ada.goto(`${club}/@1`);
  await expect(ada.message("in the club")).toBeVisible();
  // What was never read, and settings, are not there.
  for (const path of ["/rooms/77", "/users/me/profile"]) {
    await ada.goto(path);
    await expect(ada.page.getByRole("heading", { name: "Offline" })).toBeVisible();
    await expect(ada.page).toHaveURL(ada.campfire.url + path);
  }
  await campfire.run();
  await ada.page.getByRole("link", { name: "Try again" }).click();
  await expect(ada.page.getByRole("heading", { name: "Your profile" })).toBeVisible();
});

test("a server that hangs is waited for two and a half seconds", async ({ campfire, twoPeople: { ada } }) => {
  ada.forgiveLostConnections();
  await ada.write("kept");
  await read(ada, "/rooms/1", "kept");
  campfire.pause();
  const begun = Date.now();
  await ada.page.goto(`${campfire.url}/rooms/1`, { waitUntil: "commit" });
  await expect(ada.message("kept")).toBeVisible();
  expect(Date.now() - begun).toBeGreaterThan(2_000);
  await expect(offlineNotice(ada)).toBeVisible();
  campfire.goOn();
  await expect(offlineNotice(ada)).toHaveCount(0, { timeout: 30_000 });
  // From the start of the app, which leads to the room, not twice as long.
  campfire.pause();
  const begunAgain = Date.now();
  await ada.page.goto(campfire.url, { waitUntil: "commit" });
  await expect(ada.message("kept")).toBeVisible();
  expect(Date.now() - begunAgain).toBeLessThan(4_500);
  await expect(ada.page).toHaveURL(/\/rooms\/1$/);
  campfire.goOn();
});

test("what was not sent before another person signed in is not sent as that one's", async ({ campfire, twoPeople: { ada, bob } }) => {
  ada.forgiveLostConnections();
  ada.forgive(/401/);
  await ada.write("hello");
  await read(ada, "/rooms/1", "hello");
  await ada.page.context().setOffline(true);
  await ada.write("of Ada alone");
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(1);
  // Bob, in the same browser: no page of it has told it to forget Ada.
  await ada.page.evaluate(() => document.body.setAttribute("what-ada-kept", ""));
  await ada.page.context().addCookies(await bob.page.context().cookies(campfire.url));
  await ada.page.context().setOffline(false);
  await expect(ada.page.locator("[what-ada-kept]")).toHaveCount(0, { timeout: 30_000 });
  await expect(ada.page.locator(".sidebar__profile .sidebar__name")).toHaveText("Bob");
  await ada.live();
  await ada.write("of Bob");
  await expect(bob.message("of Bob")).toBeVisible();
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  expect(await bob.texts()).not.toContain("of Ada alone");
  // It waits for Ada.
  expect(await ada.page.evaluate(() => Object.entries(localStorage).filter(([key]) => key.includes("outbox")).map(([, value]) => value).join())).toContain("of Ada alone");
  const people = () => ada.page.evaluate(async () => (await caches.keys()).filter((name) => name.startsWith("pages/")).map((name) => name.split("/")[2]));
  const id = await bob.page.locator(".sidebar__profile [data-person]").getAttribute("data-person");
  await expect.poll(people, { message: "whose pages are kept" }).toEqual([id]);
});

test("after a deploy, a page is whole without a connection: of the old build before, of the new one after", async ({ campfire, twoPeople: { ada } }) => {
  ada.forgiveLostConnections();
  ada.forgive(/404/);
  await ada.write("before the deploy");
  await read(ada, "/rooms/1", "before the deploy");
  const build = () => ada.page.locator("script[data-build]").getAttribute("data-build");
  const before = await build();

  // Deployed while nobody is here: the old build is whole.
  const deploy = await deployAnother(campfire);
  const isWhole = async () => {
    await expect(ada.message("before the deploy")).toBeVisible();
    await ada.live();
    await ada.comfortable();
    expect(await ada.page.evaluate(() => getComputedStyle(document.querySelector(".composer textarea")!).resize)).toBe("none");
  };
  await ada.page.context().setOffline(true);
  await ada.page.reload();
  await isWhole();
  expect(await build()).toBe(before);

  // A page of the new build, whose worker takes over as no other page is open.
  await ada.page.context().setOffline(false);
  await ada.page.reload();
  await isWhole();
  expect(await build()).toBe(deploy.build);
  const builds = () => ada.page.evaluate(async () => (await caches.keys()).filter((name) => !name.startsWith("seen/")).sort());
  const person = await ada.page.evaluate(async () => (await caches.keys()).find((name) => name.startsWith("pages/"))?.split("/")[2]);
  await expect.poll(builds).toEqual([`build/${deploy.build}`, `pages/${deploy.build}/${person}`]);
  await ada.page.context().setOffline(true);
  await ada.page.reload();
  await isWhole();
  expect(await build()).toBe(deploy.build);
  // A file of the build before is missing, and no page comes in its place.
  await ada.page.context().setOffline(false);
  const old = new URL(await ada.page.locator("script[data-wasm]").getAttribute("data-wasm") ?? "", campfire.url).pathname;
  const missing = old.replace(/[0-9a-f]{16}/, (name) => [...name].reverse().join(""));
  const answer = await ada.page.evaluate(async (path) => {
    const { status, headers } = await fetch(path, { cache: "no-store" });
    return [status, headers.get("content-type")];
  }, missing);
  expect(answer).toEqual([404, null]);
  await deploy.end();
});

test("an open page offers the new version, and keeps what is being written", async ({ campfire, twoPeople: { ada } }) => {
  ada.forgiveLostConnections();
  ada.forgive(/404/);
  await ada.write("hello");
  await read(ada, "/rooms/1", "hello");
  const other = await ada.page.context().newPage();
  await other.goto(`${campfire.url}/rooms/1`);
  await expect(other.locator("html[data-chat-ready]")).toBeAttached();
  const deploy = await deployAnother(campfire);
  await ada.composer.fill("half a sente");
  // What a browser does when the page is looked at again.
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  const offer = ada.page.getByRole("status").filter({ hasText: "A new version is there." });
  await expect(offer).toBeVisible();
  await ada.page.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
  await ada.isAccessible("the offer of a new version");
  await expect(offer).toHaveCount(1);
  // Another tab, whose offer was overlooked.
  const otherOffer = other.getByRole("status").filter({ hasText: "A new version is there." });
  await expect(otherOffer).toBeVisible();
  await otherOffer.evaluate((toast) => toast.remove());
  await ada.page.getByRole("button", { name: "Reload" }).click();
  await expect(ada.page.locator(`script[data-build="${deploy.build}"]`)).toBeAttached();
  await ada.live();
  await expect(ada.composer).toHaveValue("half a sente");
  // The worker has taken over, with the other tab of the version before.
  await expect(otherOffer).toHaveCount(1);
  await other.getByRole("button", { name: "Reload" }).click();
  await expect(other.locator(`script[data-build="${deploy.build}"]`)).toBeAttached();
  await deploy.end();
});

test("a page whose WASM is gone is loaded once more, and works without it if that does not help", async ({ twoPeople: { ada } }) => {
  ada.forgive(/404|could not start/);
  await ada.page.context().route("**/campfire.wasm", (route) => route.fulfill({ status: 404 }));
  await ada.page.evaluate(async () => {
    for (const name of await caches.keys()) await caches.delete(name);
    for (const worker of await navigator.serviceWorker.getRegistrations()) await worker.unregister();
  });
  let loads = 0;
  ada.page.on("domcontentloaded", () => (loads += 1));
  await ada.goto("/rooms/1");
  await expect.poll(() => loads).toBe(2);
  await expect(ada.page.locator("script[data-loader]")).toHaveCount(0);
  await ada.composer.fill("without the WASM");
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(ada.message("without the WASM")).toBeVisible();
});

test("signing out deletes what was kept, and the next person sees nothing of it", async ({ twoPeople: { ada, bob } }) => {
  ada.forgiveLostConnections();
  await ada.makeClosedRoom("Secret");
  const secret = new URL(ada.page.url()).pathname;
  await ada.write("nobody else may read this");
  await read(ada, secret, "nobody else may read this");
  await ada.composer.fill("nor this draft");
  expect(await keptOfAnybody(ada)).not.toEqual([]);
  await ada.goto("/users/me/profile");
  await ada.page.getByRole("button", { name: "Sign out" }).first().click();
  await expect(ada.page.getByRole("button", { name: "Sign in" })).toBeVisible();
  await expect.poll(() => keptOfAnybody(ada)).toEqual([]);
  // Bob, in the same browser.
  await ada.page.getByLabel("E-mail address").fill(bob.emailAddress);
  await ada.page.getByLabel("Password").fill("correct horse");
  await ada.page.getByRole("button", { name: "Sign in" }).click();
  await expect(ada.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await ada.write("Bob is here");
  await read(ada, "/rooms/1", "Bob is here");
  await ada.page.context().setOffline(true);
  await ada.page.reload();
  await expect(offlineNotice(ada)).toBeVisible();
  await ada.goto(secret);
  await expect(ada.page.getByRole("heading", { name: "Offline" })).toBeVisible();
  expect(await ada.page.evaluate(async () => {
    const pages = await Promise.all((await caches.keys()).map(async (name) => {
      const cache = await caches.open(name);
      return Promise.all((await cache.keys()).map(async (key) => (await cache.match(key))?.text()));
    }));
    return pages.flat().join("");
  })).not.toContain("nobody else may read this");
});

test("a session that was ended elsewhere ends with what was kept", async ({ person, twoPeople: { ada } }) => {
  ada.forgiveLostConnections();
  ada.forgive(/401/);
  await ada.write("of the lost phone");
  await read(ada, "/rooms/1", "of the lost phone");
  const desk = await person("Desk");
  await desk.goto("/session/new");
  await desk.page.getByLabel("E-mail address").fill(ada.emailAddress);
  await desk.page.getByLabel("Password").fill("correct horse");
  await desk.page.getByRole("button", { name: "Sign in" }).click();
  await desk.goto("/users/me/profile");
  desk.page.on("dialog", (dialog) => void dialog.accept());
  await desk.page.getByRole("button", { name: "Sign out all other devices" }).click();
  await expect(ada.page.getByRole("button", { name: "Sign in" })).toBeVisible({ timeout: 20_000 });
  await expect.poll(() => keptOfAnybody(ada)).toEqual([]);
  await ada.page.context().setOffline(true);
  await ada.page.goto(`${ada.campfire.url}/rooms/1`).catch(() => {});
  await expect(ada.page.getByText("of the lost phone")).toHaveCount(0);
});

test("a session that expires without a connection ends with what was kept as soon as there is one", async ({ campfire, twoPeople: { ada, bob } }) => {
  for (const person of [ada, bob]) person.forgiveLostConnections();
  ada.forgive(/401/);
  await ada.write("kept for now");
  await read(ada, "/rooms/1", "kept for now");
  await campfire.kill();
  await ada.page.reload();
  await expect(ada.message("kept for now")).toBeVisible();
  await ada.page.context().clearCookies();
  await ada.write("too late");
  await campfire.run();
  await expect(ada.page.getByRole("button", { name: "Sign in" })).toBeVisible({ timeout: 30_000 });
  await expect.poll(() => keptOfAnybody(ada)).toEqual([]);
});

test("what a closed page could not send is sent by the worker, once", async ({ campfire, twoPeople: { ada, bob } }) => {
  for (const person of [ada, bob]) person.forgiveLostConnections();
  await ada.write("hello");
  await read(ada, "/rooms/1", "hello");
  const other = await ada.page.context().newPage();
  await other.goto(`${campfire.url}/users/me/profile`);
  await campfire.kill();
  await ada.write("first, and then closed");
  await ada.write("second");
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(2);
  await ada.page.close();
  const handedOver = () => other.evaluate(async () => (await caches.open((await caches.keys()).find((name) => name.startsWith("outbox/")) ?? "none")).keys().then((keys) => keys.length));
  await expect.poll(handedOver).toBe(2);
  // The browser is told that there is a connection, as it would find out by itself.
  const session = await other.context().newCDPSession(other);
  const registration = new Promise<string>((resolve) => {
    session.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => registrations[0] && resolve(registrations[0].registrationId));
  });
  await session.send("ServiceWorker.enable");
  const registrationId = await registration;
  await campfire.run();
  await session.send("ServiceWorker.dispatchSyncEvent", { origin: campfire.url, registrationId, tag: "outbox", lastChance: false });
  await expect(bob.message("second")).toBeVisible();
  expect((await bob.texts()).slice(-2)).toEqual(["first, and then closed", "second"]);
  await expect.poll(handedOver).toBe(0);
  // The next page finds its own copies, and sends nothing twice.
  await other.goto(`${campfire.url}/rooms/1`);
  await expect(other.locator(".message--outgoing")).toHaveCount(0);
  await expect.poll(() => other.evaluate(() => Object.keys(localStorage).filter((key) => key.includes("outbox")))).toEqual([]);
  expect((await bob.texts()).filter((text) => text === "second")).toHaveLength(1);
});

test("without any storage the chat works", async ({ person, twoPeople: { ada, bob } }) => {
  const cleo = await person("Cleo");
  cleo.forgive(/404/);
  // As in windows that keep nothing.
  await cleo.page.addInitScript(() => {
    const refuse = () => {
      throw new DOMException("refused", "SecurityError");
    };
    for (const name of ["localStorage", "sessionStorage", "indexedDB", "caches"]) Object.defineProperty(window, name, { get: refuse });
    ServiceWorkerContainer.prototype.register = () => Promise.reject(new DOMException("refused", "SecurityError"));
  });
  await cleo.join(await ada.invitation());
  await cleo.live();
  await cleo.comfortable();
  await cleo.write("nothing is kept here");
  await expect(bob.message("nothing is kept here")).toBeVisible();
});

test("a room that was left is no longer kept", async ({ twoPeople: { ada, bob } }) => {
  await ada.makeClosedRoom("Club", ["Bob"]);
  const club = new URL(ada.page.url()).pathname;
  await ada.write("for members");
  await read(bob, club, "for members");
  await ada.page.request.post(`${ada.campfire.url}${club.replace("/rooms/", "/rooms/closeds/")}`, { form: { _method: "put", name: "Club", user_ids: "1" }, maxRedirects: 0 });
  await expect(bob.page.getByText("Ada removed you from this room.")).toBeVisible();
  bob.forgive(/404/);
  await bob.goto(club);
  await expect(bob.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await expect.poll(() => bob.page.evaluate(async (path) => !!(await caches.match(path)), club)).toBe(false);
});

test("twenty rooms are kept", async ({ twoPeople: { ada } }) => {
  const paths: string[] = [];
  for (let number = 0; number < 22; number++) {
    const form = { name: `Room ${number}` };
    const made = await ada.page.request.post(`${ada.campfire.url}/rooms/closeds`, { form, maxRedirects: 0 });
    paths.push(new URL(made.headers().location ?? "", ada.campfire.url).pathname);
  }
  await read(ada, "/rooms/1", "");
  for (const path of paths) await ada.goto(path);
  const keptPaths = () => ada.page.evaluate(async () => {
    const names = (await caches.keys()).filter((name) => name.startsWith("pages/"));
    const keys = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return keys.flat().map(({ url }) => new URL(url).pathname);
  });
  await expect.poll(keptPaths).toEqual(paths.slice(2));
});

test("the emergency worker removes itself and everything that was kept", async ({ campfire, twoPeople: { ada } }) => {
  ada.forgiveLostConnections();
  await ada.write("hello");
  await read(ada, "/rooms/1", "hello");
  await campfire.stop();
  await campfire.run(["--emergency-worker"]);
  await ada.page.reload();
  const registrations = () => ada.page.evaluate(async () => (await navigator.serviceWorker.getRegistrations()).map(({ waiting }) => !!waiting));
  await expect.poll(registrations).not.toEqual([false]);
  // A browser ends the worker before it as soon as that is idle, but not one that is being debugged, as here.
  const session = await ada.page.context().newCDPSession(ada.page);
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.stopAllWorkers");
  const left = () => ada.page.evaluate(async () => [...(await caches.keys()), ...(await navigator.serviceWorker.getRegistrations()).map(({ scope }) => scope)]);
  await expect.poll(left).toEqual([]);
  await ada.page.reload();
  await ada.live();
  await ada.write("without a worker");
  await expect(ada.message("without a worker")).toBeVisible();
  await expect.poll(left).toEqual([]);
});

/** Shares files of these names with a text, as the system sends them. */
async function share(person: Person, names: string[], text = "of the meeting") {
  await person.page.evaluate(([names, text]) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action: "/share", enctype: "multipart/form-data" });
    const fields = [["title", "Notes"], ["text", text], ["url", ""]] as const;
    for (const [name, value] of fields) form.append(Object.assign(document.createElement("input"), { name, value }));
    const transfer = new DataTransfer();
    for (const name of names) transfer.items.add(new File([`the content of ${name}`], name, { type: "text/plain" }));
    form.append(Object.assign(document.createElement("input"), { type: "file", name: "files", multiple: true, files: transfer.files }));
    document.body.append(form);
    form.submit();
  }, [names, text] as const);
}

/** The files in the composer's tray. */
const tray = (person: Person) => person.page.getByRole("list", { name: "Files of this message" }).getByRole("listitem");

test("files that another app shares go into the tray of the chosen room, with their text", async ({ twoPeople: { ada, bob } }) => {
  await read(ada, "/rooms/1", "");
  await share(ada, ["a & b.txt", "two.txt"]);
  await expect(ada.page.getByRole("heading", { name: "Share" })).toBeVisible();
  await expect(ada.page.getByText("a & b.txt")).toBeVisible();
  await ada.isAccessible("shared files");
  await ada.page.getByRole("link", { name: "Choose All Talk" }).click();
  await expect(tray(ada)).toHaveCount(2);
  await expect(ada.composer).toHaveValue("Notes\nof the meeting");
  await expect(ada.page).toHaveURL(/\/rooms\/1$/);
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(bob.message("of the meeting").getByText("two.txt")).toBeVisible();
  // Once: a reload shares nothing again.
  await ada.page.reload();
  await ada.comfortable();
  await expect(tray(ada)).toHaveCount(0);
  // A text alone is edited and sent as before.
  await ada.goto("/rooms/1");
  await share(ada, []);
  await expect(ada.page.getByRole("textbox", { name: "Message" })).toHaveValue("Notes\nof the meeting");
  // A long one is kept like files.
  await ada.goto("/rooms/1");
  const long = "minutes of the meeting ".repeat(200).trim();
  await share(ada, [], long);
  await ada.page.getByRole("link", { name: "Choose All Talk" }).click();
  await expect(ada.composer).toHaveValue(`Notes\n${long}`);
  await expect(tray(ada)).toHaveCount(0);
});

test("shared files are there although the room is answered late", async ({ campfire, twoPeople: { ada } }) => {
  ada.forgiveLostConnections();
  await read(ada, "/rooms/1", "");
  await share(ada, ["late.txt"]);
  await expect(ada.page.getByText("late.txt")).toBeVisible();
  campfire.pause();
  await ada.page.getByRole("link", { name: "Choose All Talk" }).click({ noWaitAfter: true });
  await expect(tray(ada)).toHaveCount(1);
  await expect(offlineNotice(ada)).toBeVisible();
  campfire.goOn();
  await expect(offlineNotice(ada)).toHaveCount(0, { timeout: 30_000 });
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(ada.page.locator(".message").getByText("late.txt")).toBeVisible();
});
