// How a room looks and behaves: density, the buttons of messages, the composer, and what is left of a lost room.

import { arrived, expect, flood, type Person, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index + 1}`).join("\n");
const sendButton = (person: Person) => person.page.getByRole("button", { name: "Send", exact: true });
const background = (locator: ReturnType<typeof sendButton>) => locator.evaluate((element) => getComputedStyle(element).backgroundColor);
const remove = async (person: Person, path: string) => {
  const removed = await person.page.request.post(person.campfire.url + path, { form: { _method: "delete" }, maxRedirects: 0 });
  expect(removed.status()).toBe(303);
};
const isLost = (person: Person, words: string) =>
  expect(person.page.getByRole("alert").filter({ hasText: words })).toBeVisible();

test("fourteen messages of one line are in view on a desk, and lines of text are at most 42rem long", async ({ twoPeople: { ada, bob } }) => {
  for (let number = 1; number <= 10; number++) {
    await flood(ada, "/rooms/1", 1, () => `from Ada, ${number}`);
    await flood(bob, "/rooms/1", 1, () => `from Bob, ${number}`);
  }
  await expect(ada.message("from Bob, 10")).toBeVisible();
  const whole = await ada.page.locator(".timeline").evaluate((list) => {
    const { top, bottom } = list.getBoundingClientRect();
    const rows = [...list.querySelectorAll(".message")].map((row) => row.getBoundingClientRect());
    return rows.filter((row) => row.top >= top && row.bottom <= bottom).length;
  });
  expect(whole).toBeGreaterThanOrEqual(14);
  await ada.write(`${"many words ".repeat(60)}\n\n\`\`\`\n${"wide code ".repeat(60)}\n\`\`\``);
  await arrived(ada);
  const width = (selector: string) => ada.message("many words").locator(selector).evaluate((element) => element.getBoundingClientRect().width);
  expect(await width(".message__body > p")).toBeLessThanOrEqual(42 * 16);
  expect(await width(".message__body > pre")).toBeGreaterThan(42 * 16);
});

test("a long message is folded without scripts too, and a message of some lines on phones alone", async ({ person }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await ada.setUp();
  await ada.write(lines(16));
  await ada.write("some words ".repeat(80));
  await ada.write(lines(15));
  const row = ada.message("line 16");
  const height = () => row.locator(".message__body").evaluate((body) => body.getBoundingClientRect().height);
  const folded = await height();
  await row.getByText("Show all").click();
  expect(await height()).toBeGreaterThan(folded + 15);
  await row.getByText("Show less").click();
  expect(await height()).toBe(folded);
  await expect(ada.page.locator(".fold:visible")).toHaveCount(1);
  await ada.page.setViewportSize({ width: 390, height: 844 });
  await expect(ada.page.locator(".fold:visible")).toHaveCount(2);
});

test("a pointer over a message shows boost, reply and more", async ({ twoPeople: { ada } }) => {
  await ada.write("hover here");
  await arrived(ada);
  const tools = ada.message("hover here").locator(".tools");
  const opacity = () => tools.evaluate((element) => getComputedStyle(element).opacity);
  await ada.page.mouse.move(0, 0);
  await ada.composer.focus();
  await expect.poll(opacity).toBe("0");
  await ada.message("hover here").hover();
  await expect.poll(opacity).toBe("1");
  await expect(tools.getByRole("link", { name: "Boost the message by Ada" })).toBeVisible();
  await tools.getByRole("link", { name: "Reply to Ada" }).click();
  await expect(ada.reply).toHaveText("Replying to Ada: hover here");
  await tools.getByRole("link", { name: "Boost the message by Ada" }).click();
  await expect(ada.page.getByRole("dialog", { name: "Boost" })).toBeVisible();
});

