// Without scripts: reading, signing in, posting, switching rooms. And hydration of the same pages.

import { expect, PASSWORD, test } from "./people.ts";

test("reading, signing in, posting and changing a message need no script", async ({ person }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await ada.setUp();
  await ada.write("Hello from *plain* HTML");
  await expect(ada.message("Hello from plain HTML").locator("em")).toHaveText("plain");
  await expect(ada.page.locator("time")).toHaveAttribute("datetime", /^\d{4}-\d\d-\d\dT[\d:]+Z$/);

  const bob = await person("Bob", { javaScriptEnabled: false, viewport: { width: 390, height: 844 }, hasTouch: true });
  await bob.join(await ada.invitation());
  await expect(bob.message("Hello from plain HTML")).toBeVisible();
  await bob.write("And back");
  await expect(bob.message("And back")).toBeInViewport();
  await bob.openMenuPage(bob.message("And back"));
  await expect(bob.page.getByRole("link", { name: "Edit or delete" })).toBeInViewport();
  await bob.page.getByRole("link", { name: "Back" }).click();

  await ada.makeClosedRoomByForms("Makers");
  await ada.roomLink("All Talk").click();
  await expect(ada.message("And back")).toBeVisible();
  await ada.choose(ada.message("Hello from"), "Edit or delete");
  await ada.page.getByLabel("Message").fill("Changed without scripts");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(ada.message("Changed without scripts")).toBeVisible();
  await ada.choose(ada.message("Changed without scripts"), "Edit or delete");
  await ada.page.getByRole("button", { name: "Delete for everyone" }).click();
  await expect(ada.message("Changed without scripts")).toHaveCount(0);

  await bob.page.getByRole("button", { name: "Rooms" }).click();
  await bob.page.getByRole("link", { name: "your profile" }).click();
  await bob.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await bob.page.getByLabel("E-mail address").fill(bob.emailAddress);
  await bob.page.getByLabel("Password").fill("wrong password");
  await bob.page.getByRole("button", { name: "Sign in" }).click();
  await expect(bob.page.getByRole("alert")).toContainText("That did not work");
  await bob.page.getByLabel("Password").fill(PASSWORD);
  await bob.page.getByRole("button", { name: "Sign in" }).click();
  await expect(bob.message("And back")).toBeVisible();
  for (const someone of [ada, bob]) {
    someone.complaints.splice(0, someone.complaints.length, ...someone.complaints.filter((text) => !text.includes("status of 401")));
  }
});

test("profile, bell, pings and the account need no script", async ({ person }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await ada.setUp();
  const bob = await person("Bob", { javaScriptEnabled: false });
  await bob.join(await ada.invitation());
  await bob.page.locator(".bell > summary").click();
  await bob.page.getByRole("button", { name: "Everything" }).click();
  await expect(bob.page.locator(".bell > summary")).toHaveAccessibleName("Notified of everything. Change");
  await bob.page.getByRole("link", { name: "your profile" }).click();
  await bob.page.getByLabel("Your name").fill("Robert");
  await bob.page.getByRole("button", { name: "Save" }).first().click();
  await expect(bob.page.getByRole("alert")).toHaveText("Saved.");
  await bob.page.getByLabel("Notifications of All Talk").selectOption("Hidden");
  await bob.page.locator(".involvement").getByRole("button", { name: "Save" }).click();
  await expect(bob.page.getByRole("button", { name: "Show All Talk again" })).toBeVisible();
  await bob.goto("/rooms/1");
  await expect(bob.roomLink("All Talk")).toHaveCount(0);

  await bob.page.getByRole("button", { name: "Ada" }).click();
  await expect(bob.page.getByRole("heading", { name: "Ping with Ada" })).toBeVisible();
  await bob.write("Psst");
  await ada.page.reload();
  await expect(ada.page).toHaveTitle("(1) All Talk – Campfire");
  await ada.page.getByRole("link", { name: "Robert unread" }).click();
  await expect(ada.message("Psst")).toBeVisible();

  await ada.page.getByRole("link", { name: "Settings", exact: true }).click();
  await ada.page.getByRole("searchbox", { name: "Filter people by name" }).fill("rob");
  await ada.page.getByRole("button", { name: "Filter" }).click();
  await expect(ada.page.locator("#people-list").getByRole("listitem")).toHaveCount(1);
  await ada.page.locator("#people-list").getByRole("link", { name: "Robert" }).click();
  await ada.page.getByText("Make Robert an administrator…").click();
  await ada.page.getByRole("button", { name: "Make Robert an administrator" }).click();
  await expect(ada.page.getByRole("alert")).toHaveText("The role is changed.");
  const link = await bob.page.goto(`${bob.campfire.url}/users/me/profile`).then(() => bob.page.getByLabel("Your private sign-in link").inputValue());
  const phone = await person("Robert", { javaScriptEnabled: false });
  await phone.page.goto(link);
  await phone.page.getByRole("button", { name: "Sign in" }).click();
  await expect(phone.page.getByRole("heading", { name: "Ping with Ada" }).or(phone.page.getByRole("heading", { name: "All Talk" }))).toBeVisible();
});

test("hydration changes nothing: no flash, no layout shift, no second rendering", async ({ twoPeople: { ada } }) => {
  for (let number = 1; number <= 20; number++) await ada.write(`message number ${number}`);
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(0);
  const rows = () => ada.page.locator(".message").evaluateAll((messages) =>
    messages.map((message) => [message.id, message.getBoundingClientRect().top, message.textContent].join("|")),
  );
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await ada.page.route("**/*.wasm", async (route) => {
    await held;
    await route.continue();
  });
  await ada.page.reload();
  await ada.composer.fill("typed before the takeover");
  const before = await rows();
  await ada.page.evaluate(() => {
    const first = document.querySelector(".message");
    const shifts: number[] = [];
    new PerformanceObserver((list) => shifts.push(...list.getEntries().map((entry) => (entry as unknown as { value: number }).value))).observe({ type: "layout-shift" });
    Object.assign(window, { first, shifts });
  });
  release();
  await ada.live();
  expect(await rows()).toEqual(before);
  await expect(ada.composer).toHaveValue("typed before the takeover");
  const kept = await ada.page.evaluate(() => {
    const { first, shifts } = window as unknown as { first: Element; shifts: number[] };
    return { same: first === document.querySelector(".message"), shifts };
  });
  expect(kept).toEqual({ same: true, shifts: [] });
});
