// Page objects for WebDriver: people with browsers of the engine under test. Elements are located by role and label as far
// as XPath can tell them.

import { test as base, expect } from "@playwright/test";
import { By, Key, type WebElement } from "selenium-webdriver";
import { Campfire } from "../campfire.ts";
import { Browser, type BrowserOptions, type EngineName } from "./browsers.ts";

const PASSWORD = "correct horse";

const quoted = (text: string) => (text.includes('"') ? `'${text}'` : `"${text}"`);
const named = (name: string) => `(@aria-label=${quoted(name)} or normalize-space()=${quoted(name)})`;

export const button = (name: string) => By.xpath(`//button[${named(name)}]`);
export const link = (name: string) => By.xpath(`//a[${named(name)}]`);
export const heading = (name: string) => By.xpath(`//h1[normalize-space()=${quoted(name)}]`);
export const text = (words: string) => By.xpath(`//*[text()[contains(., ${quoted(words)})]]`);
export const field = (label: string) =>
  By.xpath(
    `//*[self::input or self::textarea][@aria-label=${quoted(label)} or @id=//label[normalize-space()=${quoted(label)}]/@for
      or ancestor::label[contains(normalize-space(), ${quoted(label)})]]`,
  );
export const roomLink = (name: string) =>
  By.xpath(`//nav[@aria-label="Rooms"]//a[starts-with(normalize-space(), ${quoted(name)})]`);
export const option = (name: string) => By.xpath(`//*[@role="option"][.//bdi[normalize-space()=${quoted(name)}]]`);

/** Something in the row of the message with these words: XPath from the row. */
export const inMessage = (words: string, path: string) =>
  By.xpath(`//*[@role="log"]//li[.//*[contains(@class, "message__body")][contains(., ${quoted(words)})]]${path}`);
const BODY = '//*[contains(@class, "message__body")]';
export const message = (words: string) => inMessage(words, "");
export const menuOf = (words: string) => inMessage(words, '//details[contains(@class, "menu")]/summary');

/** The message that {@link Person.flood} has written as the one of this number. */
export const numbered = (number: number) =>
  By.xpath(`//*[@role="log"]//li[.//*[contains(@class, "message__body")][normalize-space()="message number ${number}"]]`);

export const outgoing = By.css(".message--outgoing");
export const composer = By.css(".composer textarea");
export const picker = By.css("dialog.picker-dialog");

/** In the page a {@link WebElement} is the element. */
type InPage<A> = { [K in keyof A]: A[K] extends WebElement ? HTMLElement : A[K] };

export interface Room {
  readonly name: string;
  readonly path: string;
}

/** A person with a browser. What the browser complains about fails the test. */
export class Person {
  /** The cookies of the session, for requests without the browser. */
  private cookie = "";

  constructor(
    readonly name: string,
    readonly browser: Browser,
    readonly campfire: Campfire,
  ) {}

  get emailAddress() {
    return `${this.name.toLowerCase()}@example.com`;
  }

  /** Runs a function in the page. */
  async evaluate<T, A extends unknown[]>(run: (...args: InPage<A>) => T, ...args: A): Promise<T> {
    return this.browser.driver.executeScript<T>(run, ...args);
  }

  /** Waits until this many frames have been painted. */
  async frames(count: number) {
    await this.browser.driver.executeAsyncScript((count: number, done: () => void) => {
      const next = (left: number) => (left ? requestAnimationFrame(() => next(left - 1)) : done());
      next(count);
    }, count);
  }

  async goto(path: string) {
    await this.browser.driver.get(new URL(path, this.campfire.url).href);
  }

  /** Waits until the page is hydrated and chat.js has run. */
  async live() {
    await this.sees(By.css("html[data-live][data-chat-ready]"));
  }

  /** Opens a room in a new document. */
  async enter(room: Room) {
    await this.goto(room.path);
    await this.sees(heading(room.name));
    await this.live();
  }

  private async visible(locator: By): Promise<WebElement | undefined> {
    const elements = await this.browser.driver.findElements(locator);
    if (elements.length === 0) return undefined;
    // Not `isDisplayed`: to that, what is above the start of a reversed list can never be scrolled to.
    const index = await this.evaluate(
      (...elements) => elements.findIndex((element) => element.checkVisibility({ visibilityProperty: true })),
      ...elements,
    );
    return elements[index];
  }