test("a touch screen has no buttons beside messages, and says once how the menu is opened", async ({ person }) => {
  const ada = await person("Ada", PHONE);
  await ada.setUp();
  await ada.live();
  const hint = ada.page.getByText("Press and hold a message to reply, boost or change it.");
  await expect(hint).toBeHidden();
  await ada.write("hold here");
  await arrived(ada);
  await expect(hint).toBeVisible();
  await ada.isAccessible("the hint");
  const shown = await ada.message("hold here").locator(".tools").evaluate((tools) => [...tools.querySelectorAll("a, summary")].filter((control) => {
    const { left, top, width, height } = control.getBoundingClientRect();
    return width > 0 && document.elementFromPoint(left + width / 2, top + height / 2) === control;
  }).length);
  expect(shown).toBe(0);
  await ada.openMenu(ada.message("hold here"));
  await expect(ada.message("hold here").getByRole("link", { name: "Reply", exact: true })).toBeVisible();
  await ada.page.keyboard.press("Escape");
  await ada.page.getByRole("button", { name: "Got it" }).tap();
  await expect(hint).toBeHidden();
  await ada.page.reload();
  await ada.live();
  await expect(ada.message("hold here")).toBeVisible();
  await expect(hint).toBeHidden();
});

test("a reply is a strip over the field, kept over a reload, and a line above the message when it is sent", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("shall we meet at **nine**?\n\nOr at ten?");
  await expect(bob.message("at nine")).toBeVisible();
  await bob.composer.fill("half a thought");
  await bob.choose(bob.message("at nine"), "Reply");
  await expect(bob.reply).toHaveText("Replying to Ada: shall we meet at nine?");
  await expect(bob.composer).toHaveValue("half a thought");
  await expect(bob.composer).toBeFocused();
  await bob.isAccessible("a reply");
  await bob.page.getByRole("button", { name: "Cancel reply" }).click();
  await expect(bob.reply).toBeHidden();
  await bob.choose(bob.message("at nine"), "Reply");
  await bob.page.reload();
  await bob.live();
  await expect(bob.reply).toHaveText("Replying to Ada: shall we meet at nine?");
  // Editing another message keeps it.
  await bob.composer.fill("at nine");
  await bob.page.keyboard.press("Enter");
  await expect(ada.page.locator("#message-2 .reply")).toHaveText("In answer to Ada shall we meet at nine? Or at ten?");
  await expect(bob.reply).toBeHidden();
  await bob.write("no reply");
  await expect(ada.message("no reply")).toBeVisible();
  await expect(ada.message("no reply").locator(".reply")).toHaveCount(0);
  // The first words of a reply are its own.
  await ada.choose(ada.page.locator("#message-2"), "Reply");
  await expect(ada.reply).toHaveText("Replying to Bob: at nine");
  const sent = ada.page.waitForRequest("**/api/messages/post");
  await ada.write("good");
  expect((await sent).postDataJSON()).toMatchObject({ body: "good", reply_to: 2 });
});

test("the message that is edited is marked, and its button says what it does", async ({ twoPeople: { ada } }) => {
  for (const text of ["one", "two"]) await ada.write(text);
  await arrived(ada);
  await ada.choose(ada.message("one"), "Edit");
  await expect(ada.composer).toHaveValue("one");
  await expect(ada.page.locator(".message--edited")).toHaveCount(1);
  await expect(ada.message("one")).toHaveClass(/message--edited/);
  await expect(sendButton(ada)).toBeHidden();
  await ada.isAccessible("editing");
  await ada.composer.fill("changed");
  await ada.page.getByRole("button", { name: "Save changes" }).click();
  await expect(ada.message("changed")).toBeVisible();
  await expect(ada.page.locator(".message--edited")).toHaveCount(0);
  await expect(sendButton(ada)).toBeVisible();
});

test("the send button is quiet until there is something to send, and long texts have the whole width", async ({ twoPeople: { ada } }) => {
  const quiet = await background(sendButton(ada));
  await ada.composer.fill("x");
  expect(await background(sendButton(ada))).not.toBe(quiet);
  const beside = () => ada.composer.evaluate((field) => field.closest(".composer__row")!.clientWidth - field.clientWidth);
  expect(await beside()).toBeGreaterThan(60);
  await ada.composer.fill("one\ntwo");
  expect(await beside()).toBeLessThan(20);
  await ada.composer.fill("");
  expect(await background(sendButton(ada))).toBe(quiet);
  expect(await beside()).toBeGreaterThan(60);
});

