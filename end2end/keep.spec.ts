// What is kept: pins, saved messages, messages that are sent later, and the history of edits.

import { expect, type Person, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };
const strip = (person: Person) => person.page.locator(".pinned");
const toast = (person: Person, text: string | RegExp) => person.page.locator(".toast").filter({ hasText: text });

/** A date and a time on the wall in a day, as the field takes them. */
function tomorrow() {
  const day = new Date(Date.now() + 24 * 60 * 60 * 1000);
  return `${day.toLocaleDateString("sv")}T10:30`;
}

test("a pin is seen by everybody at once, and whoever is in the room takes it away", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("The plan of the week");
  await bob.choose(bob.message("The plan"), "Pin to the room");
  await expect(toast(bob, "Pinned.")).toBeVisible();
  for (const someone of [ada, bob]) await expect(strip(someone)).toHaveText(/1 pinned\s*The plan of the week/);
  await ada.isAccessible("a room with a pin");
  await bob.write("Another one");
  await ada.choose(ada.message("Another one"), "Pin to the room");
  await expect(strip(bob)).toHaveText(/2 pinned\s*Another one/);

  // The menu of a pinned message offers to take the pin away.
  await ada.openMenu(ada.message("The plan"));
  await expect(ada.message("The plan").getByRole("button", { name: "Pin to the room" })).toBeHidden();
  await ada.message("The plan").getByRole("button", { name: "Unpin" }).click();
  await expect(strip(bob)).toHaveText(/1 pinned/);

  await strip(bob).click();
  await expect(bob.page.getByRole("heading", { name: "Pinned in All Talk" })).toBeVisible();
  await expect(bob.page.getByText("Pinned by Ada")).toBeVisible();
  await bob.isAccessible("the pins of a room");
  await bob.page.getByRole("button", { name: "Unpin" }).click();
  await expect(bob.page.getByText("Nothing is pinned here.")).toBeVisible();
  await expect(strip(ada)).toHaveCount(0);
  await bob.page.getByRole("link", { name: "Back" }).click();
  await expect(bob.message("Another one")).toBeVisible();
  await expect(strip(bob)).toHaveCount(0);
});

test("a deleted message leaves the pins, and an edited one changes them", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("First words");
  await ada.choose(ada.message("First words"), "Pin to the room");
  await expect(strip(bob)).toContainText("First words");
  await ada.choose(ada.message("First words"), "Edit");
  await expect(ada.composer).toHaveValue("First words");
  await ada.composer.fill("Better words");
  await ada.page.getByRole("button", { name: "Save changes" }).click();
  await expect(bob.message("Better words")).toBeVisible();
  await expect(strip(bob)).toContainText("Better words");
  await ada.page.request.post(`${ada.campfire.url}${await ada.message("Better words").locator(".message__time").getAttribute("href").then((href) => href!.replace("@", "messages/"))}`, { form: { _method: "delete" } });
  await expect(strip(bob)).toHaveCount(0);
  await expect(strip(ada)).toHaveCount(0);
});

test("a message is saved by a key, with a note and a reminder", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("Remember the milk");
  await bob.comfortable();
  await expect(bob.message("Remember")).toBeVisible();
  await bob.page.getByRole("log").focus();
  await bob.page.keyboard.press("ArrowUp");
  await bob.page.keyboard.press("s");
  await expect(toast(bob, "Saved for later.")).toBeVisible();
  await bob.page.keyboard.press("?");
  await expect(bob.page.getByRole("dialog", { name: "Keyboard shortcuts" })).toContainText("save for later");
  await bob.page.getByRole("button", { name: "Close" }).click();

  await bob.page.getByRole("link", { name: "Saved for later" }).click();
  await expect(bob.page.getByText("Remember the milk")).toBeVisible();
  await bob.isAccessible("the saved messages");
  await bob.page.getByRole("link", { name: "Note and reminder" }).click();
  await bob.page.getByLabel("Note").fill("Two litres");
  await bob.isAccessible("the form of a note and a reminder");
  await bob.page.getByRole("button", { name: "Tomorrow at 9:00" }).click();
  await expect(bob.page.locator(".kept__note")).toHaveText("Two litres");
  await expect(bob.page.getByText(/Reminder: /)).toBeVisible();
  await bob.page.getByRole("button", { name: "Done", exact: true }).click();
  await expect(bob.page.getByText("Nothing is saved.")).toBeVisible();
  await bob.page.getByRole("link", { name: "Done" }).click();
  await expect(bob.page.getByText("Remember the milk")).toBeVisible();
  await bob.page.getByRole("button", { name: "Remove" }).click();
  await expect(bob.page.getByText("Remember the milk")).toHaveCount(0);
  // Nobody else sees any of it.
  await ada.page.getByRole("link", { name: "Saved for later" }).click();
  await expect(ada.page.getByText("Nothing is saved.")).toBeVisible();
});

