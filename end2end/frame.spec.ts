// Pages of forms in the frame: one document and one socket, whichever page is shown; and the search panel over the room.

import { expect, type Person, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const heading = (person: Person, name: string) => person.page.getByRole("heading", { name, exact: true, level: 1 });
const path = (person: Person) => new URL(person.page.url()).pathname;
const mark = (person: Person) => person.page.evaluate(() => Object.assign(window, { marked: true }));
const isMarked = (person: Person) => person.page.evaluate(() => "marked" in window);

/** Counts the sockets that the page opens from now on. */
const countSockets = (person: Person) => {
  const sockets: string[] = [];
  person.page.on("websocket", (socket) => sockets.push(socket.url()));
  return sockets;
};

test("room, profile, settings and back are one document with one socket", async ({ twoPeople: { ada, bob } }) => {
  const sockets = countSockets(ada);
  await mark(ada);
  await ada.page.getByRole("link", { name: "Room settings" }).click();
  await expect(heading(ada, "Room settings")).toBeVisible();
  await expect(ada.page).toHaveTitle("Room settings – Campfire");
  expect(path(ada)).toBe("/rooms/opens/1/edit");
  await expect(ada.page.getByLabel("Name of the room")).toBeFocused();
  await expect(ada.page.getByRole("navigation", { name: "Rooms" })).toBeVisible();
  await expect(ada.roomLink("All Talk")).not.toHaveAttribute("aria-current");

  await ada.page.getByRole("link", { name: "your profile" }).click();
  await expect(heading(ada, "Your profile")).toBeFocused();
  await expect(ada.page).toHaveTitle("Your profile – Campfire");
  await expect(ada.page.locator(".framed local-time[data-written]").first()).toBeVisible();
  await expect(ada.page.getByRole("button", { name: "Copy" }).first()).toBeVisible();

  // The sidebar is live beside it.
  await bob.write("while Ada is elsewhere");
  await expect(ada.roomLink("All Talk unread")).toBeVisible();

  await ada.page.getByRole("link", { name: "Settings", exact: true }).click();
  await expect(heading(ada, "Account settings")).toBeVisible();
  await ada.page.goBack();
  await expect(heading(ada, "Your profile")).toBeVisible();
  await ada.page.goBack();
  await expect(heading(ada, "Room settings")).toBeVisible();
  await ada.page.goForward();
  await expect(heading(ada, "Your profile")).toBeVisible();
  expect(path(ada)).toBe("/users/me/profile");
  await ada.roomLink("All Talk").click();
  await expect(ada.message("while Ada is elsewhere")).toBeVisible();
  await expect(ada.composer).toBeFocused();
  await expect(ada.page.locator(".framed")).toHaveCount(0);
  await expect(ada.roomLink("All Talk")).toHaveAttribute("aria-current", "page");
  await expect(ada.page).toHaveTitle("All Talk – Campfire");
  expect(await isMarked(ada)).toBe(true);
  expect(sockets).toEqual([]);
});

test("forms in the frame are sent without loading a document", async ({ twoPeople: { ada, bob } }) => {
  await mark(ada);
  const sockets = countSockets(ada);
  await ada.page.getByRole("link", { name: "New room" }).click();
  await ada.page.getByLabel("Name of the room").fill(" ");
  await ada.page.getByRole("button", { name: "Create room" }).click();
  await expect(ada.page.getByText("Give the room a name.")).toBeVisible();
  await expect(ada.page.getByLabel("Name of the room")).toBeFocused();
  expect(path(ada)).toBe("/rooms/opens/new");
  await ada.page.getByLabel("Name of the room").fill("Makers");
  await ada.page.getByRole("button", { name: "Create room" }).click();
  await expect(heading(ada, "Makers")).toBeVisible();
  await expect(ada.composer).toBeFocused();
  await expect(bob.roomLink("Makers")).toBeVisible();

  await ada.page.getByRole("link", { name: "Settings", exact: true }).click();
  await ada.page.getByLabel("Name of this Campfire").fill("Acme");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(ada.page.getByRole("alert")).toHaveText("Saved.");
  expect(path(ada)).toBe("/account/edit");
  expect(new URL(ada.page.url()).search).toBe("");
  await expect(bob.page.getByRole("link", { name: "Acme" })).toBeVisible();
  await ada.page.getByRole("link", { name: "Back", exact: true }).click();
  await expect(heading(ada, "Makers")).toBeVisible();
  await ada.page.getByRole("link", { name: "Ping", exact: true }).click();
  await ada.page.getByRole("checkbox", { name: "Bob" }).check();
  await ada.page.getByRole("button", { name: "Start ping" }).click();
  await expect(heading(ada, "Ping with Bob")).toBeVisible();
  expect(await isMarked(ada)).toBe(true);
  expect(sockets).toEqual([]);
  ada.complaints.splice(0, ada.complaints.length, ...ada.complaints.filter((text) => !text.includes("status of 422")));
});

test("a page of the frame that is loaded by itself is live, and leads into the chat", async ({ twoPeople: { ada, bob } }) => {
  await ada.goto("/users/me/profile");
  await ada.live();
  await expect(heading(ada, "Your profile")).toBeVisible();
  await mark(ada);
  await bob.write("hello there");
  await expect(ada.roomLink("All Talk unread")).toBeVisible();
  await ada.roomLink("All Talk").click();
  await expect(ada.message("hello there")).toBeVisible();
  await expect(ada.page.locator(".framed")).toHaveCount(0);
  await ada.page.goBack();
  await expect(heading(ada, "Your profile")).toBeVisible();
  expect(await isMarked(ada)).toBe(true);
});

test("a page that cannot be loaded leaves everything as it is, and can be tried again", async ({ twoPeople: { ada } }) => {
  await ada.comfortable();
  await ada.composer.fill("not lost");
  ada.forgive(/ERR_FAILED|profile/);
  await ada.page.route("**/users/me/profile", (route) => route.abort("failed"));
  await ada.page.getByRole("link", { name: "your profile" }).click();
  await expect(ada.page.getByText("The page could not be loaded. Try again.")).toBeVisible();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(ada.composer).toHaveValue("not lost");
  expect(path(ada)).toBe("/rooms/1");
  await ada.page.unroute("**/users/me/profile");
  await ada.page.getByRole("link", { name: "your profile" }).click();
  await expect(heading(ada, "Your profile")).toBeVisible();
});

test("on a phone a page covers the room, and its way back leads there", async ({ person }) => {
  const ada = await person("Ada", PHONE);
  await ada.setUp();
  await ada.live();
  await mark(ada);
  await ada.page.getByRole("button", { name: "Rooms" }).click();
  await ada.page.getByRole("link", { name: "your profile" }).click();
  await expect(heading(ada, "Your profile")).toBeVisible();
  await expect(ada.page.locator(".sidebar")).toBeHidden();
  const box = await ada.page.locator(".framed").boundingBox();
  expect(box).toMatchObject({ x: 0, y: 0, width: 390, height: 844 });
  await ada.page.getByRole("link", { name: "Back", exact: true }).click();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(ada.page.locator(".framed")).toHaveCount(0);
  expect(await isMarked(ada)).toBe(true);
});

test("without scripts the same pages stand beside the sidebar", async ({ person }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await ada.setUp();
  for (const [at, title] of [
    ["/searches", "Search"],
    ["/users/me/profile", "Your profile"],
    ["/account/edit", "Account settings"],
    ["/users/1", "Ada"],
    ["/rooms/opens/1/edit", "Room settings"],
    ["/rooms/opens/new", "New room"],
    ["/rooms/directs/new", "New ping"],
    ["/nowhere", "Nothing here"],
  ] as const) {
    await ada.goto(at);
    await expect(heading(ada, title)).toBeVisible();
    await expect(ada.roomLink("All Talk")).toBeVisible();
    await expect(ada.page.getByRole("main")).toHaveCount(1);
  }
  await ada.roomLink("All Talk").click();
  await expect(heading(ada, "All Talk")).toBeVisible();
  ada.complaints.splice(0, ada.complaints.length, ...ada.complaints.filter((text) => !text.includes("status of 404")));
});

test("a session that has ended leads from a page of the frame to the sign-in page", async ({ twoPeople: { ada } }) => {
  await ada.page.context().clearCookies();
  await ada.page.getByRole("link", { name: "your profile" }).click();
  await expect(ada.page.getByRole("heading", { name: "Sign in to" })).toBeVisible();
  await expect(ada.page.locator(".chat")).toHaveCount(0);
});

test("the search panel shows results while one types, and rooms and people after >", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("two eels swim");
  await bob.write("one eel sleeps https://a.example");
  await expect(ada.message("one eel")).toBeVisible();
  await ada.comfortable();
  await mark(ada);
  await ada.composer.focus();
  await ada.page.keyboard.press("Control+k");
  const panel = ada.page.getByRole("dialog", { name: "Search" });
  const field = panel.getByRole("searchbox");
  await expect(field).toBeFocused();
  await expect(panel.getByText("Narrow a search with")).toBeVisible();
  await field.pressSequentially("eel");
  const found = panel.getByRole("list", { name: "Found messages" }).getByRole("listitem");
  await expect(found).toHaveCount(2);
  await expect(found.first()).toContainText("one eel sleeps");
  await expect(found.first().locator("time")).toHaveCount(1);
  await ada.isAccessible("the search panel");

  await field.fill("eel from:nobody");
  await expect(panel.getByRole("link", { name: "Without from:nobody" })).toBeVisible();
  await field.fill("eel");
  await expect(found).toHaveCount(2);
  await ada.page.keyboard.press("ArrowDown");
  await ada.page.keyboard.press("ArrowDown");
  await ada.page.keyboard.press("Enter");
  await expect(panel).toHaveCount(0);
  await expect(ada.message("two eels swim")).toHaveAttribute("aria-current", "true");

  await ada.page.getByRole("link", { name: "Search" }).click();
  await expect(panel.getByRole("region", { name: "Recent searches" }).getByRole("link")).toHaveText(["eel"]);
  await field.fill(">bob");
  await expect(panel.getByRole("link", { name: "Bob" })).toBeVisible();
  await field.press("Enter");
  await expect(heading(ada, "Bob")).toBeVisible();
  await ada.page.keyboard.press("Control+k");
  await field.fill("> all");
  await expect(panel.getByRole("link", { name: "All Talk" })).toBeVisible();
  await field.press("Enter");
  await expect(heading(ada, "All Talk")).toBeVisible();
  await ada.page.keyboard.press("Control+k");
  await ada.page.keyboard.press("Escape");
  await expect(panel).toHaveCount(0);
  expect(await isMarked(ada)).toBe(true);
});

