// Navigation between rooms within one document, with the behaviour of plain links.

import { expect, type Person, test } from "./people.ts";

const MAC = process.platform === "darwin";

/** Marks the document; a reload loses the mark. */
const mark = (person: Person) => person.page.evaluate(() => Object.assign(window, { marked: true }));
const isMarked = (person: Person) => person.page.evaluate(() => "marked" in window);
const heading = (person: Person, name: string) => person.page.getByRole("heading", { name, exact: true });
const path = (person: Person) => new URL(person.page.url()).pathname;

/** Ada in a closed room, with "All Talk" in her sidebar. */
const inMakers = async (ada: Person) => {
  await ada.makeClosedRoom("Makers");
  await ada.live();
  await mark(ada);
  return path(ada);
};

test("back and forward go through rooms and messages without a reload", async ({ twoPeople: { ada } }) => {
  const makers = await inMakers(ada);
  await ada.write("the first");
  await ada.roomLink("All Talk").click();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(ada.page).toHaveTitle("All Talk – Campfire");
  await ada.roomLink("Makers").click();
  await ada.message("the first").locator(".message__time").click();
  await expect(ada.message("the first")).toHaveAttribute("aria-current", "true");
  expect(path(ada)).toBe(`${makers}/@1`);

  await ada.page.goBack();
  await expect(ada.message("the first")).not.toHaveAttribute("aria-current");
  expect(path(ada)).toBe(makers);
  await ada.page.goBack();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(ada.page).toHaveTitle("All Talk – Campfire");
  expect(path(ada)).toBe("/rooms/1");
  await ada.page.goBack();
  await expect(heading(ada, "Makers")).toBeVisible();
  for (let step = 0; step < 3; step++) await ada.page.goForward();
  await expect(ada.message("the first")).toHaveAttribute("aria-current", "true");
  await expect(ada.page).toHaveTitle("Makers – Campfire");
  expect(await isMarked(ada)).toBe(true);
});

test("the page keeps showing the old room until the data of the next one has arrived", async ({ twoPeople: { ada } }) => {
  const makers = await inMakers(ada);
  await ada.write("in the makers' room");
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(0);
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await ada.page.route("**/api/rooms/page", async (route) => {
    await released;
    await route.continue();
  });
  await ada.roomLink("All Talk").click();
  await expect(ada.page).toHaveURL(/\/rooms\/1$/);
  await expect(ada.roomLink("All Talk")).toHaveAttribute("aria-busy", "true");
  await expect(ada.roomLink("All Talk")).not.toHaveAttribute("aria-current");
  await expect(ada.roomLink("Makers")).toHaveAttribute("aria-current", "page");
  await expect(heading(ada, "Makers")).toBeVisible();
  await expect(ada.page).toHaveTitle("Makers – Campfire");
  const row = ada.message("in the makers' room");
  await row.hover();
  await row.locator(".menu > summary").click();
  await expect(row.getByRole("link", { name: "Reply", exact: true })).toHaveAttribute("href", `${makers}/messages/1/reply`);
  await expect(row.getByRole("link", { name: "Copy link" })).toHaveAttribute("href", `${makers}/@1`);
  await ada.page.keyboard.press("Escape");
  // What is written now is for the next room, and not sent before that is in view.
  await ada.write("for the next room");

  release();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(ada.roomLink("All Talk")).toHaveAttribute("aria-current", "page");
  await expect(ada.roomLink("All Talk")).not.toHaveAttribute("aria-busy");
  await expect(ada.page.getByRole("log").getByRole("listitem")).toHaveCount(0);
  await expect(ada.composer).toHaveValue("for the next room");
  await ada.page.goBack();
  await expect(ada.message("in the makers' room")).toBeVisible();
  await expect(ada.page.getByRole("log").getByRole("listitem")).toHaveCount(1);
  expect(await isMarked(ada)).toBe(true);
});

test("a room that cannot be loaded shows that under its own URL, and can be retried", async ({ twoPeople: { ada } }) => {
  await inMakers(ada);
  await ada.page.route("**/api/rooms/page", (route) => route.fulfill({ status: 404, headers: { serverfnerror: "error" }, contentType: "application/json", body: '"not_found"' }));
  await ada.roomLink("All Talk").click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "does not exist" })).toBeVisible();
  await expect(ada.page).toHaveTitle("Campfire – Campfire");
  expect(path(ada)).toBe("/rooms/1");
  await ada.page.unroute("**/api/rooms/page");
  await ada.roomLink("Makers").click();
  await expect(heading(ada, "Makers")).toBeVisible();
  await ada.roomLink("All Talk").click();
  await expect(heading(ada, "All Talk")).toBeVisible();
  expect(await isMarked(ada)).toBe(true);
  ada.complaints.splice(0, ada.complaints.length, ...ada.complaints.filter((text) => !text.includes("status of 404")));
});

