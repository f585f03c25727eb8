// The inbox, and messages that answer others.

import { arrived, expect, flood, type Person, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** The entry of the sidebar that leads to the inbox. */
const inboxLink = (person: Person) => person.page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name: "Inbox" });

const entries = (person: Person) => person.page.locator(".inbox__entry");

/** Goes to a room of one's own, so that nothing in All Talk is seen. */
async function elsewhere(person: Person) {
  await person.makeClosedRoom("Elsewhere");
}

test("what is said to a person is counted at once, listed, and read where it stands", async ({ twoPeople: { ada, bob } }) => {
  await bob.write("mine");
  await arrived(bob);
  await elsewhere(bob);
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox");
  await flood(ada, "/rooms/1", 60);
  await ada.write("hello @Bob");
  await arrived(ada);
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox 1 unread");
  await expect(bob.page).toHaveTitle("(1) Elsewhere – Campfire");
  await ada.page.request.post(`${ada.campfire.url}/messages/1/boosts`, { form: { content: "👍" }, maxRedirects: 0 });
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox 2 unread");
  await expect(bob.page).toHaveTitle("(1) Elsewhere – Campfire");

  await inboxLink(bob).click();
  await expect(bob.page.getByRole("heading", { name: "Inbox" })).toBeVisible();
  await expect(entries(bob)).toHaveCount(2);
  await expect(entries(bob).first()).toContainText("Ada boosted your message 👍");
  await bob.isAccessible("the inbox");
  // It changes while it is open.
  await ada.write("@Bob once more");
  await expect(entries(bob)).toHaveCount(3);
  await expect(entries(bob).first()).toContainText("once more");

  await bob.page.getByRole("link", { name: "Ada boosted your message" }).click();
  await expect(bob.page).toHaveURL(/\/rooms\/1\/@1$/);
  await expect(bob.message("mine")).toBeInViewport();
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox 2 unread");
  await bob.roomLink("All Talk").click();
  await expect(bob.message("once more")).toBeInViewport();
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox");
  await expect(bob.page).toHaveTitle("All Talk – Campfire");
});

test("who looks at the room is not told what is said there", async ({ twoPeople: { ada, bob } }) => {
  await bob.comfortable();
  await bob.write("mine");
  await arrived(bob);
  const titles: string[] = [];
  await bob.page.exposeFunction("titled", (title: string) => titles.push(title));
  await bob.page.evaluate(() => {
    const { titled } = window as unknown as { titled: (title: string) => void };
    new MutationObserver(() => titled(document.title)).observe(document.querySelector("title")!, { childList: true });
  });
  await ada.write("@Bob, look");
  await expect(bob.message("look")).toBeVisible();
  await ada.page.request.post(`${ada.campfire.url}/messages/1/boosts`, { form: { content: "🎉" }, maxRedirects: 0 });
  await expect(bob.message("mine").locator(".boost").first()).toBeVisible();
  await bob.goto("/inbox");
  await expect(entries(bob)).toHaveCount(2);
  await expect(bob.page.locator(".inbox__entry.unread")).toHaveCount(0);
  expect(titles.filter((title) => title.startsWith("("))).toEqual([]);
});

test("what comes below a reader who is scrolled up is unread until they come down to it", async ({ twoPeople: { ada, bob } }) => {
  await flood(ada, "/rooms/1", 60);
  await expect(bob.message("message number 60")).toBeVisible();
  const timeline = bob.page.locator(".timeline");
  await timeline.evaluate((box) => { box.scrollTop = -box.scrollHeight; });
  await expect(bob.message("message number 60")).not.toBeInViewport();
  await ada.write("@Bob, below");
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox 1 unread");
  await expect(bob.page).toHaveTitle("(1) All Talk – Campfire");
  await timeline.evaluate((box) => { box.scrollTop = 0; });
  await expect(bob.message("below")).toBeInViewport();
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox");
  await expect(bob.page).toHaveTitle("All Talk – Campfire");
  await bob.goto("/inbox");
  await expect(bob.page.locator(".inbox__entry.unread")).toHaveCount(0);
});

test("keys open the inbox and mark everything as read", async ({ twoPeople: { ada, bob } }) => {
  await elsewhere(bob);
  await ada.write("@Bob one");
  await ada.write("@Bob two");
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox 2 unread");
  await bob.comfortable();
  await bob.composer.press("g");
  await bob.composer.press("i");
  await expect(bob.composer).toHaveValue("gi");
  await bob.composer.fill("");
  await bob.page.locator(".timeline__messages").focus();
  await bob.page.keyboard.press("g");
  await bob.page.keyboard.press("i");
  await expect(bob.page.getByRole("heading", { name: "Inbox" })).toBeFocused();
  await expect(bob.page.locator(".inbox__entry.unread")).toHaveCount(2);
  await bob.page.keyboard.press("Escape");
  await expect(bob.page.locator(".inbox__entry.unread")).toHaveCount(0);
  await expect(inboxLink(bob)).toHaveAccessibleName("Inbox");
  await expect(bob.page.getByRole("button", { name: "All read" })).toHaveCount(0);
});