  /** Does something with the first visible match, as soon as there is one; again, if it was replaced meanwhile. */
  async with<T>(locator: By, act: (element: WebElement) => Promise<T>): Promise<T> {
    let result: T;
    await expect(async () => {
      const element = await this.visible(locator);
      if (!element) throw new Error(`${this.name} does not see ${locator}`);
      result = await act(element);
    }).toPass({ timeout: 20_000, intervals: [50, 100, 250] });
    return result!;
  }

  async sees(locator: By) {
    await this.with(locator, async () => {});
  }

  async seesNo(locator: By) {
    const isVisible = () => this.visible(locator).then(Boolean, () => true);
    await expect.poll(isVisible, { message: `${this.name} sees ${locator}` }).toBe(false);
  }

  async click(locator: By) {
    await this.with(locator, (element) => element.click());
  }

  async attribute(locator: By, name: string): Promise<string | null> {
    return this.with(locator, (element) => element.getAttribute(name));
  }

  async count(locator: By): Promise<number> {
    return (await this.browser.driver.findElements(locator)).length;
  }

  /** Waits until the field has this value. */
  async hasValue(locator: By, value: string) {
    await expect.poll(() => this.with(locator, (element) => element.getProperty("value"))).toBe(value);
  }

  /** Replaces the text of a field. */
  async fill(locator: By, value: string) {
    await this.with(locator, (element) => element.click());
    await this.press(Key.CONTROL, "a");
    await this.with(locator, (element) => element.sendKeys(value || Key.DELETE));
  }

  /** Types at the focus. */
  async type(keys: string) {
    await this.browser.driver.actions().sendKeys(keys).perform();
  }

  /** Presses the last key while the others are down. */
  async press(...keys: string[]) {
    const actions = this.browser.driver.actions();
    for (const key of keys) actions.keyDown(key);
    for (const key of [...keys].reverse()) actions.keyUp(key);
    await actions.perform();
  }

  async setUp() {
    await this.goto("/");
    await this.identify("Set up");
  }

  async join(link: string) {
    await this.goto(link);
    await this.identify("Join");
  }

  private async identify(submit: string) {
    await this.fill(field("Your name"), this.name);
    await this.fill(field("E-mail address"), this.emailAddress);
    await this.fill(field("Password"), PASSWORD);
    await this.click(button(submit));
    await this.sees(heading("All Talk"));
    await this.keepCookies();
  }

  private async keepCookies() {
    const cookies = await this.browser.driver.manage().getCookies();
    this.cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  }

  /** Signs in with the session of another browser of the same person. */
  async signInAs(other: Person) {
    await this.goto("/up");
    for (const { name, value, httpOnly } of await other.browser.driver.manage().getCookies()) {
      await this.browser.driver.manage().addCookie({ name, value, httpOnly: httpOnly ?? true });
    }
    await this.keepCookies();
  }

  /** Sends a form without the browser. Resolves to where the answer leads. */
  async post(path: string, form: Record<string, string>): Promise<string> {
    const headers = { cookie: this.cookie };
    const body = new URLSearchParams(form);
    const response = await fetch(this.campfire.url + path, { method: "POST", headers, body, redirect: "manual" });
    expect(response.status, path).toBe(303);
    return new URL(response.headers.get("location") ?? "", this.campfire.url).pathname;
  }

  async invitation(): Promise<string> {
    const page = await fetch(`${this.campfire.url}/rooms/1`, { headers: { cookie: this.cookie } });
    return /\/join\/[\w-]+/.exec(await page.text())?.[0] ?? "";
  }

  /** Makes a room that everybody is in. */
  async makeRoom(name: string): Promise<Room> {
    return { name, path: await this.post("/rooms/opens", { name }) };
  }

  /** Posts without the browser. */
  async posts(room: Room, ...texts: string[]) {
    for (const body of texts) await this.post(`${room.path}/messages`, { body });
  }

  /** Posts "message number 1" and so on, without the browser. */
  async flood(room: Room, count: number, from = 1) {
    for (let number = from; number < from + count; number++) await this.posts(room, `message number ${number}`);
  }

  async write(words: string) {
    await this.fill(composer, words);
    await this.press(Key.ENTER);
  }

  /** Opens the menu of a message: by its button, or where nothing can hover by a long press. */
  async openMenu(words: string) {
    if (await this.evaluate(() => matchMedia("(hover: none)").matches)) {
      await this.sees(By.css("html[data-chat-ready]"));
      // No driver holds a finger on the screen.
      await this.with(inMessage(words, BODY), (body) =>
        this.evaluate((body) => void body.dispatchEvent(new Event("touchstart", { bubbles: true })), body),
      );
    } else {
      // The button is shown to a pointer over its message.
      await this.with(message(words), (row) => this.browser.driver.actions().move({ origin: row }).perform());
      await this.click(menuOf(words));
    }
    await this.sees(inMessage(words, '//details[contains(@class, "menu")][@open]'));
  }