test("one field narrows the emoji and boosts: with the first of them, or with the words", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("we shipped it");
  await expect(bob.message("we shipped it")).toBeVisible();
  const picker = bob.page.getByRole("dialog", { name: "Boost" });
  const field = picker.getByRole("searchbox");
  const group = (name: RegExp) => ada.message("we shipped it").getByRole("button", { name });
  await bob.choose(bob.message("we shipped it"), "Other boost…");
  await expect(field).toBeFocused();
  await bob.isAccessible("the picker");
  await field.pressSequentially("rocket");
  await expect(picker.getByRole("button", { name: "rocket", exact: true })).toBeVisible();
  await bob.isAccessible("the narrowed picker");
  await field.press("Enter");
  await expect(group(/^🚀, 1: Bob/)).toBeVisible();
  await expect(picker).toHaveCount(0);
  await bob.choose(bob.message("we shipped it"), "Other boost…");
  await field.fill("rocket");
  await picker.getByRole("button", { name: "Boost “rocket”" }).click();
  await expect(group(/^rocket, 1: Bob/)).toBeVisible();
  // Enter before the emoji are there waits for them.
  await bob.choose(bob.message("we shipped it"), "Other boost…");
  await field.fill("party popper");
  await field.press("Enter");
  await expect(group(/^🎉, 1: Bob/)).toBeVisible();
  await bob.choose(bob.message("we shipped it"), "Other boost…");
  await field.fill("seventeen letters");
  await expect(picker.getByRole("button", { name: /^Boost/ })).toHaveCount(0);
});

test("the groups of the picker fit a phone", async ({ person }) => {
  const ada = await person("Ada", { ...PHONE, viewport: { width: 320, height: 640 } });
  await ada.setUp();
  await ada.live();
  await ada.write("hello");
  await arrived(ada);
  await ada.choose(ada.message("hello"), "Other boost…");
  const groups = ada.page.getByRole("navigation", { name: "Groups of emoji" });
  await expect(groups.getByRole("link")).toHaveCount(9);
  expect(await groups.evaluate((list) => list.scrollWidth - list.clientWidth)).toBe(0);
  await groups.getByRole("link", { name: "Flags" }).tap();
  await expect(ada.page.getByRole("button", { name: "chequered flag" }).or(ada.page.getByRole("button", { name: "checkered flag" }))).toBeVisible();
});

test("people to mention have faces with presence, and one is not among them", async ({ twoPeople: { ada, bob } }) => {
  await ada.comfortable();
  await expect(ada.page.locator(".here")).toBeVisible();
  await ada.composer.pressSequentially("@");
  const options = ada.page.getByRole("option");
  await expect(options.locator("bdi")).toHaveText(["Bob"]);
  await expect(options.locator(".avatar")).toHaveText("B");
  const mark = (person: Person, within: string) => person.page.locator(`${within} .avatar`).first().evaluate((face) => getComputedStyle(face, "::after").content);
  expect(await mark(ada, ".completions")).toBe('""');
  await ada.isAccessible("the people to mention");
  await ada.page.keyboard.press("Escape");
  await bob.write("no mark here");
  await expect(ada.message("no mark here")).toBeVisible();
  expect(await mark(ada, ".message")).toBe("none");
});

test("a wide table scrolls on a phone without breaking words, and what scrolls can be focused", async ({ person }) => {
  const ada = await person("Ada", PHONE);
  await ada.setUp();
  await ada.live();
  await ada.comfortable();
  const words = ["Donaudampfschifffahrt", "incomprehensibilities", "Straßenverkehrsordnung"];
  await ada.composer.fill(`| ${words.join(" | ")} |\n|---|---|---|\n| 1 | 2 | 3 |\n\n\`\`\`\n${"wide ".repeat(40)}\n\`\`\`\n\n| a | b |\n|---|---|\n| 1 | 2 |`);
  await sendButton(ada).tap();
  await arrived(ada);
  const tables = ada.page.getByRole("table");
  expect(await tables.first().evaluate((table) => table.scrollWidth - table.clientWidth)).toBeGreaterThan(50);
  const heights = await tables.first().locator("th").evaluateAll((cells) => cells.map((cell) => cell.clientHeight));
  expect(Math.max(...heights)).toBeLessThan(50);
  await expect(tables.first()).toHaveAttribute("tabindex", "0");
  await expect(ada.page.locator(".message__body pre")).toHaveAttribute("tabindex", "0");
  await expect(tables.last()).not.toHaveAttribute("tabindex");
  expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
  await ada.isAccessible("a table");
});

