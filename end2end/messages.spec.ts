// Writing and reading: the composer, mentions, boosts, sounds, menus, the scroll position, the search.

import { arrived, expect, flood, type Person, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const comfortable = async (...people: Person[]) => {
  for (const person of people) await person.comfortable();
};

test("the toolbar formats the selection, and undo reverts it", async ({ twoPeople: { ada } }) => {
  await comfortable(ada);
  const { page, composer } = ada;
  await page.getByRole("button", { name: "Formatting" }).click();
  const cases: [string, string, string][] = [
    ["Bold", "words", "**words**"],
    ["Italic", "words", "_words_"],
    ["Strikethrough", "words", "~~words~~"],
    ["Code (", "words", "`words`"],
    ["Code block", "words", "```\nwords\n```"],
    ["Quote", "a\nb", "> a\n> b"],
    ["List", "a\nb", "- a\n- b"],
    ["Numbered list", "a\nb", "1. a\n2. b"],
    ["Link", "words", "[words]()"],
  ];
  for (const [tool, before, after] of cases) {
    await composer.fill(before);
    await composer.selectText();
    await page.getByRole("button", { name: new RegExp(`^${tool.replace("(", "\\(")}`) }).click();
    await expect(composer, tool).toHaveValue(after);
    await page.keyboard.press("Control+z");
    await expect(composer, `${tool}, undone`).toHaveValue(before);
  }
  await composer.fill("words");
  await composer.selectText();
  await page.keyboard.press("Control+b");
  await expect(composer).toHaveValue("**words**");
  await page.keyboard.press("Control+b");
  await expect(composer).toHaveValue("words");
  await composer.selectText();
  await composer.evaluate((field) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", "https://a.example/x");
    field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
  });
  await expect(composer).toHaveValue("[words](https://a.example/x)");
  await page.getByRole("button", { name: "Preview" }).click();
  await expect(page.getByRole("region", { name: "Preview" }).getByRole("link", { name: "words" })).toHaveAttribute("href", "https://a.example/x");
  await page.keyboard.press("Enter");
  await expect(ada.message("words").getByRole("link", { name: "words" })).toBeVisible();
});

