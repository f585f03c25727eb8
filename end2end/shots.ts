// Takes pictures of every screen. bin/shots bundles and runs it, with arguments SEED FOLDER [SCREEN].

import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, type BrowserContextOptions, type Page, chromium } from "@playwright/test";
import { Campfire } from "./campfire.ts";

const DEVICES: Record<string, BrowserContextOptions> = {
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
  narrow: { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true },
  desk: { viewport: { width: 1280, height: 800 } },
};
const SCHEMES = ["light", "dark"] as const;

interface Screen {
  path: string;
  /** What is done on the page before the picture is taken. */
  prepare?: (page: Page) => Promise<void>;
  /** Whether the person is signed in; they are by default. */
  isSignedOut?: boolean;
  /** The installation just after its administrator has set it up. */
  isFirst?: boolean;
  /** The installation before anybody has set it up. */
  isEmpty?: boolean;
}

const openMenu = async (page: Page) => {
  const row = page.getByRole("log").getByRole("listitem").last();
  await row.locator(".message__body").dispatchEvent("touchstart");
  await row.locator(".menu[open]").waitFor();
};

/** Opens the menu of the newest message, and chooses from it. */
const choose = (name: string) => async (page: Page) => {
  await openMenu(page);
  await page.locator(".menu[open]").getByRole("link", { name, exact: true }).click();
};

/** Answers the newest message in a thread, twice: once for the room, too. */
const answerInThread = async (page: Page) => {
  await choose("Answer in a thread")(page);
  await page.getByRole("heading", { name: "Thread in" }).waitFor();
  for (const text of ["The first answer is shown in the room, too.", "The second is for those who follow the thread."]) {
    await page.getByRole("textbox", { name: "Write a message" }).fill(text);
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".messages:not(.messages--outgoing) .message__body", { hasText: text }).first().waitFor();
  }
};

/** Loads the page without a connection, once the service worker has kept a room. */
const loseConnection = async (page: Page) => {
  await page.waitForFunction(async () => !!(await caches.match("/rooms/1")));
  await page.context().setOffline(true);
  await page.reload();
};

const SCREENS: Record<string, Screen> = {
  "first-run": { path: "/", isEmpty: true },
  "sign-in": { path: "/session/new", isSignedOut: true },
  notifications: { path: "/users/me/push_subscriptions" },
  room: { path: "/rooms/1" },
  "room-menu": { path: "/rooms/1", prepare: openMenu },
  "room-hover": {
    path: "/rooms/1",
    prepare: (page) => page.getByRole("log").getByRole("listitem").nth(-3).hover(),
  },
  "room-reply": {
    path: "/rooms/1",
    prepare: async (page) => {
      await choose("Reply")(page);
      await page.getByText("Replying to").waitFor();
      await page.getByRole("textbox", { name: "Write a message" }).fill("Yes, and with more than one line:\nthis is the second.");
    },
  },
  "room-edit": {
    path: "/rooms/1",
    prepare: async (page) => {
      await choose("Edit")(page);
      await page.getByRole("button", { name: "Save changes" }).waitFor();
    },
  },
  "room-thread": {
    path: "/rooms/1",
    prepare: async (page) => {
      await answerInThread(page);
      await page.getByRole("link", { name: "Back to the room" }).click();
      await page.locator(".thread-line").first().waitFor();
    },
  },
  thread: { path: "/rooms/1", prepare: (page) => answerInThread(page) },
  threads: {
    path: "/rooms/1",
    prepare: async (page) => {
      await answerInThread(page);
      await page.goto(new URL("/threads", page.url()).href);
    },
  },
  "room-picker": {
    path: "/rooms/1",
    prepare: async (page) => {
      await choose("Other boost…")(page);
      await page.getByRole("dialog").waitFor();
    },
  },
  "room-narrowed": {
    path: "/rooms/1",
    prepare: async (page) => {
      await choose("Other boost…")(page);
      await page.getByRole("dialog").getByRole("searchbox").fill("heart");
      await page.getByRole("button", { name: "black heart" }).waitFor();
    },
  },
  "room-mention": {
    path: "/rooms/1",
    prepare: async (page) => {
      await page.getByRole("textbox", { name: "Write a message" }).pressSequentially("@");
      await page.getByRole("option").first().waitFor();
    },
  },
  "room-scrolled": {
    path: "/rooms/1",
    prepare: async (page) => {
      await page.locator(".timeline").evaluate((list) => { list.scrollTop = -600; });
      await page.getByRole("link", { name: "Newest messages" }).waitFor();
    },
  },
  "room-shortcuts": {
    path: "/rooms/1",
    prepare: async (page) => {
      await page.getByRole("log").focus();
      await page.keyboard.press("?");
      await page.getByRole("dialog").waitFor();
    },
  },
  "room-message": { path: "/rooms/1/@12" },
  drawer: {
    path: "/rooms/1",
    prepare: async (page) => {
      const button = page.getByRole("button", { name: "Rooms" });
      if (await button.isVisible()) await button.click();
    },
  },
  "room-settings": { path: "/rooms/opens/1/edit" },
  "new-room": { path: "/rooms/opens/new" },
  "new-closed-room": { path: "/rooms/closeds/new" },
  "new-ping": { path: "/rooms/directs/new" },
  search: { path: "/searches" },
  "search-results": { path: "/searches?q=the" },
  "search-panel": {
    path: "/rooms/1",
    prepare: async (page) => {
      await page.keyboard.press("Control+k");
      await page.getByRole("dialog").getByRole("searchbox").fill("the");
      await page.getByRole("dialog").getByRole("listitem").nth(2).waitFor();
    },
  },
  "search-nothing": { path: "/searches?q=in:lobby+nothingatall" },
  "offline-room": {
    path: "/rooms/1",
    prepare: async (page) => {
      await loseConnection(page);
      await page.locator(".kept:not(:empty)").waitFor();
    },
  },
  "offline-page": {
    path: "/rooms/1",
    prepare: async (page) => {
      await loseConnection(page);
      await page.goto(new URL("/users/me/profile", page.url()).href);
      await page.getByRole("heading", { name: "Offline" }).waitFor();
    },
  },
  "share-text": { path: "/share?text=https://example.com/a-long-address-that-was-shared" },
  "share-files": { path: "/share?files=Photo%20of%20the%20whiteboard.jpg%0AA-name-without-any-spaces-that-is-longer-than-the-window-is-wide.pdf" },
  profile: { path: "/users/me/profile" },
  account: { path: "/account/edit" },
  people: { path: "/account/edit#people" },
  person: {
    path: "/users/8",
    prepare: async (page) => {
      for (const details of await page.locator(".framed .danger summary").all()) await details.click();
    },
  },
  "empty-room": { path: "/rooms/1", isFirst: true },
  "empty-new-ping": { path: "/rooms/directs/new", isFirst: true },
  inbox: { path: "/inbox" },
  "inbox-drawer": {
    path: "/rooms/1",
    prepare: async (page) => {
      const button = page.getByRole("button", { name: "Rooms" });
      if (await button.isVisible()) await button.click();
    },
  },
  "empty-inbox": { path: "/inbox", isFirst: true },
  boost: { path: "/messages/1/boosts/new" },
  reply: { path: "/rooms/1/messages/1/reply" },
  edit: { path: "/rooms/1/messages/1/edit" },
  missing: { path: "/nowhere" },
};