test("the label of a day stands above the line before the first new message", async ({ twoPeople: { ada, bob } }) => {
  await bob.goto("/users/me/profile");
  await ada.write("the first of the day, and new");
  await arrived(ada);
  await bob.goto("/rooms/1");
  const row = bob.message("and new");
  await expect(row).toHaveAttribute("data-new", "");
  await expect(row).toHaveAttribute("data-day", /./);
  const areas = await row.evaluate((row) => [getComputedStyle(row, "::before").gridRowStart, getComputedStyle(row, "::after").gridRowStart]);
  expect(areas).toEqual(["day", "new"]);
});

test("a deleted room stays on the screen with who did it and what one was writing", async ({ twoPeople: { ada, bob } }) => {
  await ada.makeClosedRoom("Kitchen", ["Bob"]);
  await ada.live();
  const path = new URL(ada.page.url()).pathname;
  await bob.roomLink("Kitchen").click();
  await ada.write("soup at noon");
  await expect(bob.message("soup at noon")).toBeVisible();
  await bob.composer.fill("no onions, please");
  await bob.comfortable();
  await remove(ada, path);
  await isLost(bob, "Ada deleted this room.");
  await expect(bob.message("soup at noon")).toBeVisible();
  await expect(bob.page.getByRole("heading", { name: "Kitchen" })).toBeVisible();
  await expect(bob.roomLink("Kitchen")).toHaveCount(0);
  await expect(bob.composer).toBeHidden();
  const draft = bob.page.getByLabel("What you were writing:");
  await expect(draft).toHaveValue("no onions, please");
  await bob.isAccessible("a lost room");
  await bob.page.getByRole("link", { name: "Go to your rooms" }).click();
  await expect(bob.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await isLost(ada, "You deleted this room.");
});

test("a message that waited for a deleted room is shown wherever one lands", async ({ twoPeople: { ada, bob } }) => {
  await ada.makeClosedRoom("Kitchen", ["Bob"]);
  const path = new URL(ada.page.url()).pathname;
  await bob.roomLink("Kitchen").click();
  await expect(bob.page.getByRole("heading", { name: "Kitchen" })).toBeVisible();
  bob.forgive(/404|ERR_INTERNET_DISCONNECTED|WebSocket/);
  await bob.page.context().setOffline(true);
  await bob.write("no <onions>, please");
  await expect(bob.page.getByText("Waiting for the connection…")).toBeVisible();
  await remove(ada, path);
  await bob.page.context().setOffline(false);
  const unsent = bob.page.getByRole("region", { name: "Not sent" });
  await expect(unsent).toContainText("Not sent to “Kitchen”, which was deleted");
  await expect(unsent.getByRole("textbox", { name: "Your message" })).toHaveValue("no <onions>, please");
  await bob.isAccessible("an unsent message");
  await bob.roomLink("All Talk").click();
  await expect(bob.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await expect(unsent).toBeVisible();
  await bob.page.reload();
  await bob.live();
  await expect(unsent).toBeVisible();
  await unsent.getByRole("button", { name: "Discard" }).click();
  await expect(unsent).toBeHidden();
  await bob.page.reload();
  await bob.live();
  await expect(unsent).toBeHidden();
});

test("the bell says what was done, and takes it back", async ({ twoPeople: { bob } }) => {
  await bob.comfortable();
  const bell = bob.page.locator(".bell > summary");
  await bell.click();
  await expect(bob.page.locator(".bell").getByRole("button", { pressed: true })).toHaveText(/^Mentions/);
  await bob.page.getByRole("button", { name: "Hidden" }).click();
  await expect(bell).toHaveAccessibleName("Off, and hidden from the sidebar. Change");
  await expect(bob.roomLink("All Talk")).toHaveCount(0);
  await bob.page.getByRole("status").filter({ hasText: "hidden from the sidebar" }).getByRole("button", { name: "Undo" }).click();
  await expect(bell).toHaveAccessibleName("Notified of mentions. Change");
  await expect(bob.roomLink("All Talk")).toBeVisible();
  // The present choice again changes nothing that could be taken back.
  await bell.click();
  await bob.page.getByRole("button", { name: "Mentions" }).click();
  await expect(bob.page.getByRole("status").filter({ hasText: "Notified of mentions." })).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "Undo" })).toHaveCount(0);
});