test("drafts survive a reload and other rooms, and are removed by sending", async ({ twoPeople: { ada } }) => {
  await ada.makeClosedRoom("Makers");
  await ada.live();
  await ada.composer.fill("half a thought");
  await ada.roomLink("All Talk").click();
  await expect(ada.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await expect(ada.composer).toHaveValue("");
  await ada.roomLink("Makers").click();
  await expect(ada.composer).toHaveValue("half a thought");
  await ada.page.reload();
  await ada.live();
  await expect(ada.composer).toHaveValue("half a thought");
  await ada.page.keyboard.press("Enter");
  await expect(ada.message("half a thought")).toBeVisible();
  await arrived(ada);
  await ada.page.reload();
  await ada.live();
  await expect(ada.composer).toHaveValue("");
});

test("a name is completed by keyboard alone, and the mentioned person sees a mark", async ({ twoPeople: { ada, bob }, campfire }) => {
  const link = await ada.invitation();
  for (const name of ["Sam Smith", "Sam  Jones", "Émile Zola"]) expect(await campfire.join(link, name)).toBe(303);
  await comfortable(ada, bob);
  await ada.composer.pressSequentially("look, @emi");
  const list = ada.page.getByRole("listbox", { name: "Suggestions" });
  await expect(list.getByRole("option").locator("bdi")).toHaveText(["Émile Zola"]);
  await expect(ada.composer).toHaveAttribute("aria-activedescendant", "completion-0");
  await ada.page.keyboard.press("Escape");
  await expect(list).toHaveCount(0);
  await ada.composer.fill("");
  await ada.composer.pressSequentially("@s");
  await expect(list.getByRole("option")).toHaveCount(2);
  await ada.page.keyboard.press("ArrowDown");
  await expect(list.getByRole("option", { selected: true })).toHaveText(/Sam/);
  await ada.page.keyboard.press("Tab");
  await expect(ada.composer).toHaveValue(/^@Sam +\w+ $/);
  await ada.composer.fill("");
  await ada.composer.pressSequentially("and @bo");
  await expect(list.getByRole("option").locator("bdi")).toHaveText(["Bob"]);
  await ada.page.keyboard.press("Enter");
  await expect(ada.composer).toHaveValue("and @Bob ");
  await ada.composer.pressSequentially("too");
  await ada.page.keyboard.press("Enter");
  const mention = bob.message("and @Bob too").getByRole("link", { name: "@Bob" });
  await expect(mention).toHaveAttribute("href", "/users/2");
  const background = (person: Person) => person.message("and @Bob too").evaluate((row) => getComputedStyle(row).backgroundColor);
  await ada.page.mouse.move(0, 0);
  expect(await background(bob)).not.toBe(await background(ada));
});

test("a blank or a punctuation mark after a whole name chooses the person", async ({ twoPeople: { ada, bob } }) => {
  await comfortable(ada);
  for (const [typed, chosen] of [["look @bob", "look @Bob "], ["@bob,", "@Bob,"], ["見て@bob。", "見て@Bob。"]] as const) {
    await ada.composer.fill("");
    const end = chosen.at(-1) ?? "";
    await ada.composer.pressSequentially(typed.endsWith(end) ? typed.slice(0, -1) : typed);
    await expect(ada.page.getByRole("option").locator("bdi")).toHaveText(["Bob"]);
    await ada.page.keyboard.insertText(end);
    await expect(ada.composer).toHaveValue(chosen);
    await expect(ada.page.getByRole("option")).toHaveCount(0);
  }
  await ada.page.keyboard.press("Enter");
  await expect(bob.message("見て").getByRole("link", { name: "@Bob" })).toBeVisible();
});

test("a pasted link to a message opens in the same window", async ({ twoPeople: { ada, bob } }) => {
  await comfortable(ada, bob);
  await ada.write("the first message");
  await expect(bob.message("the first message")).toBeVisible();
  const path = new URL(bob.page.url()).pathname;
  await ada.write(`see ${new URL(`${path}/@1`, bob.page.url())} and https://other.example/x`);
  const links = bob.message("see http").locator(".message__body a");
  await expect(links).toHaveCount(2);
  await bob.page.evaluate(() => ((window as { same?: boolean }).same = true));
  await links.first().click();
  await expect.poll(() => new URL(bob.page.url()).pathname).toBe(`${path}/@1`);
  expect(await bob.page.evaluate(() => (window as { same?: boolean }).same)).toBe(true);
  expect(bob.page.context().pages()).toHaveLength(1);
  await expect(links.last()).toHaveAttribute("target", "_blank");
});

test("people who take the same name are distinguished by a number", async ({ twoPeople: { ada } }) => {
  const link = await ada.invitation();
  for (const name of ["Kim", "Kim"]) {
    const body = new URLSearchParams({ name, email_address: `${name}${Math.random()}@example.com`, password: "correct horse" });
    await fetch(link, { method: "POST", body, redirect: "manual" });
  }
  await ada.page.reload();
  await ada.live();
  await comfortable(ada);
  await ada.composer.pressSequentially("@kim");
  await expect(ada.page.getByRole("option").locator("bdi")).toHaveText(["Kim", "Kim (2)"]);
  await ada.page.keyboard.press("ArrowDown");
  await ada.page.keyboard.press("Enter");
  await expect(ada.composer).toHaveValue("@Kim (2) ");
  await ada.page.keyboard.press("Enter");
  await expect(ada.message("@Kim").getByRole("link", { name: "@Kim (2)" })).toHaveAttribute("href", "/users/4");
});

test("completions among five thousand names are narrowed without a noticeable delay", async ({ twoPeople: { ada } }) => {
  await comfortable(ada);
  const people = Array.from({ length: 5_000 }, (_, index) => ({ name: `Person ${index} Number${index}`, value: index + 10 }));
  await ada.page.route("**/autocompletable/users*", (route) => route.fulfill({ json: people }));
  await ada.composer.pressSequentially("@p");
  await expect(ada.page.getByRole("option")).toHaveCount(8);
  const tookMs = await ada.composer.evaluate(async (field: HTMLTextAreaElement) => {
    field.value = "@number4321";
    field.setSelectionRange(11, 11);
    const start = performance.now();
    const shown = new Promise<void>((resolve) => {
      new MutationObserver((_, observer) => {
        if (document.querySelector(".completions li")?.textContent?.includes("4321")) {
          observer.disconnect();
          resolve();
        }
      }).observe(document.body, { childList: true, subtree: true });
    });
    field.dispatchEvent(new Event("input", { bubbles: true }));
    await shown;
    return performance.now() - start;
  });
  test.info().annotations.push({ type: "measured", description: `${tookMs.toFixed(1)} ms` });
  await expect(ada.page.getByRole("option").locator("bdi")).toHaveText(["Person 4321 Number4321"]);
});

test("boosts are added with one click, shown live, and removed", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("we shipped it");
  await expect(bob.message("we shipped it")).toBeVisible();
  await comfortable(ada, bob);
  await bob.choose(bob.message("we shipped it"), "Boost: fire");
  const group = (person: Person, name: RegExp) => person.message("we shipped it").getByRole("button", { name });
  await group(ada, /^🔥, 1: Bob\. Boost too/).click();
  await expect(group(bob, /^🔥, 2: Bob, Ada\. Take your boost back/)).toBeVisible();
  await group(bob, /Take your boost back/).click();
  await expect(group(ada, /^🔥, 1: Ada\. Take your boost back/)).toBeVisible();
  await expect(group(bob, /^🔥, 1: Ada\. Boost too/)).toBeFocused();

  await ada.page.getByRole("link", { name: "Add a boost" }).click();
  const picker = ada.page.getByRole("dialog", { name: "Boost" });
  const field = picker.getByRole("searchbox", { name: "Search emoji, or write up to 16 characters" });
  await field.fill("rocket");
  await picker.getByRole("button", { name: "rocket", exact: true }).click();
  await expect(group(bob, /^🚀, 1: Ada/)).toBeVisible();
  await ada.page.getByRole("link", { name: "Add a boost" }).click();
  await expect(picker.getByRole("form", { name: "Recent" }).getByRole("button")).toHaveText(["🚀", "🔥"]);

  // Text in the picker survives changes of the message by others.
  await field.fill("well do");
  await bob.choose(bob.message("we shipped it"), "Boost: clapping");
  await expect(group(ada, /^👏, 1: Bob/)).toBeAttached();
  await field.pressSequentially("ne");
  await ada.page.keyboard.press("Enter");
  await expect(group(bob, /^well done, 1: Ada/)).toBeVisible();
});

