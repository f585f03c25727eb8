// Page objects: people with browsers. Elements are located by role and label.

import AxeBuilder from "@axe-core/playwright";
import { type Browser, type BrowserContextOptions, type Locator, type Page, test as base, expect } from "@playwright/test";
import { Campfire } from "./campfire.ts";

export const PASSWORD = "correct horse";

/** A person with a browser. Errors and warnings that the browser reports fail the test. */
export class Person {
  readonly complaints: string[] = [];
  /** Reports that are expected while the server or the network is down. */
  private forgiven = [/Service Worker registration blocked by Playwright/];

  private constructor(
    readonly name: string,
    readonly page: Page,
    readonly campfire: Campfire,
  ) {
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.complain(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => {
      // Chromium reports an interrupted view transition as an error.
      if (!error.message.startsWith("Transition was skipped")) this.complain(`error: ${error.message}`);
    });
    page.on("requestfailed", (request) => {
      // A navigation aborts requests in flight.
      const reason = request.failure()?.errorText ?? "";
      if (reason !== "net::ERR_ABORTED") this.complain(`failed: ${request.url()} ${reason}`);
    });
    page.on("response", (response) => {
      if (response.status() >= 500) this.complain(`${response.status()}: ${response.url()}`);
    });
  }

  /** A person at a page that is open. */
  static of(page: Page, campfire: Campfire, name: string) {
    return new Person(name, page, campfire);
  }

  static async at(browser: Browser, campfire: Campfire, name: string, options: BrowserContextOptions = {}) {
    const context = await browser.newContext(options);
    const person = Person.of(await context.newPage(), campfire, name);
    // With scripts off the browser reports every script that it does not load.
    if (options.javaScriptEnabled === false) person.forgiven.push(/ csp$/);
    return person;
  }

  private complain(text: string) {
    if (!this.forgiven.some((pattern) => pattern.test(text))) this.complaints.push(text);
  }

  /** From now on, reports that match are expected. */
  forgive(pattern: RegExp) {
    this.forgiven.push(pattern);
  }

  /** From now on, reports of lost connections are expected. */
  forgiveLostConnections() {
    this.forgive(/ERR_CONNECTION_REFUSED|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|ERR_SOCKET_NOT_CONNECTED|WebSocket connection to/);
  }

  get emailAddress() {
    return `${this.name.toLowerCase()}@example.com`;
  }

  get composer(): Locator {
    return this.page.getByRole("textbox", { name: "Write a message" });
  }

  message(text: string | RegExp): Locator {
    const body = this.page.locator(".message__body", { hasText: text });
    return this.page.getByRole("log").getByRole("listitem").filter({ has: body });
  }

  /** What the composer says of the message that is replied to. */
  get reply(): Locator {
    return this.page.getByRole("status").filter({ hasText: "Replying to" });
  }

  roomLink(name: string): Locator {
    return this.page.getByRole("navigation", { name: "Rooms" }).getByRole("link", { name });
  }

  async goto(path: string) {
    await this.page.goto(this.campfire.url + path);
  }

  /** Waits until the page is hydrated. */
  async live() {
    await expect(this.page.locator("html[data-live]")).toBeAttached();
  }

  /** Waits until chat.js has run, too. */
  async comfortable() {
    await expect(this.page.locator("html[data-chat-ready]")).toBeAttached();
  }

  async enter(button: string) {
    await this.page.getByLabel("Your name").fill(this.name);
    await this.page.getByLabel("E-mail address").fill(this.emailAddress);
    await this.page.getByLabel("Password").fill(PASSWORD);
    await this.page.getByRole("button", { name: button }).click();
  }