test("a message waits for its time, is changed, and is sent at once", async ({ twoPeople: { ada, bob } }) => {
  const clock = ada.page.getByRole("button", { name: "Send later…" });
  await ada.comfortable();
  await expect(clock).toBeHidden();
  await ada.composer.fill("Good morning");
  await clock.click();
  await expect(ada.page.getByRole("heading", { name: "In All Talk" })).toBeVisible();
  await expect(ada.page.getByLabel("Message")).toHaveValue("Good morning");
  await ada.isAccessible("the times of a message");
  // On second thoughts: the text is still there.
  await ada.page.getByRole("link", { name: "Back" }).click();
  await expect(ada.composer).toHaveValue("Good morning");
  await clock.click();

  const at = ada.page.getByLabel("Date and time");
  await at.fill("2020-01-01T09:00");
  ada.forgive(/422/);
  await at.press("Enter");
  await expect(ada.page.getByText("That time is over.")).toBeVisible();
  await expect(ada.page.getByLabel("Message")).toHaveValue("Good morning");
  await at.fill(tomorrow());
  await at.press("Enter");
  await expect(ada.page.getByRole("heading", { name: "Messages to be sent later" })).toBeVisible();
  await ada.goto("/");
  await expect(ada.composer).toHaveValue("");
  await expect(bob.page.locator(".message")).toHaveCount(0);

  await ada.goto("/scheduled");
  const list = ada.page.getByRole("list", { name: "Waiting" });
  await expect(list.getByRole("listitem")).toHaveCount(1);
  await ada.isAccessible("the messages that wait");
  await list.getByRole("link", { name: "Change" }).click();
  await ada.page.getByLabel("Message").fill("Good morning, everybody");
  await ada.isAccessible("the form of a message that waits");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(list).toContainText("Good morning, everybody");
  await list.getByRole("button", { name: "Send now" }).click();
  await expect(ada.message("Good morning, everybody")).toBeVisible();
  await expect(bob.message("Good morning, everybody")).toBeVisible();
  await ada.goto("/scheduled");
  await expect(ada.page.getByRole("list", { name: "Sent and not sent" })).toContainText("All Talk");
  await expect(ada.page.getByText("Nothing waits.")).toBeVisible();
});

test("a message with files, a reply and an edit are not sent later", async ({ twoPeople: { ada, bob } }) => {
  const clock = ada.page.getByRole("button", { name: "Send later…" });
  await bob.write("When?");
  await ada.comfortable();
  await ada.composer.fill("Tomorrow");
  await expect(clock).toBeVisible();
  await ada.choose(ada.message("When?"), "Reply");
  await expect(ada.page.getByText(/Replying to/)).toBeVisible();
  await expect(clock).toBeHidden();
  await ada.page.getByRole("button", { name: "Cancel reply" }).click();
  await expect(clock).toBeVisible();
  await ada.page.locator(".composer input[type=file]").last().setInputFiles({ name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("a") });
  await expect(ada.page.locator(".tray > li")).toHaveCount(1);
  await expect(clock).toBeHidden();
});