test("a sound plays for everyone who has the room in view, and can be switched off", async ({ twoPeople: { ada, bob } }) => {
  await comfortable(ada, bob);
  for (const { page } of [ada, bob]) {
    await page.evaluate(() => {
      const played: string[] = [];
      Object.assign(window, { played });
      HTMLMediaElement.prototype.play = function () { played.push(new URL(this.src).pathname); return Promise.resolve(); };
    });
  }
  const played = (person: Person) => person.page.evaluate(() => (window as unknown as { played: string[] }).played);
  await ada.composer.pressSequentially("/play tad");
  await expect(ada.page.getByRole("option").locator("bdi")).toHaveText(/^tada/);
  await ada.page.keyboard.press("Enter");
  await expect(ada.composer).toHaveValue("/play tada");
  await ada.page.keyboard.press("Enter");
  await expect(bob.message("has something to show")).toBeVisible();
  await expect.poll(() => played(bob)).toEqual(["/sounds/tada.mp3"]);
  await expect.poll(() => played(ada)).toEqual(["/sounds/tada.mp3"]);

  await bob.page.getByRole("log").focus();
  await bob.page.keyboard.press("?");
  await bob.page.getByRole("checkbox", { name: "Play sounds as they come" }).uncheck();
  await bob.page.getByRole("button", { name: "Close" }).click();
  await ada.write("/play bell");
  await expect(bob.message("rings")).toBeVisible();
  await expect.poll(() => played(ada)).toHaveLength(2);
  expect(await played(bob)).toHaveLength(1);
  await bob.message("rings").getByRole("link", { name: "Play bell" }).click();
  await expect.poll(() => played(bob)).toEqual(["/sounds/tada.mp3", "/sounds/bell.mp3"]);
});

