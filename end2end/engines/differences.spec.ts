// What engines do differently: layout, keys of the browser, the focus, scrolling, sounds.

import { By, Key } from "selenium-webdriver";
import { composer, expect, inMessage, link, message, numbered, picker, roomLink, test } from "./people.ts";

const NEWS = 30;

test("the composer grows with its text while nobody else is online", async ({ ada, room, everybody }) => {
  for (const other of everybody) if (other !== ada) await other.browser.driver.get("about:blank");
  await ada.enter(room);
  await ada.seesNo(By.css(".here"));
  // Her own mark, the only rule of its style sheet, comes after the page.
  await expect.poll(() => ada.count(By.css('presence-marks:not([data-online=""])'))).toBe(1);
  const height = () => ada.with(composer, (field) => ada.evaluate((field) => field.getBoundingClientRect().height, field));
  const oneLine = await height();
  await ada.click(composer);
  await ada.type("one");
  for (const line of ["two", "three", "four"]) {
    await ada.press(Key.SHIFT, Key.ENTER);
    await ada.type(line);
  }
  const hidden = () => ada.with(composer, (field) => ada.evaluate((field) => field.scrollHeight - field.clientHeight, field));
  await expect.poll(hidden).toBeLessThanOrEqual(0);
  await expect.poll(height).toBeGreaterThan(oneLine * 2);
  await ada.press(Key.ENTER);
  await ada.sees(message("four"));
  await expect.poll(height).toBe(oneLine);
});

test("every block of a message stands on the side where its script begins", async ({ ada, room }) => {
  const hebrew = "שלום עולם";
  await ada.posts(room, hebrew, `- ${hebrew}`, `> ${hebrew}`, `# ${hebrew}`, "Hello world", "- Hello world");
  await ada.enter(room);
  const sides = await ada.evaluate(() =>
    [...document.querySelectorAll(".message__body")].map((body) => {
      const words = document.createTreeWalker(body, NodeFilter.SHOW_TEXT, (node) => (node.nodeValue!.trim() ? 1 : 3)).nextNode()!;
      const range = document.createRange();
      range.selectNodeContents(words);
      const [text, box] = [range.getBoundingClientRect(), body.getBoundingClientRect()];
      return text.left - box.left < box.right - text.right ? "left" : "right";
    }),
  );
  expect(sides).toEqual(["right", "right", "right", "right", "left", "left"]);
});

test("the picker of boosts closes by Escape in its field and by its button", async ({ ada, room }) => {
  await ada.posts(room, "we shipped it");
  await ada.enter(room);
  const opened = async () => {
    await ada.choose("we shipped it", "Other boost…");
    await ada.sees(picker);
    await expect.poll(() => ada.evaluate(() => document.activeElement?.matches("dialog [type=search]"))).toBe(true);
  };
  const isClosed = async () => {
    await ada.seesNo(picker);
    expect(await ada.evaluate(() => document.activeElement?.matches(".message"))).toBe(true);
  };
  await opened();
  await ada.press(Key.ESCAPE);
  await isClosed();
  await opened();
  await ada.type("rocket");
  await ada.press(Key.ESCAPE);
  await isClosed();
  await opened();
  await ada.click(By.css('dialog [aria-label="Close"]'));
  await isClosed();
});

test("a boost of words is a line of words in the picker of a phone", async ({ ada, person, room }) => {
  await ada.posts(room, "we shipped it");
  const phone = await person("Ada", { phone: true });
  await phone.signInAs(ada);
  await phone.enter(room);
  const open = async () => {
    await phone.openMenu("we shipped it");
    await phone.click(inMessage("we shipped it", '//a[.="Other boost…"]'));
    await phone.sees(picker);
  };
  for (const words of ["well done", "congratulations!"]) {
    await open();
    await phone.click(By.css("dialog input[name=content]"));
    await phone.type(words);
    await phone.press(Key.ENTER);
    await phone.seesNo(picker);
  }
  await open();
  const lines = await phone.evaluate(() =>
    [...document.querySelectorAll("#picker-recent button")].map((button) => {
      const range = document.createRange();
      range.selectNodeContents(button);
      const isInside = range.getBoundingClientRect().right <= button.getBoundingClientRect().right;
      return [button.textContent, new Set([...range.getClientRects()].map(({ top }) => top)).size, isInside];
    }),
  );
  expect(lines).toEqual([["congratulations!", 1, true], ["well done", 1, true]]);
});

test("the row being read does not move while messages arrive", async ({ ada, bob, room }) => {
  await ada.flood(room, 80);
  await bob.enter(room);
  await bob.scrollTo(numbered(50));
  // Between two pixels, as a wheel or a finger leaves it.
  await bob.evaluate(() => {
    const list = document.querySelector(".timeline")!;
    list.scrollTop = Math.trunc(list.scrollTop) - 0.7;
  });
  const before = await bob.place(numbered(50));
  // What arrives from now on is counted.
  await bob.sees(link("Newest messages"));
  for (let number = 81; number < 81 + NEWS; number++) {
    await ada.flood(room, 1, number);
    await expect.poll(() => bob.count(numbered(number))).toBe(1);
  }
  await bob.sees(link(`${NEWS} new messages`));
  expect(Math.abs((await bob.place(numbered(50))) - before)).toBeLessThan(1);
});

test("going back shows the row that was read, also one above the newest forty", async ({ ada, room }) => {
  await ada.flood(room, 120);
  await ada.enter(room);
  await ada.scrollTo(numbered(85));
  await ada.sees(numbered(41));
  const before = await ada.scrollTo(numbered(60));
  const id = await ada.evaluate(() => {
    const top = document.querySelector(".timeline")!.getBoundingClientRect().top;
    return [...document.querySelectorAll(".message")].find((row) => row.getBoundingClientRect().bottom > top)!.id;
  });
  const isKept = () => ada.evaluate((id) => Object.values(sessionStorage).some((place) => place.includes(`"${id}"`)), id);
  await expect.poll(isKept).toBe(true);
  const back = async () => {
    await ada.browser.driver.navigate().back();
    await ada.live();
    await expect.poll(async () => Math.abs((await ada.place(numbered(60))) - before)).toBeLessThan(3);
  };
  await ada.click(roomLink("All Talk"));
  await ada.sees(By.xpath('//h1[normalize-space()="All Talk"]'));
  await back();
  await ada.goto("/users/me/profile");
  await back();
});

test("the shortcuts of the composer are not those of the browser", async ({ ada, room }) => {
  await ada.enter(room);
  const preview = By.css('.composer [role="region"][aria-label="Preview"] strong');
  await ada.click(composer);
  await ada.type("**words**");
  await ada.press(Key.CONTROL, Key.SHIFT, "h");
  await ada.sees(preview);
  await ada.press(Key.CONTROL, Key.SHIFT, "h");
  await ada.seesNo(preview);
  for (const [keys, after] of [
    [["b"], "**words**"],
    [["i"], "_words_"],
    [["e"], "`words`"],
    [["k"], "[words]()"],
    [[Key.SHIFT, "x"], "~~words~~"],
    [[Key.SHIFT, "e"], "```\nwords\n```"],
    [[Key.SHIFT, "7"], "1. words"],
    [[Key.SHIFT, "8"], "- words"],
    [[Key.SHIFT, "9"], "> words"],
  ] as const) {
    await ada.fill(composer, "words");
    await ada.press(Key.CONTROL, "a");
    await ada.press(Key.CONTROL, ...keys);
    await ada.hasValue(composer, after);
  }
  expect(await ada.browser.driver.getAllWindowHandles()).toHaveLength(1);
  await ada.fill(composer, "");
});

test("a sound plays by itself once one was played by a click", async ({ ada, bob, room }) => {
  await bob.enter(room);
  await ada.posts(room, "/play tada");
  await bob.sees(message("has something to show"));
  // Whether the browser lets them play, not whether this machine can decode them.
  await bob.evaluate(() => {
    const answers: [string, string][] = [];
    const { play } = HTMLMediaElement.prototype;
    Object.assign(window, { answers });
    HTMLMediaElement.prototype.play = function () {
      const playing = play.call(this);
      const answer = (name: string) => answers.push([new URL(this.src).pathname, name]);
      playing.then(() => answer("allowed"), ({ name }: Error) => answer(name === "NotAllowedError" ? "refused" : "allowed"));
      return playing;
    };
  });
  const answers = () => bob.evaluate(() => (window as unknown as { answers: [string, string][] }).answers);
  await bob.click(inMessage("has something to show", '//a[@aria-label="Play tada"]'));
  await expect.poll(answers).toEqual([["/sounds/tada.mp3", "allowed"]]);
  // For some seconds after a click everything is allowed.
  await expect.poll(() => bob.evaluate(() => navigator.userActivation.isActive)).toBe(false);
  await ada.posts(room, "/play bell");
  await bob.sees(message("rings"));
  await expect.poll(answers).toEqual([["/sounds/tada.mp3", "allowed"], ["/sounds/bell.mp3", "allowed"]]);
});
