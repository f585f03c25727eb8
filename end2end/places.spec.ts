// Where one reads: links to messages, the scroll position, going back, open menus.

import { arrived, expect, flood, type Locator, type Person, test } from "./people.ts";

const box = (person: Person) => person.page.locator(".timeline");
const isLinked = (row: Locator) => expect(row).toHaveAttribute("aria-current", "true");

/** Waits until a row stands in the middle of the list, or as near to it as its ends allow. */
const isCentred = async (row: Locator, name = "the row") => {
  const distance = () =>
    row.evaluate((row) => {
      const list = row.closest(".timeline")!;
      const [inner, outer] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
      return Math.abs((inner.top + inner.bottom) / 2 - (outer.top + outer.bottom) / 2);
    });
  await expect.poll(distance, `${name} is centred`).toBeLessThan(30);
};

/** Reads a distance below the top of the list, in pixels. */
const top = (row: Locator) => row.evaluate((row) => row.getBoundingClientRect().top);

test("a link to a message that is clicked in the live page brings it into the middle of the view", async ({ twoPeople: { ada, bob } }) => {
  await flood(ada, "/rooms/1", 60);
  await bob.goto("/rooms/1/@10");
  await bob.live();
  await bob.comfortable();
  await bob.page.getByRole("link", { name: "Newest messages" }).click();
  await expect(bob.message(/number 60$/)).toBeInViewport();
  await bob.write("see [that](/rooms/1/@30) and [the first](/rooms/1/@1)");
  await arrived(bob);
  await bob.page.getByRole("link", { name: "that", exact: true }).click();
  await isLinked(bob.message(/number 30$/));
  await isCentred(bob.message(/number 30$/), "30");
  // The link to the page that is open already.
  await box(bob).evaluate((element) => { element.scrollTop = 0; });
  await bob.page.getByRole("link", { name: "that", exact: true }).click();
  await isCentred(bob.message(/number 30$/), "30, again");
  await box(bob).evaluate((element) => { element.scrollTop = 0; });
  await bob.page.getByRole("link", { name: "the first", exact: true }).click();
  await isLinked(bob.message(/number 1$/));
  await expect(bob.message(/number 1$/)).toBeInViewport();
  await bob.page.goBack();
  await isLinked(bob.message(/number 30$/));
  await expect(bob.page.locator(".message[aria-current]")).toHaveCount(1);
  // From another room.
  await bob.makeClosedRoom("Makers");
  await bob.live();
  await bob.write("see [over there](/rooms/1/@31)");
  await arrived(bob);
  await bob.page.getByRole("link", { name: "over there" }).click();
  await isLinked(bob.message(/number 31$/));
  await isCentred(bob.message(/number 31$/), "31");
});

test("a link with the fragment for browsers without scripts centres its message, too", async ({ twoPeople: { ada } }) => {
  await flood(ada, "/rooms/1", 60);
  const link = `${ada.campfire.url}/rooms/1/@30`;
  await ada.write(`see [that](${link}#message-30) and [this](${link}?scrolled#message-30)`);
  await arrived(ada);
  await ada.comfortable();
  for (const again of [false, true]) {
    await box(ada).evaluate((element) => { element.scrollTop = 0; });
    await ada.page.getByRole("link", { name: "that", exact: true }).click();
    await isLinked(ada.message(/number 30$/));
    await isCentred(ada.message(/number 30$/), again ? "30, again" : "30");
    await ada.goto("/users/me/profile");
    await ada.goto("/rooms/1/@30#message-30");
    await ada.live();
    await isCentred(ada.message(/number 30$/), "30, loaded");
    await expect(ada.page).toHaveURL(link);
  }
  await ada.page.getByRole("link", { name: "this", exact: true }).click();
  await ada.live();
  await isLinked(ada.message(/number 30$/));
  await isCentred(ada.message(/number 30$/), "30, by the address of a page without scripts");
});

test("scrolling before the page is live is not undone when it is", async ({ twoPeople: { ada } }) => {
  await flood(ada, "/rooms/1", 60);
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await ada.page.route("**/*.wasm", async (route) => {
    await released;
    await route.continue();
  });
  await ada.goto("/rooms/1/@30");
  await isCentred(ada.message(/number 30$/));
  await box(ada).evaluate((element) => { element.scrollTop -= 300; });
  const before = await top(ada.message(/number 30$/));
  release();
  await ada.live();
  await ada.comfortable();
  expect(await top(ada.message(/number 30$/))).toBe(before);
});