test("an answer leads to its message, follows it, and says when it is deleted", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("shall we meet?");
  await expect(bob.message("shall we meet?")).toBeVisible();
  await flood(ada, "/rooms/1", 60);
  await bob.goto("/rooms/1/@1");
  await bob.live();
  await bob.choose(bob.message("shall we meet?"), "Reply");
  await bob.write("at ten");
  await arrived(bob);
  const line = (person: Person) => person.message("at ten").locator(".reply");
  await expect(line(ada)).toHaveText("In answer to Ada shall we meet?");
  await ada.message("at ten").getByRole("link", { name: "In answer to Ada" }).click();
  await expect(ada.page).toHaveURL(/\/rooms\/1\/@1$/);
  await expect(ada.message("shall we meet?")).toBeInViewport();

  await bob.roomLink("All Talk").click();
  await expect(bob.message("at ten")).toBeInViewport();
  const form = { _method: "put", body: "shall we <meet> later?" };
  await ada.page.request.post(`${ada.campfire.url}/rooms/1/messages/1`, { form, maxRedirects: 0 });
  await expect(line(bob)).toHaveText("In answer to Ada shall we <meet> later?");
  await ada.page.request.post(`${ada.campfire.url}/rooms/1/messages/1`, { form: { _method: "delete" }, maxRedirects: 0 });
  await expect(line(bob)).toHaveText("Deleted message");
  await bob.page.reload();
  await expect(line(bob)).toHaveText("Deleted message");
  await bob.isAccessible("an answer to a deleted message");
});

test("the inbox and answers need no script", async ({ person }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await ada.setUp();
  const bob = await person("Bob", { javaScriptEnabled: false });
  await bob.join(await ada.invitation());
  await ada.write("shall we meet?");
  await bob.page.reload();
  await bob.choose(bob.message("shall we meet?"), "Reply");
  await bob.page.getByLabel("Message").fill("at ten, @Ada");
  await bob.page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(bob.message("at ten").locator(".reply")).toHaveText("In answer to Ada shall we meet?");
  await ada.goto("/inbox");
  await expect(inboxLink(ada)).toHaveAccessibleName("Inbox 1 unread");
  await expect(entries(ada)).toHaveCount(1);
  await entries(ada).click();
  await expect(ada.message("at ten")).toBeInViewport();
  await inboxLink(ada).click();
  await expect(ada.page.locator(".inbox__entry.unread")).toHaveCount(0);
  await bob.write("@Ada again");
  await ada.page.reload();
  await ada.page.getByRole("button", { name: "All read" }).click();
  await expect(ada.page.locator(".inbox__entry.unread")).toHaveCount(0);
  await ada.page.getByRole("link", { name: "What comes here" }).click();
  const mentions = ada.page.getByRole("group", { name: "Mentions" });
  await mentions.getByRole("radio", { name: "Off" }).check();
  await ada.page.locator("#inbox-settings").getByRole("button", { name: "Save" }).click();
  await expect(ada.page.getByRole("alert")).toHaveText("Saved.");
  await bob.write("@Ada not any more");
  await ada.goto("/inbox");
  await expect(entries(ada)).toHaveCount(2);
});

test("on a phone, with long and right-to-left names", async ({ person }) => {
  const ada = await person("Ada", PHONE);
  await ada.setUp();
  await ada.live();
  const name = "Παναγιώτης-Κωνσταντίνος Παπαδιαμαντόπουλος-Χατζηγεωργίου";
  const bob = await person(name);
  await bob.page.goto(await ada.invitationOnPhone());
  await bob.page.getByLabel("Your name").fill(name);
  await bob.page.getByLabel("E-mail address").fill("panos@example.com");
  await bob.page.getByLabel("Password").fill("correct horse");
  await bob.page.getByRole("button", { name: "Join" }).click();
  await bob.live();
  await bob.write(`@Ada ${"שלום עולם ".repeat(20)}`);
  await arrived(bob);
  await bob.write(`@Ada ${"longword".repeat(40)}`);
  await arrived(bob);
  await ada.goto("/inbox");
  await expect(entries(ada)).toHaveCount(2);
  await ada.page.setViewportSize({ width: 320, height: 640 });
  const width = await ada.page.evaluate(() => document.documentElement.scrollWidth);
  expect(width, "nothing is wider than the screen").toBeLessThanOrEqual(320);
  await ada.isAccessible("the inbox on a phone");
  await entries(ada).first().click();
  await ada.choose(ada.message("longword"), "Reply");
  await ada.write("yes");
  await expect(ada.message("yes").locator(".reply")).toContainText("longword");
  const inRoom = await ada.page.evaluate(() => document.documentElement.scrollWidth);
  expect(inRoom).toBeLessThanOrEqual(320);
});