test("an edited message leads to what it said before", async ({ twoPeople: { ada, bob } }) => {
  await bob.write("The first version");
  await expect(bob.message("The first version").getByRole("link", { name: "edited" })).toHaveCount(0);
  await bob.choose(bob.message("The first version"), "Edit");
  await expect(bob.composer).toHaveValue("The first version");
  await bob.composer.fill("The second version");
  await bob.page.getByRole("button", { name: "Save changes" }).click();
  const edited = (person: Person) => person.message("The second version").getByRole("link", { name: "edited" });
  await expect(edited(ada)).toBeVisible();
  await bob.choose(bob.message("The second version"), "Edit");
  await expect(bob.composer).toHaveValue("The second version");
  await bob.composer.fill("The second version, again");
  await bob.page.getByRole("button", { name: "Save changes" }).click();
  await expect(edited(ada)).toHaveCount(1);
  await ada.isAccessible("a room with an edited message");
  await edited(ada).click();
  await expect(ada.page.getByRole("heading", { name: "History of a message" })).toBeVisible();
  const earlier = ada.page.getByRole("list", { name: "Earlier" }).getByRole("listitem");
  await expect(earlier).toContainText([/The second version/, /The first version/]);
  await ada.isAccessible("the history of a message");
});

test("pins, saved messages and the clock on a phone", async ({ person }) => {
  const ada = await person("Ada", PHONE);
  await ada.setUp();
  await ada.live();
  await ada.write("Für später — 留着 — לשמור");
  await ada.choose(ada.message("Für später"), "Pin to the room");
  await expect(strip(ada)).toBeVisible();
  await ada.choose(ada.message("Für später"), "Save for later");
  await expect(toast(ada, "Saved for later.")).toBeVisible();
  await ada.composer.fill("Later, then");
  await ada.page.getByRole("button", { name: "Send later…" }).click();
  await expect(ada.page.getByLabel("Message")).toHaveValue("Later, then");
  await ada.page.getByRole("button", { name: "Monday at 9:00" }).click();
  await expect(ada.page.getByRole("list", { name: "Waiting" })).toContainText("Later, then");
  for (const path of ["/saved", "/scheduled", "/rooms/1/pins"]) {
    await ada.goto(path);
    await ada.isAccessible(path);
    expect(await ada.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path).toBe(true);
  }
});

test("without scripts all of it is forms and links", async ({ person }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  const { page } = ada;
  await ada.setUp();
  await ada.write("Hello from forms");
  await ada.choose(ada.message("Hello"), "Pin to the room");
  await expect(strip(ada)).toContainText("Hello from forms");
  await strip(ada).click();
  await page.getByRole("button", { name: "Unpin" }).click();
  await expect(page.getByText("Nothing is pinned here.")).toBeVisible();
  await page.getByRole("link", { name: "Back" }).click();

  await ada.choose(ada.message("Hello"), "Remind me…");
  await page.getByLabel("Note").fill("a note");
  await page.getByRole("button", { name: "In an hour" }).click();
  await expect(page.locator(".kept__note")).toHaveText("a note");
  await ada.goto("/");

  await ada.composer.fill("Sent without scripts");
  await page.getByRole("button", { name: "Send later…" }).click();
  await expect(page.getByText("Times are those of UTC.")).toBeVisible();
  await page.getByRole("button", { name: "In an hour" }).click();
  await expect(page.getByRole("list", { name: "Waiting" })).toContainText("Sent without scripts");
  await page.getByRole("button", { name: "Send now" }).click();
  await expect(ada.message("Sent without scripts")).toBeVisible();

  await ada.choose(ada.message("Sent without"), "Edit or delete");
  await page.getByLabel("Message").fill("Edited without scripts");
  await page.getByRole("button", { name: "Save" }).click();
  await ada.message("Edited without").getByRole("link", { name: "edited" }).click();
  await expect(page.getByRole("list", { name: "Earlier" })).toContainText("Sent without scripts");
});
