// Everyday use in each engine: writing, changing and finding messages, reading, lost connections, phones, no scripts.

import { By, Key } from "selenium-webdriver";
import {
  button, composer, expect, field, heading, inMessage, link, message, numbered, option, outgoing, picker, roomLink, test, text,
} from "./people.ts";

test("two people write to each other", async ({ ada, bob, room }) => {
  await ada.enter(room);
  await bob.enter(room);
  // Typing is not repeated for who connects later.
  for (const person of [ada, bob]) await person.sees(By.css(".here"));
  await ada.click(composer);
  await ada.type("Hello **Bob**, is it *warm* there?");
  await bob.sees(text("Ada is writing…"));
  await ada.press(Key.ENTER);
  await bob.sees(message("Hello Bob, is it warm there?"));
  await bob.sees(inMessage("Hello Bob", "//strong"));
  await bob.seesNo(text("is writing…"));

  await bob.click(composer);
  await bob.type("Very. <b>Look</b>:");
  await bob.press(Key.SHIFT, Key.ENTER);
  await bob.type("https://example.com/fire");
  await bob.press(Key.ENTER);
  await ada.sees(inMessage("<b>Look</b>", '//a[@href="https://example.com/fire"]'));
  await ada.hasValue(composer, "");
  await bob.hasValue(composer, "");
  for (const person of [ada, bob]) {
    await person.seesNo(outgoing);
    expect(await person.texts()).toEqual(["Hello Bob, is it warm there?", "Very. <b>Look</b>:\nhttps://example.com/fire"]);
  }
});

test("edits and deletions are shown to the other", async ({ ada, bob, room }) => {
  await ada.enter(room);
  await bob.enter(room);
  await ada.write("The meeting is at nine");
  await ada.write("Nevermind me");
  await bob.sees(message("Nevermind me"));

  await ada.choose("at nine", "Edit");
  await ada.hasValue(composer, "The meeting is at nine");
  await ada.write("The meeting is at **ten**");
  await bob.sees(message("The meeting is at ten"));
  await bob.seesNo(message("at nine"));
  await ada.hasValue(composer, "");
  await ada.press(Key.ARROW_UP);
  await ada.hasValue(composer, "Nevermind me");
  await ada.press(Key.ESCAPE);
  await ada.hasValue(composer, "");

  await ada.choose("Nevermind me", "Delete");
  await ada.seesNo(message("Nevermind me"));
  await ada.click(button("Undo"));
  await ada.sees(message("Nevermind me"));
  await ada.choose("Nevermind me", "Delete");
  await bob.seesNo(message("Nevermind me"));
  expect(await bob.texts()).toEqual(["The meeting is at ten"]);
});

test("a name is completed by the keyboard, and the person is called from another room", async ({ ada, bob, room }) => {
  await ada.enter(room);
  await bob.enter({ name: "All Talk", path: "/rooms/1" });
  await ada.click(composer);
  await ada.type("look, @bo");
  await ada.sees(option("Bob"));
  await ada.press(Key.ENTER);
  await ada.hasValue(composer, "look, @Bob ");
  await ada.type("here");
  await ada.press(Key.ENTER);
  await bob.sees(By.xpath(`//nav[@aria-label="Rooms"]//a[contains(., "${room.name}")]//*[contains(., "unread")]`));
  await bob.click(roomLink(room.name));
  await bob.sees(inMessage("look, @Bob here", '//a[normalize-space()="@Bob"]'));
  const background = (person: typeof bob) =>
    person.with(message("look, @Bob here"), (row) => person.evaluate((row) => getComputedStyle(row).backgroundColor, row));
  expect(await background(bob)).not.toBe(await background(ada));
});

test("a search finds an old message, and its link opens the room there", async ({ ada, room }) => {
  await ada.posts(room, "the **heron** has landed");
  await ada.flood(room, 120);
  await ada.enter(room);
  await ada.click(link("Search"));
  await ada.click(field("Search all your rooms"));
  await ada.type("herons");
  await ada.press(Key.ENTER);
  await ada.sees(By.xpath('//*[@aria-label="Found messages"]/li//mark[.="heron"]'));
  await ada.click(By.css(".found__link"));
  await ada.live();
  const heron = message("the heron has landed");
  await expect.poll(() => ada.attribute(heron, "aria-current")).toBe("true");
  await ada.hasInView(heron);
  expect(await ada.count(numbered(120))).toBe(0);

  // A permanent link in the live page.
  await ada.scrollTo(numbered(9));
  await ada.click(inMessage("message number 9", '//a[@class="message__time"]'));
  await expect.poll(() => ada.attribute(numbered(9), "aria-current")).toBe("true");
  await ada.hasInView(numbered(9));
  await ada.browser.driver.navigate().back();
  await expect.poll(() => ada.attribute(heron, "aria-current")).toBe("true");
});

