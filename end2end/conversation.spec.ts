// Two people post, edit and delete messages and change rooms.

import { expect, test } from "./people.ts";

test("from an empty folder to messages in both directions", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("Hello **Bob**, is it *warm* there?");
  await expect(bob.message("Hello Bob, is it warm there?")).toBeVisible();
  await expect(bob.message("Hello Bob").locator("strong")).toHaveText("Bob");
  await bob.write("Very. <b>Look</b>: https://example.com/fire");
  await expect(ada.message("<b>Look</b>").getByRole("link", { name: "https://example.com/fire" })).toBeVisible();
  await expect(ada.composer).toHaveValue("");
  await expect(ada.page.getByRole("log").getByRole("listitem")).toHaveCount(2);
  await expect(ada.page.getByText("Sending…")).toHaveCount(0);
});

test("edits and deletions are shown to the other without a reload", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("The meeting is at nine");
  await ada.write("Nevermind me");
  await expect(bob.message("Nevermind me")).toBeVisible();

  await ada.choose(ada.message("at nine"), "Edit");
  await expect(ada.composer).toHaveValue("The meeting is at nine");
  await ada.composer.fill("The meeting is at **ten**");
  await ada.page.keyboard.press("Enter");
  await expect(bob.message("The meeting is at ten")).toBeVisible();
  await expect(bob.message("at nine")).toHaveCount(0);
  await expect(ada.composer).toHaveValue("");

  await ada.choose(ada.message("Nevermind me"), "Delete");
  await expect(bob.message("Nevermind me")).toHaveCount(0);
  await expect(ada.message("Nevermind me")).toHaveCount(0);
  await expect(bob.message("The meeting is at ten")).toBeVisible();
});

test("the controls of others' messages are hidden from members and not from administrators", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("from Ada");
  await bob.write("from Bob");
  const open = async (person: typeof bob, text: string) => {
    // An open menu may cover the message.
    await person.page.keyboard.press("Escape");
    await person.message(text).hover();
    await person.message(text).locator(".menu > summary").click();
    return person.message(text).getByRole("link", { name: "Edit" });
  };
  await expect(await open(bob, "from Bob")).toBeVisible();
  await expect(await open(bob, "from Ada")).toBeHidden();
  await expect(await open(ada, "from Bob")).toBeVisible();
});

test("a message in another room marks it unread, and reading it clears the mark in every tab", async ({ twoPeople: { ada, bob } }) => {
  await bob.makeClosedRoom("Bobs");
  await bob.live();
  const otherTab = await bob.page.context().newPage();
  await otherTab.goto(bob.page.url());
  await expect(otherTab.locator("html[data-live]")).toBeAttached();
  await ada.write("Bob?");
  const unread = (page: typeof otherTab) => page.getByRole("navigation").getByRole("link", { name: "All Talk unread" });
  await expect(unread(bob.page)).toBeVisible();
  await expect(unread(otherTab)).toBeVisible();
  await bob.page.bringToFront();
  await bob.roomLink("All Talk").click();
  await expect(bob.message("Bob?")).toBeVisible();
  await expect(unread(bob.page)).toHaveCount(0);
  await expect(unread(otherTab)).toHaveCount(0);
});

test("a closed room is hidden from an outsider, and appears when they are added", async ({ twoPeople: { ada, bob } }) => {
  await ada.makeClosedRoom("Designers");
  const path = new URL(ada.page.url()).pathname;
  await ada.live();
  await ada.write("secret");
  await bob.goto(path);
  await expect(bob.page.getByRole("alert").filter({ hasText: "does not exist" })).toBeVisible();
  await bob.live();
  await expect(bob.roomLink("Designers")).toHaveCount(0);

  await ada.page.getByRole("link", { name: "Room settings" }).click();
  await ada.page.getByRole("checkbox", { name: "Bob" }).check();
  await ada.page.getByLabel("Name").fill("Makers");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await bob.roomLink("Makers").click();
  await expect(bob.message("secret")).toBeVisible();

  await ada.page.getByRole("link", { name: "Room settings" }).click();
  await ada.page.getByRole("checkbox", { name: "Bob" }).uncheck();
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(bob.page.getByRole("alert").filter({ hasText: "Ada removed you from this room." })).toBeVisible();
  await expect(bob.message("secret")).toBeVisible();
  await expect(bob.composer).toBeHidden();
  await expect(bob.roomLink("Makers")).toHaveCount(0);
});

test("a room and its messages are deleted after a confirmation", async ({ twoPeople: { ada, bob } }) => {
  await ada.makeClosedRoom("Short-lived", ["Bob"]);
  await expect(bob.roomLink("Short-lived")).toBeVisible();
  await ada.page.getByRole("link", { name: "Room settings" }).click();
  await ada.page.getByText("Delete this room…").click();
  await ada.page.getByRole("button", { name: "Delete room and messages" }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "are gone" })).toBeVisible();
  await expect(bob.roomLink("Short-lived")).toHaveCount(0);
});