test("while the live page loads for more than a second, a word says so, and the form posts", async ({ twoPeople: { ada, bob } }) => {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await bob.page.route("**/campfire.wasm", async (route) => {
    await released;
    await route.continue();
  });
  await bob.page.reload();
  const word = bob.page.getByText("Getting ready…");
  await expect.poll(() => word.evaluate((element) => getComputedStyle(element).opacity)).toBe("1");
  await bob.isAccessible("a page that is loading");
  await bob.write("before it is live");
  await expect(ada.message("before it is live")).toBeVisible();
  release();
  await bob.live();
  await expect(word).toBeHidden();
});

test("a room left at its end opens at its end, also after a return to older messages", async ({ twoPeople: { ada } }) => {
  await flood(ada, "/rooms/1", 150);
  const list = ada.page.locator(".timeline");
  const row = ada.page.locator("#message-40");
  await ada.goto("/rooms/1");
  await ada.live();
  await ada.comfortable();
  for (let tries = 0; tries < 10 && (await row.count()) === 0; tries++) {
    const first = await ada.page.locator(".message").first().getAttribute("id");
    await list.evaluate((element) => { element.scrollTop = -element.scrollHeight; });
    await expect.poll(() => ada.page.locator(".message").first().getAttribute("id")).not.toBe(first);
  }
  await row.evaluate((row) => row.scrollIntoView({ block: "center" }));
  const kept = () => ada.page.evaluate(() => sessionStorage.getItem("campfire:place:/rooms/1"));
  await expect.poll(async () => Number(/message-(\d+)/.exec((await kept()) ?? "")?.[1] ?? 0)).toBeLessThan(40);
  await ada.goto("/users/me/profile");
  await ada.page.goBack();
  await ada.live();
  await expect(row).toBeInViewport();
  await ada.comfortable();
  // To the end of the room, through all that is newer.
  for (let tries = 0; tries < 20 && (await ada.page.locator("#message-150").count()) === 0; tries++) {
    const last = await ada.page.locator(".message").last().getAttribute("id");
    await list.evaluate((element) => { element.scrollTop = -40; });
    await expect.poll(() => ada.page.locator(".message").last().getAttribute("id")).not.toBe(last);
  }
  await list.evaluate((element) => { element.scrollTop = 0; });
  await expect.poll(kept).toBeNull();
  await ada.goto("/users/me/profile");
  await ada.page.goBack();
  await ada.live();
  await expect(ada.message("message number 150")).toBeInViewport();
  await expect(ada.page).toHaveURL(/\/rooms\/1$/);
});

test("nothing is wider than a narrow phone, with long names and in other scripts", async ({ person, campfire }) => {
  const ada = await person("Ada", { ...PHONE, viewport: { width: 320, height: 640 } });
  await ada.setUp();
  await ada.live();
  const link = await ada.invitationOnPhone();
  for (const name of ["Ευανθία Παπαδοπούλου-Χατζηγεωργίου", "王小明", "مريم الخوارزمي", "Wolfeschlegelsteinhausenbergerdorff Hubert"]) {
    expect(await campfire.join(link, name)).toBe(303);
  }
  await ada.page.reload();
  await ada.live();
  await ada.comfortable();
  await ada.write("שלום עולם, מה שלומך היום?");
  await arrived(ada);
  await ada.choose(ada.message("שלום"), "Reply");
  await ada.composer.pressSequentially("@");
  await expect(ada.page.getByRole("option")).toHaveCount(4);
  expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  for (const option of await ada.page.getByRole("option").all()) {
    expect(await option.evaluate((row) => row.scrollWidth - row.clientWidth)).toBeLessThanOrEqual(0);
  }
});