test("the link to the first new message brings it into view", async ({ twoPeople: { ada, bob } }) => {
  await bob.goto("/users/me/profile");
  await ada.write("read already");
  await arrived(ada);
  await bob.goto("/rooms/1");
  await bob.live();
  await bob.goto("/users/me/profile");
  await flood(ada, "/rooms/1", 90);
  await bob.goto("/rooms/1");
  await bob.live();
  await bob.page.getByRole("link", { name: "First new message" }).click();
  await isLinked(bob.message(/number 1$/));
  await expect(bob.message(/number 1$/)).toBeInViewport();
});

test("a link to a message marks it and brings it into view, without scripts", async ({ twoPeople: { ada, bob } }) => {
  await flood(ada, "/rooms/1", 90);
  await ada.write("see [that](/rooms/1/@20)");
  await arrived(ada);
  const state = await bob.page.context().storageState();
  const context = await bob.page.context().browser()!.newContext({ javaScriptEnabled: false, storageState: state });
  const page = await context.newPage();
  const row = (number: number) => page.locator(`#message-${number}`);
  await page.goto(`${bob.campfire.url}/rooms/1/@20`);
  await expect(row(20)).toHaveAttribute("aria-current", "true");
  await expect(row(20)).toBeInViewport();
  await expect(row(20).locator("time")).toHaveText(/^\d{4}-\d\d-\d\d \d\d:\d\d UTC$/);
  await page.goto(`${bob.campfire.url}/rooms/1`);
  await page.getByRole("link", { name: "that", exact: true }).click();
  await expect(row(20)).toHaveAttribute("aria-current", "true");
  await expect(row(20)).toBeInViewport();
  await page.goto(`${bob.campfire.url}/rooms/1/@20#message-25`);
  await expect(row(25)).toBeInViewport();
  await page.goto(`${bob.campfire.url}/searches?q=number`);
  await expect(page.locator(".search__found li").first()).toBeInViewport();
  await context.close();
});

test("scrolling to the end of what is loaded while more is loading loads more afterwards", async ({ twoPeople: { ada } }) => {
  await flood(ada, "/rooms/1", 200);
  await ada.goto("/rooms/1");
  await ada.live();
  await ada.comfortable();
  await box(ada).evaluate((element) => {
    // The reader is at the top as soon as older messages are there, in the frames in which the place is being kept.
    const toTop = () => { element.scrollTop = -element.scrollHeight; };
    new MutationObserver(toTop).observe(element.querySelector(".messages")!, { childList: true });
    toTop();
  });
  await expect(ada.message(/number 1$/)).toBeVisible();
});

test("the row that one reads stays where it is when the page has to be loaded again", async ({ twoPeople: { ada, bob } }) => {
  await flood(ada, "/rooms/1", 120);
  await bob.goto("/rooms/1");
  await bob.live();
  await bob.comfortable();
  const row = bob.message(/number 70$/);
  await box(bob).evaluate((element) => { element.scrollTop = -element.scrollHeight; });
  await expect(row).toBeVisible();
  await row.evaluate((row) => row.scrollIntoView({ block: "start" }));
  const before = await top(row);
  // While the connection is down, more is posted than is sent afterwards one by one.
  await bob.page.context().setOffline(true);
  bob.forgiveLostConnections();
  await expect(bob.page.getByText("Reconnecting…")).toBeVisible();
  await flood(ada, "/rooms/1", 210, (number) => `late ${number}`);
  const loaded = bob.page.waitForResponse((response) => response.url().endsWith("/rooms/page"));
  await bob.page.context().setOffline(false);
  await loaded;
  await expect(bob.page.getByRole("link", { name: "Newest messages" })).toBeVisible();
  await expect.poll(async () => Math.abs((await top(row)) - before)).toBeLessThan(2);
  await expect(bob.page.locator(".message[aria-current]")).toHaveCount(0);
  await expect(bob.page.getByText("The message of this link was deleted")).toHaveCount(0);
  await bob.page.getByRole("link", { name: "Newest messages" }).click();
  await expect(bob.message(/late 210$/)).toBeInViewport();
});

test("the outline of a linked message fades, and comes back with the link", async ({ twoPeople: { ada } }) => {
  await ada.write("look here");
  await arrived(ada);
  const outline = () => ada.message("look here").evaluate((row) => getComputedStyle(row).outlineColor);
  const transparent = "rgba(0, 0, 0, 0)";
  await ada.message("look here").locator(".message__time").click();
  await isLinked(ada.message("look here"));
  expect(await outline()).not.toBe(transparent);
  await ada.page.mouse.move(0, 0);
  await expect.poll(outline).toBe(transparent);
  await ada.message("look here").hover();
  await ada.message("look here").locator(".message__time").click();
  await expect.poll(outline).not.toBe(transparent);
});