test("older messages load while scrolling up, without a jump", async ({ twoPeople: { ada, bob } }) => {
  for (let number = 1; number <= 100; number++) {
    const posted = await ada.page.request.post(`${ada.campfire.url}${new URL(ada.page.url()).pathname}/messages`, {
      form: { body: `message number ${number}` },
      maxRedirects: 0,
    });
    expect(posted.status()).toBe(303);
  }
  await bob.goto("/");
  await bob.live();
  await expect(bob.message("message number 100")).toBeInViewport();
  await expect(bob.message(/number 61$/)).toHaveCount(1);
  await expect(bob.message(/number 60$/)).toHaveCount(0);

  const place = async () => (await bob.message(/number 65$/).boundingBox())?.y ?? Number.NaN;
  // The position is measured before older messages load; their response waits for it.
  let release = () => {};
  const measured = new Promise<void>((resolve) => (release = resolve));
  await bob.page.route("**/api/messages/before", async (route) => {
    await measured;
    await route.continue();
  });
  await bob.message(/number 65$/).evaluate((message) => message.scrollIntoView({ block: "center" }));
  await expect(bob.message(/number 65$/)).toBeInViewport();
  const before = await place();
  release();
  await expect(bob.message(/number 21$/)).toHaveCount(1);
  expect(Math.abs((await place()) - before)).toBeLessThan(2);

  await ada.write("the newest");
  await expect(bob.message("the newest")).toHaveCount(1);
  expect(Math.abs((await place()) - before)).toBeLessThan(2);
  await bob.page.getByRole("link", { name: "1 new message" }).click();
  await expect(bob.message("the newest")).toBeInViewport();

  await bob.message(/number 21$/).evaluate((message) => message.scrollIntoView());
  await expect(bob.message(/number 1$/)).toHaveCount(1);
  const numbers = (await bob.texts()).map((text) => Number(text.replace("message number ", ""))).slice(0, 100);
  expect(numbers).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
});

test("a link to a message opens the room around it and marks it", async ({ twoPeople: { ada, bob } }) => {
  const path = new URL(ada.page.url()).pathname;
  for (let number = 1; number <= 90; number++) {
    await ada.page.request.post(`${ada.campfire.url}${path}/messages`, { form: { body: `message number ${number}` } });
  }
  await bob.goto(`${path}/@20`);
  await bob.live();
  await expect(bob.message(/number 20$/)).toHaveAttribute("aria-current", "true");
  await expect(bob.message(/number 20$/)).toBeInViewport();
  await expect(bob.message(/number 61$/)).toHaveCount(0);
  await ada.write("beyond what is loaded");
  await bob.message(/number 60$/).evaluate((message) => message.scrollIntoView());
  await expect(bob.message("beyond what is loaded")).toHaveCount(1);
  expect(await bob.page.locator(".message").count()).toBe(91);
});

test("the chat works with the keyboard alone", async ({ twoPeople: { ada, bob } }) => {
  await ada.page.reload();
  await ada.live();
  await expect(ada.composer).toBeFocused();
  await ada.page.keyboard.type("one line");
  await ada.page.keyboard.press("Shift+Enter");
  await ada.page.keyboard.type("and another");
  await ada.page.keyboard.press("Enter");
  await expect(bob.message("one line")).toContainText("and another");
  await ada.page.keyboard.press("ArrowUp");
  await expect(ada.composer).toHaveValue("one line\nand another");
  await ada.page.keyboard.press("Escape");
  await expect(ada.composer).toHaveValue("");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.getByRole("log").getByRole("listitem")).toHaveCount(1);
});

test("a message that is too long stays in the composer with the reason", async ({ twoPeople: { ada } }) => {
  const text = "x".repeat(32_001);
  await ada.composer.fill(text);
  await ada.page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "32,000 characters" })).toBeVisible();
  await expect(ada.composer).toHaveValue(text);
});

test("a draft survives a reload and a visit to another room", async ({ twoPeople: { ada } }) => {
  await ada.makeClosedRoom("Other");
  await ada.live();
  await ada.composer.fill("not finished");
  await ada.roomLink("All Talk").click();
  await expect(ada.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await expect(ada.composer).toHaveValue("");
  await ada.roomLink("Other").click();
  await expect(ada.composer).toHaveValue("not finished");
  await ada.page.reload();
  await ada.live();
  await expect(ada.composer).toHaveValue("not finished");
});

test("what is sent too fast waits as long as the server says, and arrives once and in order", async ({ twoPeople: { ada, bob } }) => {
  const sentAt: number[] = [];
  await ada.page.route("**/api/messages/post", async (route) => {
    sentAt.push(Date.now());
    if (sentAt.length > 1) return route.continue();
    const headers = { "content-type": "application/json", "retry-after": "2" };
    await route.fulfill({ status: 429, headers, body: '{"too_many_tries":2}' });
  });
  await ada.write("first");
  await ada.write("second");
  await expect(bob.message("second")).toBeVisible();
  await expect(bob.page.locator(".message__body")).toHaveText(["first", "second"]);
  expect(sentAt).toHaveLength(3);
  // A timer may be early by some milliseconds.
  expect(sentAt[1]! - sentAt[0]!).toBeGreaterThanOrEqual(1_900);
  await expect(ada.page.getByText("Sending…")).toHaveCount(0);
  ada.complaints.splice(0, ada.complaints.length, ...ada.complaints.filter((complaint) => !complaint.includes("429")));
});

test("a browser keeps nothing of a person who signed out", async ({ twoPeople: { bob } }) => {
  await bob.composer.fill("not finished");
  const kept = () => bob.page.evaluate(() => localStorage.length + sessionStorage.length);
  await expect.poll(kept).toBeGreaterThan(0);
  await bob.page.getByRole("link", { name: "your profile" }).click();
  await bob.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(bob.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect.poll(kept).toBe(0);
});

test("signing out in one tab signs the other out", async ({ twoPeople: { bob } }) => {
  const otherTab = await bob.page.context().newPage();
  await otherTab.goto(bob.campfire.url);
  await expect(otherTab.locator("html[data-live]")).toBeAttached();
  await bob.page.getByRole("link", { name: "your profile" }).click();
  await bob.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await expect(bob.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(otherTab.getByRole("heading", { name: "Sign in" })).toBeVisible();
});