test("emoji are large, code is highlighted, and long content does not break the layout", async ({ twoPeople: { ada } }) => {
  await ada.write("🎉🔥");
  await ada.write("```rust\nlet answer = 42; // why\n```");
  await ada.write("x".repeat(2_000));
  await ada.write("| a | b |\n|---|---|\n| 1 | 2 |");
  await ada.write("مرحبا بالعالم");
  await arrived(ada);
  const size = (text: string | RegExp) => ada.message(text).locator("p").first().evaluate((element) => parseFloat(getComputedStyle(element).fontSize));
  expect(await size("🎉🔥")).toBeGreaterThan(30);
  await expect(ada.message("answer").locator(".hl-keyword")).toHaveText("let");
  await expect(ada.message("answer").locator(".hl-comment")).toHaveText(/why/);
  await expect(ada.message("1").getByRole("table")).toBeVisible();
  expect(await ada.message("مرحبا").locator(".message__body p").evaluate((block) => getComputedStyle(block).direction)).toBe("rtl");
  const log = ada.page.locator(".timeline");
  expect(await log.evaluate((box) => box.scrollWidth - box.clientWidth)).toBe(0);
});

test("a long message is folded after fifteen lines, and folded back", async ({ twoPeople: { ada } }) => {
  await ada.write(Array.from({ length: 60 }, (_, index) => `line ${index + 1}`).join("\n"));
  await arrived(ada);
  const body = ada.message("line 60").locator(".message__body");
  const height = () => body.evaluate((element) => element.getBoundingClientRect().height);
  const folded = await height();
  await ada.message("line 60").getByText("Show all").click();
  expect(await height()).toBeGreaterThan(folded * 3);
  await expect(ada.message("line 60").getByText("Show all")).toBeHidden();
  await ada.message("line 60").getByText("Show less").click();
  expect(await height()).toBe(folded);
  await expect(ada.message("line 60").getByText("Show all")).toBeInViewport();
});

test("a reply leads to what it answers, and a deletion can be undone", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("shall we meet at nine?");
  await expect(bob.message("at nine")).toBeVisible();
  await comfortable(ada, bob);
  await bob.choose(bob.message("at nine"), "Reply");
  await expect(bob.reply).toHaveText("Replying to Ada: shall we meet at nine?");
  await expect(bob.composer).toHaveValue("");
  await bob.composer.pressSequentially("yes");
  await bob.page.keyboard.press("Enter");
  await expect(ada.message("yes").locator(".reply")).toContainText("shall we meet at nine?");
  await ada.message("yes").getByRole("link", { name: "In answer to Ada" }).click();
  await expect(ada.page).toHaveURL(/\/rooms\/1\/@1$/);

  await bob.choose(bob.message("yes"), "Delete");
  await expect(bob.message("yes")).toBeHidden();
  await bob.page.getByRole("button", { name: "Undo" }).click();
  await expect(bob.message("yes")).toBeVisible();
  await expect(ada.message("yes")).toBeVisible();
  await bob.choose(bob.message("yes"), "Delete");
  await expect(ada.message("yes")).toHaveCount(0);
});

test("a message whose deletion is refused comes back with the reason", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("here to stay");
  await expect(bob.message("here to stay")).toBeVisible();
  // As for somebody who signed out elsewhere.
  await ada.page.route(/\/rooms\/1\/messages\/\d+$/, (route) =>
    route.fulfill({ status: 303, headers: { location: "/session/new" } }),
  );
  await ada.choose(ada.message("here to stay"), "Delete");
  await expect(ada.message("here to stay")).toBeHidden();
  await expect(ada.page.getByText("The message was not deleted: that was refused.")).toBeVisible({ timeout: 10_000 });
  await expect(ada.message("here to stay")).toBeVisible();
});

test("leaving the page before the time to undo a deletion is over deletes the message", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("gone with me");
  await expect(bob.message("gone with me")).toBeVisible();
  await ada.choose(ada.message("gone with me"), "Delete");
  await ada.goto("/users/me/profile");
  await expect(bob.message("gone with me")).toHaveCount(0);
});