test("a link to a deleted message shows its place and says so, loaded and clicked", async ({ twoPeople: { ada, bob } }) => {
  await flood(ada, "/rooms/1", 90);
  await bob.write("see [that](/rooms/1/@20)");
  await arrived(bob);
  await ada.page.request.post(`${ada.campfire.url}/rooms/1/messages/20`, { form: { _method: "delete" } });
  const word = bob.page.getByRole("alert").filter({ hasText: "The message of this link was deleted" });
  await bob.page.getByRole("link", { name: "that", exact: true }).click();
  await expect(word).toBeVisible();
  await isCentred(bob.message(/number 21$/), "what comes after it");
  await expect(bob.page.locator(".message[aria-current]")).toHaveCount(0);
  await bob.goto("/rooms/1/@20");
  await expect(word).toBeVisible();
  await bob.live();
  await expect(word).toBeVisible();
  await isCentred(bob.message(/number 21$/), "what comes after it, loaded");
  await expect(bob.page.locator("#message-60")).toHaveCount(1);
  await expect(bob.page.locator("#message-61")).toHaveCount(0);
});

test("the place where one reads does not move when something below it changes", async ({ twoPeople: { ada, bob } }) => {
  await flood(ada, "/rooms/1", 60);
  await expect(bob.message(/number 60$/)).toBeVisible();
  await bob.comfortable();
  await box(bob).evaluate((element) => { element.scrollTop = -900.5; });
  // The list notes the place when it has handled the scrolling.
  await expect(bob.page.getByRole("link", { name: "Newest messages" })).toBeVisible();
  const read = bob.page.locator("#message-30");
  const before = await top(read);
  const stays = async (what: string) => expect(Math.abs((await top(read)) - before), what).toBeLessThan(1.5);
  const post = (path: string, form: Record<string, string>) =>
    ada.page.request.post(`${ada.campfire.url}${path}`, { form, maxRedirects: 0 });

  for (const id of [45, 46, 58]) await post(`/messages/${id}/boosts`, { content: "🔥" });
  await expect(bob.page.locator("#message-58 .boost").first()).toBeAttached();
  await stays("boosts");
  await post("/rooms/1/messages/50", { _method: "put", body: "longer\n".repeat(9) });
  await expect(bob.page.locator("#message-50")).toContainText("longer");
  await stays("an edit");
  for (const id of [47, 59]) await post(`/rooms/1/messages/${id}`, { _method: "delete" });
  await expect(bob.page.locator("#message-59")).toHaveCount(0);
  await stays("deletions");
  for (let number = 1; number <= 12; number++) await post("/rooms/1/messages", { body: `**news** ${number}` });
  await expect(bob.message(/news 12$/)).toHaveCount(1);
  await stays("messages");
  // At the end, the newest message stays in view.
  await bob.page.getByRole("link", { name: /new messages/ }).click();
  await expect(bob.message(/news 12$/)).toBeInViewport();
  await post("/messages/72/boosts", { content: "🔥" });
  await post("/rooms/1/messages", { body: "the newest" });
  await expect(bob.message("the newest")).toBeInViewport();
});

test("an open menu stays open when its message is edited or boosted", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("a first version");
  await arrived(ada);
  await bob.comfortable();
  const row = bob.page.locator("#message-1");
  await row.hover();
  await row.locator(".menu > summary").click();
  await expect(row.getByRole("link", { name: "Reply", exact: true })).toBeVisible();
  const form = { _method: "put", body: "a second version" };
  await ada.page.request.post(`${ada.campfire.url}/rooms/1/messages/1`, { form, maxRedirects: 0 });
  await expect(bob.message("a second version")).toBeVisible();
  await ada.page.request.post(`${ada.campfire.url}/messages/1/boosts`, { form: { content: "🔥" }, maxRedirects: 0 });
  await expect(row.locator(".boost").first()).toBeAttached();
  await row.getByRole("link", { name: "Reply", exact: true }).click();
  await expect(bob.reply).toHaveText("Replying to Ada: a second version");
});

test("a search opens at the newest message found", async ({ twoPeople: { ada } }) => {
  await flood(ada, "/rooms/1", 50);
  await ada.goto("/searches?q=number");
  await expect(ada.page.locator(".search__found li")).toHaveCount(50);
  await expect(ada.page.locator(".search__found li").first()).toContainText("number 50");
  await expect(ada.page.getByRole("searchbox", { name: "Search all your rooms" })).toBeInViewport();
});