test("older messages load while scrolling up, and the rows in view keep their place", async ({ ada, room }) => {
  await ada.flood(room, 100);
  await ada.enter(room);
  await ada.hasInView(numbered(100));
  expect(await ada.count(numbered(120))).toBe(0);
  let before = await ada.scrollTo(numbered(65));
  await ada.sees(numbered(21));
  expect(Math.abs((await ada.place(numbered(65))) - before)).toBeLessThan(2);
  // The page counts as loading until two frames later, and notices no scrolling until then.
  await ada.frames(3);
  before = await ada.scrollTo(numbered(25));
  await ada.sees(numbered(1));
  expect(Math.abs((await ada.place(numbered(25))) - before)).toBeLessThan(2);
  const expected = Array.from({ length: 100 }, (_, index) => `message number ${index + 1}`);
  expect(await ada.texts()).toEqual(expected);
  await ada.click(link("Newest messages"));
  await ada.hasInView(numbered(100));
});

test("what is written while the server is away is sent in order once it is back", async ({ ada, bob, room, campfire }) => {
  await ada.enter(room);
  await bob.enter(room);
  await ada.write("before");
  await bob.sees(message("before"));
  // WebKitGTK's driver has no switch for the network.
  await campfire.kill();
  for (const person of [ada, bob]) await person.sees(text("Reconnecting…"));
  for (const words of ["first", "second", "third"]) await ada.write(words);
  await ada.sees(inMessage("first", '//*[.="Waiting for the connection…"]'));
  await campfire.run();
  await bob.sees(message("third"));
  const expected = ["before", "first", "second", "third"];
  for (const person of [ada, bob]) {
    await person.seesNo(text("Reconnecting…"));
    await person.seesNo(outgoing);
    expect(await person.texts()).toEqual(expected);
    // The lost connections.
    person.browser.complaints.splice(0);
  }
});

test("a phone shows the room, its drawer, a menu and the picker without scrolling sideways", async ({ ada, person, room }) => {
  const phone = await person("Ada", { phone: true });
  await phone.signInAs(ada);
  await phone.enter(room);
  expect(await phone.evaluate(() => innerWidth)).toBe(390);
  /** Waits until the page and what is shown over it are no wider than the window; the drawer slides in. */
  const fits = async (selector: string) => {
    await phone.sees(By.css(selector));
    const edges = () =>
      phone.evaluate((selector) => {
        const [box, page] = [document.querySelector(selector)!, document.documentElement].map((box) => box.getBoundingClientRect());
        return [box!.left >= 0, box!.right <= page!.right, document.documentElement.scrollWidth <= innerWidth];
      }, selector);
    await expect.poll(edges, { message: selector }).toEqual([true, true, true]);
  };
  await phone.seesNo(roomLink("All Talk"));
  await phone.click(By.css(".menu-button"));
  await fits(".sidebar");
  await phone.click(roomLink("All Talk"));
  await phone.sees(heading("All Talk"));
  await phone.seesNo(roomLink("All Talk"));
  await phone.enter(room);

  await phone.click(composer);
  await phone.type(`A word of ${"a".repeat(200)} letters`);
  // WebKitGTK cannot pretend to have a touch screen, where Enter breaks the line.
  const sends = phone.browser.engine === "firefox" ? [Key.SHIFT, Key.ENTER] : [Key.ENTER];
  await phone.press(...sends);
  await ada.enter(room);
  await ada.sees(message("A word of"));
  await fits(".composer");
  await fits(".timeline .message");
  await phone.openMenu("A word of");
  await fits(".menu[open] .menu__list");
  await phone.click(inMessage("A word of", '//a[.="Other boost…"]'));
  await phone.sees(picker);
  await fits("dialog.picker-dialog");
});

test("joining, writing, changing, searching and signing out need no script", async ({ ada, person, room }) => {
  const cleo = await person("Cleo", { scripts: false });
  await cleo.join(await ada.invitation());
  await cleo.goto(room.path);
  await cleo.sees(heading(room.name));
  expect(await cleo.evaluate(() => document.querySelector("html[data-scripts], html[data-live]"))).toBeNull();
  await cleo.fill(composer, "Hello from *plain* HTML");
  await cleo.click(button("Send"));
  await cleo.sees(inMessage("Hello from plain HTML", '//em[.="plain"]'));
  await ada.enter(room);
  await ada.sees(message("Hello from plain HTML"));
  await ada.posts(room, "And back, @Cleo");
  await cleo.goto(room.path);
  await cleo.hasInView(message("And back, @Cleo"));

  const menu = async (words: string) => {
    await cleo.click(inMessage(words, "//summary"));
    await cleo.click(inMessage(words, '//a[.="Answer, boost, change…"]'));
  };
  await menu("And back");
  await cleo.click(button("Boost: fire"));
  await ada.sees(By.css('[aria-label^="🔥, 1: Cleo"]'));
  await menu("Hello from");
  await cleo.click(link("Edit or delete"));
  await cleo.fill(field("Message"), "Changed without scripts");
  await cleo.click(button("Save"));
  await ada.sees(message("Changed without scripts"));
  await cleo.click(link("Search"));
  await cleo.fill(field("Search all your rooms"), "changed");
  await cleo.click(button("Search"));
  await cleo.click(By.css(".found__link"));
  await cleo.hasInView(message("Changed without scripts"));
  await menu("Changed without");
  await cleo.click(link("Edit or delete"));
  await cleo.click(button("Delete for everyone"));
  await ada.seesNo(message("Changed without scripts"));
  await cleo.goto("/users/me/profile");
  await cleo.click(button("Sign out"));
  await cleo.sees(button("Sign in"));
});