test("the text of an edit is kept if the message is deleted meanwhile", async ({ twoPeople: { ada, bob } }) => {
  await bob.write("a first version");
  await arrived(bob);
  await bob.choose(bob.message("a first version"), "Edit");
  await expect(bob.composer).toHaveValue("a first version");
  await bob.composer.fill("a second version");
  await ada.choose(ada.message("a first version"), "Delete");
  await expect(bob.message("a first version")).toHaveCount(0);
  await bob.page.keyboard.press("Enter");
  await expect(bob.page.getByRole("alert").filter({ hasText: "deleted meanwhile" })).toBeVisible();
  await expect(bob.composer).toHaveValue("a second version");
  await bob.page.keyboard.press("Enter");
  await expect(ada.message("a second version")).toBeVisible();
  for (const person of [ada, bob]) person.complaints.splice(0, person.complaints.length, ...person.complaints.filter((text) => !text.includes("status of 404")));
});

test("typing is shown, until the message is sent or the page is left", async ({ twoPeople: { ada, bob } }) => {
  // Typing is not repeated for who connects later.
  for (const { page } of [ada, bob]) await expect(page.locator(".here")).toBeVisible();
  await ada.composer.pressSequentially("hm");
  await expect(bob.page.getByText("Ada is writing…")).toBeVisible();
  await expect(ada.page.getByText("is writing…")).toHaveCount(0);
  await ada.page.keyboard.press("Enter");
  await expect(bob.page.getByText("Ada is writing…")).toHaveCount(0);
  await ada.composer.pressSequentially("x");
  await expect(bob.page.getByText("Ada is writing…")).toBeVisible();
  await expect(bob.page.getByText("Ada is writing…")).toHaveCount(0, { timeout: 8_000 });
});

test("new messages are marked after the last read one, and counted while the reader is scrolled up", async ({ twoPeople: { ada, bob } }) => {
  await flood(ada, "/rooms/1", 60);
  await expect(bob.message("message number 60")).toBeVisible();
  await bob.page.locator(".timeline").evaluate((box) => { box.scrollTop = -box.scrollHeight; });
  await ada.write("news one");
  await expect(bob.page.getByRole("link", { name: "1 new message" })).toBeVisible();
  await ada.write("news two");
  await bob.page.getByRole("link", { name: "2 new messages" }).click();
  await expect(bob.message("news two")).toBeInViewport();
  await expect(bob.page.getByRole("link", { name: /new message/ })).toHaveCount(0);

  await comfortable(bob);
  await bob.choose(bob.message("news one"), "Mark unread from here");
  await expect(bob.message("news one")).toHaveAttribute("data-new", "");
  await bob.page.reload();
  await expect(bob.message("news one")).toHaveAttribute("data-new", "");
});

test("a page holds some three hundred messages of a long room, in both directions", async ({ twoPeople: { ada, bob } }) => {
  test.slow();
  await ada.makeClosedRoom("Archive", ["Bob"]);
  const path = new URL(ada.page.url()).pathname;
  await flood(ada, path, 420);
  await bob.goto(path);
  await bob.live();
  const { page } = bob;
  const box = page.locator(".timeline");
  const count = () => page.locator(".message").count();
  const first = () => page.locator(".message .message__body").first().innerText();
  const last = () => page.locator(".message .message__body").last().innerText();
  let most = 0;
  for (let tries = 0; tries < 60 && (await first()) !== "message number 1"; tries++) {
    const before = await first();
    // A message keeps its position while older ones are inserted before it.
    const seen = page.locator(".message").first();
    const id = await seen.getAttribute("id");
    await box.evaluate((element) => { element.scrollTop = -(element.scrollHeight - element.clientHeight) + 40; });
    const top = () => page.evaluate((id) => document.querySelector(`#${id} .message__body`)?.getBoundingClientRect().top, id);
    const was = await top();
    await expect.poll(first).not.toBe(before);
    const now = await top();
    expect(Math.abs(now! - was!), `${id} stays in its place`).toBeLessThan(4);
    most = Math.max(most, await count());
  }
  expect(await first()).toBe("message number 1");
  expect(most).toBeLessThanOrEqual(360);
  await expect.poll(count).toBeLessThanOrEqual(320);
  const opened = await page.locator(".message").first().getAttribute("id");
  await page.getByRole("link", { name: "Newest messages" }).click();
  await expect(bob.message("message number 420")).toBeInViewport();

  await bob.goto(`${path}/@${opened!.replace("message-", "")}`);
  await bob.live();
  for (let tries = 0; tries < 60 && (await last()) !== "message number 420"; tries++) {
    const before = await last();
    await box.evaluate((element) => { element.scrollTop = -40; });
    await expect.poll(last).not.toBe(before);
    most = Math.max(most, await count());
  }
  expect(await last()).toBe("message number 420");
  expect(most).toBeLessThanOrEqual(360);
});