test("going back leads to the same row at the same height, also above the newest forty", async ({ twoPeople: { ada } }) => {
  await flood(ada, "/rooms/1", 120);
  await ada.goto("/rooms/1");
  await ada.live();
  await ada.comfortable();
  const row = ada.page.locator("#message-40");
  for (let tries = 0; tries < 10 && (await row.count()) === 0; tries++) {
    const first = await ada.page.locator(".message").first().getAttribute("id");
    await box(ada).evaluate((element) => { element.scrollTop = -element.scrollHeight; });
    await expect.poll(() => ada.page.locator(".message").first().getAttribute("id")).not.toBe(first);
  }
  await row.evaluate((row) => row.scrollIntoView({ block: "center" }));
  const topmost = () => ada.page.evaluate(() => sessionStorage.getItem("campfire:place:/rooms/1"));
  await expect.poll(async () => Number(/message-(\d+)/.exec((await topmost()) ?? "")?.[1] ?? 0)).toBeLessThan(40);
  const before = await top(row);
  await ada.goto("/users/me/profile");
  await ada.page.goBack();
  await ada.live();
  await expect.poll(async () => ((await row.count()) ? Math.abs((await top(row)) - before) : NaN)).toBeLessThan(3);
  await ada.makeClosedRoom("Makers");
  await ada.live();
  // Over both forms of a room.
  for (let steps = 0; steps < 3; steps++) await ada.page.goBack();
  await expect(ada.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await expect.poll(async () => ((await row.count()) ? Math.abs((await top(row)) - before) : NaN)).toBeLessThan(3);
});

test("who scrolls and goes back at once finds the place again by going forward", async ({ twoPeople: { ada } }) => {
  await ada.makeClosedRoom("Makers");
  await flood(ada, "/rooms/2", 60);
  await ada.goto("/rooms/1");
  await ada.live();
  await ada.comfortable();
  await ada.roomLink("Makers").click();
  await expect(ada.message(/number 60$/)).toBeInViewport();
  const row = ada.message(/number 40$/);
  // No click and no pause: the keys for going back.
  const before = await row.evaluate((row) => {
    row.scrollIntoView({ block: "start" });
    history.back();
    return row.getBoundingClientRect().top;
  });
  await expect(ada.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await ada.page.goForward();
  await expect(ada.page.getByRole("heading", { name: "Makers" })).toBeVisible();
  await expect.poll(async () => Math.abs((await top(row)) - before)).toBeLessThan(2);
});

test("links and texts are copied without the clipboard's API, or the page says what to do", async ({ twoPeople: { ada } }) => {
  await ada.write("copy **me**");
  await arrived(ada);
  await ada.comfortable();
  await ada.page.evaluate(() => {
    // As on plain http, where browsers offer no clipboard.
    Object.defineProperty(navigator, "clipboard", { value: undefined });
    const copied: string[] = [];
    Object.assign(window, { copied, allows: true });
    document.execCommand = (command: string) => {
      if (command !== "copy" || !(window as unknown as { allows: boolean }).allows) return false;
      copied.push((document.activeElement as HTMLTextAreaElement).value);
      return true;
    };
  });
  await ada.choose(ada.message("copy me"), "Copy link");
  await ada.choose(ada.message("copy me"), "Copy text");
  expect(await ada.page.evaluate(() => (window as unknown as { copied: string[] }).copied)).toEqual([`${ada.campfire.url}/rooms/1/@1`, "copy me"]);
  await expect(ada.page.getByRole("status").filter({ hasText: "Copied." })).toBeVisible();
  await ada.page.evaluate(() => Object.assign(window, { allows: false }));
  await ada.choose(ada.message("copy me"), "Copy link");
  await expect(ada.page.getByText("Copy the address of the link at the message's time.")).toBeVisible();
});

test("Escape in its search field and a button close the boost picker, and boosts of words stay whole", async ({ twoPeople: { ada } }) => {
  await ada.page.setViewportSize({ width: 320, height: 640 });
  await ada.write("hello");
  await arrived(ada);
  await ada.comfortable();
  const picker = ada.page.getByRole("dialog", { name: "Boost" });
  await ada.choose(ada.message("hello"), "Other boost…");
  const field = picker.getByRole("searchbox", { name: "Search emoji, or write up to 16 characters" });
  await field.fill("congratulations!");
  await ada.page.keyboard.press("Enter");
  await expect(picker).toHaveCount(0);
  await ada.choose(ada.message("hello"), "Other boost…");
  const words = picker.getByRole("form", { name: "Recent" }).getByRole("button", { name: "congratulations!" });
  const { height, inner, outer } = await words.evaluate((button) => ({ height: button.clientHeight, inner: button.scrollWidth, outer: button.clientWidth }));
  expect(height).toBeLessThan(60);
  expect(inner).toBeLessThanOrEqual(outer);
  await field.fill("roc");
  await ada.page.keyboard.press("Escape");
  await expect(picker).toHaveCount(0);
  await ada.choose(ada.message("hello"), "Other boost…");
  await picker.getByRole("button", { name: "Close", exact: true }).click();
  await expect(picker).toHaveCount(0);
});