test("a click with a modifier, or with the middle button, opens another tab and leaves this one", async ({ twoPeople: { ada } }) => {
  const makers = await inMakers(ada);
  for (const how of [{ modifiers: [MAC ? "Meta" : "Control"] }, { button: "middle" }] as const) {
    const opened = ada.page.context().waitForEvent("page");
    await ada.roomLink("All Talk").click(how as Parameters<ReturnType<Person["roomLink"]>["click"]>[0]);
    const tab = await opened;
    await expect(tab.getByRole("heading", { name: "All Talk" })).toBeVisible();
    await tab.close();
  }
  expect(path(ada)).toBe(makers);
  await expect(heading(ada, "Makers")).toBeVisible();
  expect(await isMarked(ada)).toBe(true);
});

test("links other than plain ones to a room are left to the browser", async ({ twoPeople: { ada } }) => {
  await inMakers(ada);
  /** Whether the page leaves a click on such a link to the browser; nothing is opened either way. */
  const isLeft = (attributes: Record<string, string>, prevented = false) =>
    ada.page.evaluate(
      ([attributes, prevented]) => {
        const link = document.createElement("a");
        for (const [name, value] of Object.entries(attributes)) link.setAttribute(name, value);
        link.append(document.createElement("b"));
        if (prevented) link.addEventListener("click", (event) => event.preventDefault());
        document.body.append(link);
        let left: boolean | undefined;
        // Registered last, so that it runs after the page's own listener.
        addEventListener("click", (event) => { left = !event.defaultPrevented; event.preventDefault(); }, { once: true });
        link.firstElementChild!.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
        link.remove();
        return left;
      },
      [attributes, prevented] as const,
    );
  for (const attributes of [
    { href: "/rooms/1", target: "_blank" },
    { href: "/rooms/1", download: "" },
    { href: "/rooms/1", rel: "external" },
    { href: "/rooms/1", rel: "nofollow external" },
    { href: "https://chat.example/rooms/1" },
    { href: "//chat.example/rooms/1" },
    { href: "#main" },
    { href: "/rooms/1#message-1" },
    { href: "/rooms/1?notice=saved" },
    { href: "/rooms/1/" },
    { href: "/rooms/1/messages" },
    { href: "/rooms/opens" },
    { href: "/account/custom_styles/0.css" },
    { href: "/session/new" },
    { href: "/" },
    { href: "mailto:ada@example.com" },
    { name: "nowhere" },
  ]) expect(await isLeft(attributes), JSON.stringify(attributes)).toBe(true);
  await expect(heading(ada, "Makers")).toBeVisible();
  // A click whose default was prevented does not navigate.
  const before = ada.page.url();
  await isLeft({ href: "/rooms/1" }, true);
  expect(ada.page.url()).toBe(before);
  expect(await isLeft({ href: "/rooms/1" })).toBe(false);
  await expect(heading(ada, "All Talk")).toBeVisible();
  expect(await isLeft({ href: "/rooms/1/@1" })).toBe(false);
  await expect(ada.page).toHaveURL(/\/rooms\/1\/@1$/);
  expect(await isMarked(ada)).toBe(true);
});

test("a link within the page moves the focus and loads nothing", async ({ twoPeople: { ada } }) => {
  const makers = await inMakers(ada);
  await ada.page.getByRole("link", { name: "Skip to the main part" }).focus();
  await ada.page.keyboard.press("Enter");
  await expect(ada.page).toHaveURL(/#main$/);
  await ada.page.goBack();
  await expect(ada.page).toHaveURL(new RegExp(`${makers}$`));
  await expect(heading(ada, "Makers")).toBeVisible();
  expect(await isMarked(ada)).toBe(true);
});

test("the composer has the focus after a navigation", async ({ twoPeople: { ada } }) => {
  await inMakers(ada);
  await ada.roomLink("All Talk").focus();
  await ada.page.keyboard.press("Enter");
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(ada.composer).toBeFocused();
  await ada.page.goBack();
  await expect(heading(ada, "Makers")).toBeVisible();
  await expect(ada.composer).toBeFocused();
});

test("going back to a room restores its scroll position once it is in view", async ({ twoPeople: { ada } }) => {
  for (let number = 1; number <= 60; number++) {
    await ada.page.request.post(`${ada.campfire.url}/rooms/1/messages`, { form: { body: `message number ${number}` }, maxRedirects: 0 });
  }
  await ada.page.reload();
  await ada.live();
  await ada.comfortable();
  await ada.makeClosedRoom("Makers");
  await ada.roomLink("All Talk").click();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await ada.comfortable();
  await mark(ada);
  await ada.page.locator(".timeline").evaluate((element) => { element.scrollTop = -700; });
  const stored = () => ada.page.evaluate(() => sessionStorage.getItem("campfire:place:/rooms/1"));
  await expect.poll(stored).not.toBeNull();
  const [id] = JSON.parse((await stored())!);
  await ada.roomLink("Makers").click();
  await expect(heading(ada, "Makers")).toBeVisible();
  await ada.page.goBack();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(ada.page.locator(`#${id}`)).toBeInViewport();
  await expect.poll(() => ada.page.locator(".timeline").evaluate((element) => element.scrollTop)).toBeLessThan(-300);
  expect(await isMarked(ada)).toBe(true);
});