const [seed = "", folder = "", wanted = ""] = process.argv.slice(2);
if (!seed || !folder) throw new Error("run bin/shots");
const screens = Object.entries(SCREENS).filter(([name]) => (wanted.startsWith("=") ? name === wanted.slice(1) : name.includes(wanted)));
await mkdir(folder, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
try {
  const empty = screens.filter(([, screen]) => screen.isEmpty);
  if (empty.length > 0) await withCampfire((campfire) => shoot(browser, campfire, empty));
  const first = screens.filter(([, screen]) => screen.isFirst);
  if (first.length > 0)
    await withCampfire(async (campfire) => {
      await setUp(campfire);
      await shootSignedIn(browser, campfire, first);
    });
  await withCampfire(async (campfire) => {
    await fill(campfire);
    const signedIn = screens.filter(([, screen]) => !screen.isEmpty && !screen.isFirst && !screen.isSignedOut);
    await shootSignedIn(browser, campfire, signedIn);
    await shoot(browser, campfire, screens.filter(([, screen]) => screen.isSignedOut));
  });
} finally {
  await browser.close();
}

/** Runs `use` with a server on an empty folder. */
async function withCampfire(use: (campfire: Campfire) => Promise<void>) {
  const campfire = await Campfire.start();
  try {
    await use(campfire);
  } finally {
    await campfire.remove();
  }
}

/** Replaces the empty installation by the example data, whose administrator is ada@example.com. */
async function fill(campfire: Campfire) {
  await campfire.stop();
  await promisify(execFile)(seed, [join(campfire.folder, "data"), campfire.url]);
  await campfire.run();
}

/** Sets an empty installation up for ada@example.com. */
async function setUp(campfire: Campfire) {
  const body = new URLSearchParams({ name: "Ada Lovelace", email_address: "ada@example.com", password: "correct horse" });
  await fetch(`${campfire.url}/first_run`, { method: "POST", body, redirect: "manual" });
}

/** Takes the pictures of screens for ada@example.com, who is in a room with a long name, too. */
async function shootSignedIn(browser: Browser, campfire: Campfire, screens: [string, Screen][]) {
  let isPrepared = false;
  for (const [device, options] of Object.entries(DEVICES)) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({ ...options, colorScheme });
      const page = await context.newPage();
      await page.goto(`${campfire.url}/session/new`);
      await page.getByLabel("E-mail address").fill("ada@example.com");
      await page.getByLabel("Password").fill("correct horse");
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.waitForURL(/rooms/);
      if (!isPrepared) {
        const form = { name: "Everything about the quarterly planning of the northern regions" };
        await page.request.post(`${campfire.url}/rooms/opens`, { form, maxRedirects: 0 });
        isPrepared = true;
      }
      await shootAll(page, campfire, screens, `${device}-${colorScheme}`);
      await context.close();
    }
  }
}

/** Takes the pictures of screens for somebody who is not signed in. */
async function shoot(browser: Browser, campfire: Campfire, screens: [string, Screen][]) {
  for (const [device, options] of Object.entries(DEVICES)) {
    for (const colorScheme of SCHEMES) {
      const context = await browser.newContext({ ...options, colorScheme });
      await shootAll(await context.newPage(), campfire, screens, `${device}-${colorScheme}`);
      await context.close();
    }
  }
}

async function shootAll(page: Page, campfire: Campfire, screens: [string, Screen][], suffix: string) {
  for (const [name, screen] of screens) {
    await page.goto(campfire.url + screen.path);
    if (await page.locator("script[data-loader]").count()) await page.locator("html[data-chat-ready]").waitFor({ state: "attached" });
    await screen.prepare?.(page);
    const width = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (width > 0) console.log(`${name}-${suffix}: ${width} px wider than the window`);
    await page.screenshot({ path: join(folder, `${name}-${suffix}.png`) });
    await page.context().setOffline(false);
  }
}