test("a theme is shown at once, everywhere and from the first byte", async ({ person }) => {
  const ada = await person("Ada", { colorScheme: "light" });
  await ada.setUp();
  await ada.live();
  const background = () => ada.page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await background();
  await ada.page.getByRole("link", { name: "your profile" }).click();
  const saved = ada.page.waitForResponse((response) => response.url().endsWith("/users/me/theme"));
  await ada.page.getByRole("radio", { name: "Dark" }).check();
  expect((await saved).status()).toBe(204);
  const dark = await background();
  expect(dark).not.toBe(light);
  await ada.isAccessible("a dark profile");
  await ada.page.reload({ waitUntil: "commit" });
  await expect(ada.page.locator("html[data-theme=dark]")).toBeAttached();
  await ada.goto("/rooms/1");
  expect(await background()).toBe(dark);
  await ada.goto("/users/me/profile");
  await ada.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(ada.page.getByRole("heading", { name: "Sign in to" })).toBeVisible();
  await expect(ada.page.locator("html[data-theme]")).toBeAttached();
});

test("what newcomers look for is two steps away", async ({ person }) => {
  const ada = await person("Ada");
  await ada.setUp();
  await ada.live();
  await ada.comfortable();
  const card = ada.page.locator(".welcome__card");
  await expect(card.getByRole("heading", { name: "Invite your team" })).toBeVisible();
  await expect(card.getByRole("button", { name: "Copy" })).toBeVisible();
  await card.getByText("QR code").click();
  await expect(card.getByRole("img", { name: "QR code: Join link" })).toBeVisible();
  await ada.isAccessible("an invitation");
  const link = await card.getByLabel("Join link").inputValue();

  const bob = await person("Bob");
  await bob.join(link);
  await expect(bob.page.getByRole("status").filter({ hasText: "Welcome, Bob." })).toContainText("All Talk");
  await bob.isAccessible("a greeting");
  await bob.live();
  await bob.write("hello");
  await expect(card).toHaveCount(0);

  // Who is here, hidden rooms, shortcuts, sounds.
  await ada.page.getByTitle("Here now: Bob").click();
  await expect(ada.page.locator(".here").getByRole("link", { name: "Bob" })).toBeVisible();
  await ada.isAccessible("who is here");
  await ada.page.keyboard.press("Escape");
  await ada.page.locator(".bell > summary").click();
  await ada.page.getByRole("button", { name: "Hidden" }).click();
  await expect(ada.roomLink("All Talk")).toHaveCount(0);
  await ada.page.getByRole("link", { name: "1 hidden room" }).click();
  await expect(ada.page.getByRole("heading", { name: "Hidden rooms" })).toBeInViewport();
  await ada.page.getByRole("button", { name: "Show All Talk again" }).click();
  await expect(ada.roomLink("All Talk")).toBeVisible();
  await expect(ada.page.getByRole("link", { name: /hidden room/ })).toHaveCount(0);
  await ada.page.getByRole("button", { name: "Keyboard shortcuts and sounds…" }).click();
  await expect(ada.page.getByRole("dialog", { name: "Keyboard shortcuts" }).getByLabel("Play sounds")).toBeVisible();
});