test("going back restores the scroll position", async ({ twoPeople: { ada } }) => {
  await flood(ada, "/rooms/1", 60);
  await ada.page.reload();
  await ada.live();
  await comfortable(ada);
  const box = ada.page.locator(".timeline");
  await box.evaluate((element) => { element.scrollTop = -330; });
  const stored = () => ada.page.evaluate(() => sessionStorage.getItem("campfire:place:/rooms/1"));
  await expect.poll(stored).not.toBeNull();
  const [id] = JSON.parse((await stored())!);
  await ada.goto("/users/me/profile");
  await ada.page.goBack();
  await ada.live();
  await expect(ada.page.locator(`#${id}`)).toBeInViewport();
  expect(await box.evaluate((element) => element.scrollTop)).toBeLessThan(-250);
});

test("the message list is one tab stop, and the arrow keys move within it", async ({ twoPeople: { ada, bob } }) => {
  for (const text of ["one", "two", "three"]) await ada.write(text);
  await expect(bob.message("three")).toBeVisible();
  await comfortable(bob);
  const { page } = bob;
  await page.getByRole("log").focus();
  await page.keyboard.press("ArrowUp");
  await expect(bob.message("three")).toBeFocused();
  await page.keyboard.press("ArrowUp");
  await expect(bob.message("two")).toBeFocused();
  await expect(bob.message("two")).toHaveAccessibleName(/^Ada two$/);
  await page.keyboard.press("Home");
  await expect(bob.message("one")).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(bob.message("one").getByRole("button", { name: "Boost: thumbs up" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(ada.message("one").getByRole("button", { name: /^👍, 1: Bob/ })).toBeVisible();
  await page.getByRole("log").getByRole("listitem").filter({ hasText: "one" }).focus();
  await page.keyboard.press("r");
  await expect(bob.reply).toHaveText("Replying to Ada: one");
  await expect(bob.composer).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(bob.reply).toBeHidden();

  await bob.message("two").focus();
  await page.keyboard.press("?");
  await page.getByRole("checkbox", { name: "Shortcuts of single keys" }).uncheck();
  await bob.isAccessible("the list of shortcuts");
  await page.getByRole("button", { name: "Close" }).click();
  await bob.message("two").focus();
  await page.keyboard.press("r");
  await expect(bob.reply).toBeHidden();
});

test("only messages of others are announced to screen readers", async ({ twoPeople: { ada, bob } }) => {
  await comfortable(ada, bob);
  const announcer = (person: Person) => person.page.locator("#announcer");
  await ada.write("**hello** there");
  await expect(announcer(bob)).toHaveText("Ada: hello there");
  await expect(announcer(ada)).toHaveText("");
  await expect(bob.page.getByRole("log")).toHaveAttribute("aria-live", "off");
});

test("a search finds messages, filters, completes, and links to the message", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("two eels swim");
  await bob.write("one eel sleeps https://a.example");
  await expect(ada.message("one eel")).toBeVisible();
  await ada.goto("/searches");
  await ada.live();
  const field = ada.page.getByRole("searchbox", { name: "Search all your rooms" });
  await field.fill("eel");
  await ada.page.keyboard.press("Enter");
  const found = ada.page.getByRole("list", { name: "Found messages" }).getByRole("listitem");
  await expect(found).toHaveCount(2);
  await expect(found.first().locator("mark")).toHaveText("eel");
  await comfortable(ada);
  await field.fill("eel ");
  await field.press("End");
  await field.pressSequentially("from:b");
  await expect(ada.page.getByRole("option").locator("bdi")).toHaveText(["Bob"]);
  await ada.page.keyboard.press("Enter");
  await expect(field).toHaveValue("eel from:Bob ");
  await ada.page.keyboard.press("Enter");
  await expect(found).toHaveCount(1);
  await ada.isAccessible("search results");
  await expect(ada.page.getByRole("region", { name: "Recent searches" }).getByRole("link")).toHaveText(["eel from:Bob", "eel"]);
  await found.getByRole("link").click();
  await expect(ada.page).toHaveURL(/\/rooms\/1\/@2$/);
  await expect(ada.message("one eel")).toHaveAttribute("aria-current", "true");
  await ada.goto("/searches");
  ada.page.once("dialog", (dialog) => dialog.accept());
  await ada.page.getByRole("button", { name: "Clear" }).click();
  await expect(ada.page.getByRole("region", { name: "Recent searches" })).toHaveCount(0);
});

test("on a phone a long press opens the menu, and names are chosen by touch", async ({ person, campfire }) => {
  const ada = await person("Ada", PHONE);
  await ada.setUp();
  await ada.live();
  const link = await ada.invitationOnPhone();
  expect(await campfire.join(link, "Grace Hopper")).toBe(303);
  await ada.page.reload();
  await ada.live();
  await comfortable(ada);
  await ada.composer.pressSequentially("@gr");
  await ada.page.getByRole("option", { name: "Grace Hopper" }).tap();
  await expect(ada.composer).toHaveValue("@Grace Hopper ");
  // Enter inserts a line break here.
  await ada.composer.pressSequentially("hi");
  await ada.page.keyboard.press("Enter");
  await expect(ada.composer).toHaveValue("@Grace Hopper hi\n");
  await ada.page.keyboard.press("Shift+Enter");
  await expect(ada.message("hi")).toBeVisible();
  await arrived(ada);
  await ada.message("hi").locator(".message__body").dispatchEvent("touchstart");
  await expect(ada.message("hi").getByRole("button", { name: "Boost: fire" })).toBeVisible();
  await ada.isAccessible("the menu of a message");
  await ada.message("hi").getByRole("link", { name: "Other boost…" }).tap();
  await expect(ada.page.getByRole("dialog", { name: "Boost" })).toBeVisible();
  await ada.isAccessible("the picker");
  expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
});

test("mentions, boosts, replies and the search need no script", async ({ person }) => {
  const options = { javaScriptEnabled: false };
  const ada = await person("Ada", options);
  await ada.setUp();
  const bob = await person("Bob", options);
  await bob.join(await ada.invitation());
  await ada.write("@Bob, eels!");
  await ada.write("/play tada");
  await bob.goto("/rooms/1");
  await expect(bob.message("eels").getByRole("link", { name: "@Bob" })).toHaveAttribute("href", "/users/2");
  await bob.openMenuPage(bob.message("eels"));
  await bob.page.getByRole("button", { name: "Boost: fire" }).click();
  await expect(bob.message("eels").getByRole("button", { name: /Take your boost back/ })).toBeVisible();
  await bob.message("eels").getByRole("link", { name: "Add a boost" }).click();
  await bob.page.getByRole("searchbox", { name: "Search emoji, or write up to 16 characters" }).fill("rocket");
  await bob.page.getByRole("button", { name: "Search" }).click();
  await bob.page.getByRole("button", { name: "rocket", exact: true }).click();
  await expect(bob.message("eels").getByRole("button", { name: /^🚀, 1: Bob/ }).last()).toBeVisible();
  await bob.choose(bob.message("eels"), "Reply");
  await bob.page.getByLabel("Message").press("Control+End");
  await bob.page.getByLabel("Message").pressSequentially("slippery");
  await bob.page.getByRole("button", { name: "Send", exact: true }).click();
  await expect(bob.message("slippery").locator(".reply")).toContainText("eels");
  await expect(bob.message("has something to show").getByRole("link", { name: "Play tada" })).toHaveAttribute("href", "/sounds/tada.mp3");
  await bob.page.getByRole("link", { name: "Search" }).click();
  await bob.page.getByRole("searchbox", { name: "Search all your rooms" }).fill("slippery");
  await bob.page.getByRole("button", { name: "Search" }).click();
  await expect(bob.page.getByRole("list", { name: "Found messages" }).getByRole("listitem")).toHaveCount(1);
  await bob.page.locator(".found__link").click();
  await expect(bob.message("slippery")).toBeVisible();
});