  async setUp() {
    await this.goto("/");
    await this.enter("Set up");
    await expect(this.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  }

  async invitation(): Promise<string> {
    await this.page.getByText("Invite people").click();
    const link = await this.page.getByLabel("Anyone with this link can join").inputValue();
    await this.page.getByText("Invite people").click();
    return link;
  }

  async join(link: string) {
    await this.page.goto(link);
    await this.enter("Join");
    await expect(this.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  }

  async write(text: string) {
    await this.composer.fill(text);
    await this.page.getByRole("button", { name: "Send", exact: true }).click();
  }

  async choose(message: Locator, action: string) {
    // Not by a script of ours, which a page that is loaded once more would end.
    const scripts = (await this.page.locator("html").getAttribute("data-scripts")) !== null;
    if (!scripts) {
      await this.openMenuPage(message);
      return this.page.getByRole("link", { name: action }).or(this.page.getByRole("button", { name: action, exact: true })).click();
    }
    await this.openMenu(message);
    await message.getByRole("link", { name: action, exact: true }).or(message.getByRole("button", { name: action, exact: true })).click();
  }

  /** Opens the menu of a message: by its button, or on a touch screen by a long press. */
  async openMenu(message: Locator) {
    await this.comfortable();
    if (await this.page.evaluate(() => matchMedia("(hover: none)").matches)) {
      await message.locator(".message__body").dispatchEvent("touchstart");
    } else {
      await message.hover();
      await message.locator(".menu > summary").click();
    }
    await expect(message.locator(".menu[open]")).toBeVisible();
  }

  /** Without scripts, a menu leads to a page with everything that can be done. */
  async openMenuPage(message: Locator) {
    await message.locator(".menu > summary").click();
    await message.getByRole("link", { name: "Answer, boost, change…" }).click();
  }

  /** The texts of the messages, in order. */
  async texts(): Promise<string[]> {
    return this.page.locator(".message .message__body").allInnerTexts();
  }

  async makeClosedRoom(name: string, others: string[] = []) {
    await this.page.getByRole("link", { name: "New room" }).click();
    await this.page.getByLabel("Name").fill(name);
    await this.page.getByRole("link", { name: "Chosen people" }).click();
    await expect(this.page.getByLabel("Name")).toHaveValue(name);
    for (const other of others) await this.page.getByRole("checkbox", { name: other }).check();
    await this.page.getByRole("button", { name: "Create room" }).click();
    await expect(this.page.getByRole("heading", { name })).toBeVisible();
  }

  /** The same without scripts, where the link discards the typed name. */
  async makeClosedRoomByForms(name: string) {
    await this.page.getByRole("link", { name: "New room" }).click();
    await this.page.getByRole("link", { name: "Chosen people" }).click();
    await this.page.getByLabel("Name").fill(name);
    await this.page.getByRole("button", { name: "Create room" }).click();
    await expect(this.page.getByRole("heading", { name })).toBeVisible();
  }

  async invitationOnPhone(): Promise<string> {
    await this.page.getByRole("button", { name: "Rooms" }).click();
    return this.invitation();
  }

  /** Checks with axe that a screen has no serious accessibility violation, light and dark. */
  async isAccessible(screen: string) {
    for (const colorScheme of ["light", "dark"] as const) {
      await this.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
      // What fades has colours that are neither the ones before nor the ones after.
      await this.page.evaluate(() =>
        Promise.allSettled(document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity).map(({ finished }) => finished)),
      );
      // Initials are decoration: the name that they abbreviate stands beside them.
      const { violations } = await new AxeBuilder({ page: this.page }).exclude(".avatar").analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
      expect(found, `${screen}, ${colorScheme}`).toEqual([]);
    }
  }
}

/** Waits until everything a person has sent has arrived. */
export const arrived = (person: Person) => expect(person.page.locator(".message--outgoing")).toHaveCount(0);

/** Posts by HTTP requests, without the page. */
export async function flood(person: Person, path: string, count: number, text = (number: number) => `message number ${number}`) {
  for (let number = 1; number <= count; number++) {
    await person.page.request.post(`${person.campfire.url}${path}/messages`, { form: { body: text(number) }, maxRedirects: 0 });
  }
}

type Cast = {
  campfire: Campfire;
  person: (name: string, options?: BrowserContextOptions) => Promise<Person>;
  /** Ada, the administrator, and Bob, who joined by her link; both in "All Talk". */
  twoPeople: { ada: Person; bob: Person };
};

export const test = base.extend<Cast>({
  campfire: async ({}, use) => {
    const campfire = await Campfire.start();
    await use(campfire);
    await campfire.remove();
  },
  person: async ({ browser, campfire }, use) => {
    const people: Person[] = [];
    await use(async (name, options) => {
      const person = await Person.at(browser, campfire, name, options);
      people.push(person);
      return person;
    });
    for (const person of people) await person.page.context().close();
    for (const person of people) expect(person.complaints, `what ${person.name}'s browser complained about`).toEqual([]);
  },
  twoPeople: async ({ person }, use) => {
    const [ada, bob] = [await person("Ada"), await person("Bob")];
    await ada.setUp();
    await ada.live();
    await bob.join(await ada.invitation());
    await bob.live();
    await use({ ada, bob });
  },
});

export { expect, type Locator };