  /** Opens the menu of a message and chooses from it. */
  async choose(words: string, action: string) {
    await this.openMenu(words);
    await this.click(inMessage(words, `//*[self::a or self::button][${named(action)}]`));
  }

  /** The texts of the messages, in order. */
  async texts(): Promise<string[]> {
    return this.evaluate(() => [...document.querySelectorAll<HTMLElement>(".message .message__body")].map((body) => body.innerText.trim()));
  }

  /** How far the top of a row is below that of the list, in pixels. */
  async place(row: By): Promise<number> {
    return this.with(row, (row) => this.evaluate(place, row));
  }

  /** Waits until any part of the row is in the visible part of the list. */
  async hasInView(row: By) {
    const isInView = () =>
      this.with(row, (row) =>
        this.evaluate((row) => {
          const [seen, list] = [row, document.querySelector(".timeline")!].map((box) => box.getBoundingClientRect());
          return seen!.bottom > list!.top && seen!.top < list!.bottom;
        }, row),
      );
    await expect.poll(isInView, { message: `${this.name} has ${row} in view` }).toBe(true);
  }

  /** Scrolls a row into the middle of the list. Resolves to its place, measured before anything can load. */
  async scrollTo(row: By): Promise<number> {
    return this.with(row, (row) =>
      this.evaluate((row) => {
        row.scrollIntoView({ block: "center" });
        return row.getBoundingClientRect().top - document.querySelector(".timeline")!.getBoundingClientRect().top;
      }, row),
    );
  }
}

/** In the page: how far the top of a row is below that of the list. */
function place(row: HTMLElement): number {
  return row.getBoundingClientRect().top - document.querySelector(".timeline")!.getBoundingClientRect().top;
}

type InEachTest = {
  /** A room of this test, with everybody in it. */
  room: Room;
  /** Opens a browser of its own, until the test is over. */
  person: (name: string, options: BrowserOptions) => Promise<Person>;
  /** Fails the test if a browser complains, and attaches what it shows if the test fails. */
  complaints: void;
};

type InAllTests = {
  engine: EngineName;
  campfire: Campfire;
  everybody: Person[];
  /** The administrator. */
  ada: Person;
  /** Joined by her link. */
  bob: Person;
};

export const test = base.extend<InEachTest, InAllTests>({
  engine: ["firefox", { scope: "worker", option: true }],

  campfire: [
    async ({}, use) => {
      const campfire = await Campfire.start();
      await use(campfire);
      await campfire.remove();
    },
    { scope: "worker" },
  ],

  everybody: [
    async ({}, use) => {
      const everybody: Person[] = [];
      await use(everybody);
      for (const person of everybody) await person.browser.close();
    },
    { scope: "worker" },
  ],

  ada: [
    async ({ engine, campfire, everybody }, use) => {
      const ada = new Person("Ada", await Browser.open(engine), campfire);
      everybody.push(ada);
      await ada.setUp();
      await use(ada);
    },
    { scope: "worker", timeout: 90_000 },
  ],

  bob: [
    async ({ engine, campfire, everybody, ada }, use) => {
      const bob = new Person("Bob", await Browser.open(engine), campfire);
      everybody.push(bob);
      await bob.join(await ada.invitation());
      await use(bob);
    },
    { scope: "worker", timeout: 90_000 },
  ],

  room: async ({ ada }, use, { title }) => {
    await use(await ada.makeRoom(title.slice(0, 40).trim()));
  },

  person: async ({ engine, campfire, everybody }, use) => {
    const opened: Person[] = [];
    await use(async (name, options) => {
      const person = new Person(name, await Browser.open(engine, options), campfire);
      opened.push(person);
      everybody.push(person);
      return person;
    });
    for (const person of opened) {
      everybody.splice(everybody.indexOf(person), 1);
      await person.browser.close();
    }
  },

  complaints: [
    // After `person`, whose browsers are still open then.
    async ({ everybody, person: _ }, use, testInfo) => {
      await use();
      if (testInfo.status !== testInfo.expectedStatus) {
        for (const { name, browser } of everybody) {
          const body = Buffer.from(await browser.driver.takeScreenshot(), "base64");
          await testInfo.attach(`what ${name} sees`, { body, contentType: "image/png" });
        }
      }
      const complaints = everybody.flatMap(({ browser }) => browser.complaints.splice(0));
      expect(complaints, "what the browsers complained about").toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };
