// Accounts, devices, pings, presence and rooms, with several people.

import { expect, PASSWORD, type Person, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const ping = (person: Person, name: string) => person.page.getByRole("list", { name: "Pings" }).getByRole("link", { name });

/** Removes the console errors that the browser reports for refused requests. */
const forgive = (person: Person, status: number) => {
  const others = person.complaints.filter((text) => !text.includes(`status of ${status}`));
  person.complaints.splice(0, person.complaints.length, ...others);
};

test("a ping from the sidebar is live for both people", async ({ twoPeople: { ada, bob } }) => {
  await ada.page.reload();
  await ada.live();
  await ada.page.getByRole("button", { name: "Bob" }).click();
  await expect(ada.page.getByRole("heading", { name: "Ping with Bob" })).toBeVisible();
  await ada.live();
  await expect(ping(bob, "Ada")).toBeVisible();
  await expect(bob.page.getByRole("button", { name: "Ada" })).toHaveCount(0);
  await ada.write("Psst");
  await expect(ping(bob, "Ada unread")).toBeVisible();
  await expect(bob.page).toHaveTitle("(1) All Talk – Campfire");
  await expect(bob.page.locator("link[rel=icon]")).toHaveAttribute("href", "/icon/1.svg");
  await ping(bob, "Ada").click();
  await expect(bob.message("Psst")).toBeVisible();
  await expect(bob.page).toHaveTitle("Ada – Campfire");
  await bob.write("Yes?");
  await expect(ada.message("Yes?")).toBeVisible();

  // A second ping with the same people is the same room.
  const path = new URL(ada.page.url()).pathname;
  await ada.page.getByRole("link", { name: "Ping", exact: true }).click();
  await ada.page.getByRole("checkbox", { name: "Bob" }).check();
  await ada.page.getByRole("button", { name: "Start ping" }).click();
  await expect(ada.page.getByRole("heading", { name: "Ping with Bob" })).toBeVisible();
  expect(new URL(ada.page.url()).pathname).toBe(path);

  await ada.page.getByRole("link", { name: "Ping settings" }).click();
  await ada.page.getByText("Delete this ping…").click();
  await ada.page.getByRole("button", { name: "Delete ping and messages" }).click();
  await expect(ada.page.getByRole("alert").filter({ hasText: "The ping and its messages are gone." })).toBeVisible();
  await expect(bob.page.getByText("Ada deleted this ping")).toBeVisible();
});

test("a mention marks the room and the tab until it is read", async ({ twoPeople: { ada, bob } }) => {
  await bob.makeClosedRoom("Bobs");
  await bob.live();
  await ada.write("Where is @Bob?");
  await expect(bob.roomLink("All Talk @1 for you unread")).toBeVisible();
  await expect(bob.page).toHaveTitle("(1) Bobs – Campfire");
  await bob.roomLink("All Talk").click();
  await expect(bob.message("Where is @Bob?")).toBeVisible();
  await expect(bob.page).toHaveTitle("All Talk – Campfire");
  await expect(bob.page.getByText("for you")).toHaveCount(0);
});

test("deleting the only unread mention takes mark, count and title back", async ({ twoPeople: { ada, bob } }) => {
  await bob.makeClosedRoom("Bobs");
  await bob.live();
  await ada.write("Where is @Bob?");
  await expect(bob.roomLink("All Talk @1 for you unread")).toBeVisible();
  await expect(bob.page.locator("link[rel=icon]")).toHaveAttribute("href", "/icon/1.svg");
  await ada.choose(ada.message("Where is @Bob?"), "Delete");
  await expect(bob.page).toHaveTitle("Bobs – Campfire", { timeout: 10_000 });
  await expect(bob.page.getByRole("navigation").getByRole("link", { name: "All Talk", exact: true })).toBeVisible();
  await expect(bob.page.locator("link[rel=icon]")).not.toHaveAttribute("href", "/icon/1.svg");
});

test("presence in the room and online marks are shown, and end with the page", async ({ twoPeople: { ada, bob } }) => {
  await expect(ada.page.getByTitle("Here now: Bob")).toBeVisible();
  await expect(bob.page.getByTitle("Here now: Ada")).toBeVisible();
  const otherTab = await ada.page.context().newPage();
  await otherTab.goto(ada.page.url());
  await expect(otherTab.locator("html[data-live]")).toBeAttached();
  await otherTab.close();
  await expect(bob.page.getByTitle("Here now: Ada")).toBeVisible();
  // Everywhere else she is online.
  await ada.goto("/account/edit");
  await ada.live();
  await expect(bob.page.getByTitle("Here now: Ada")).toHaveCount(0);
});

test("a transfer link signs in on a phone, by the address in its QR code, and a new password invalidates it", async ({ twoPeople: { ada, bob }, person }) => {
  await bob.page.getByRole("link", { name: "Your profile" }).click();
  await bob.page.getByText("QR code", { exact: true }).click();
  const code = bob.page.getByRole("img", { name: "QR code" });
  await expect.poll(() => code.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(0);
  const source = (await code.getAttribute("src")) ?? "";
  const link = Buffer.from(source.replace("/qr_code/", ""), "base64url").toString();
  expect(link).toBe(await bob.page.getByLabel("Your private sign-in link").inputValue());

  const phone = await person("Bob on the phone", PHONE);
  await phone.page.goto(link);
  await expect(phone.page.getByRole("heading", { name: "All Talk" })).toBeVisible();
  await phone.live();
  await phone.write("from my phone");
  await expect(ada.message("from my phone").getByRole("link", { name: "Bob", exact: true })).toBeVisible();

  await bob.page.reload();
  await bob.page.getByLabel("Current password").fill(PASSWORD);
  await bob.page.getByLabel("New password").fill("another horse");
  await bob.page.getByRole("button", { name: "Change password" }).click();
  await expect(bob.page.getByRole("alert")).toHaveText("Your password is changed, and all other devices are signed out.");
  await expect(phone.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await phone.page.goto(link);
  await expect(phone.page.getByRole("heading", { name: "The link does not work" })).toBeVisible();
  forgive(phone, 400);
});

test("a device that is signed out from another one shows the sign-in page immediately", async ({ twoPeople: { bob }, person }) => {
  const phone = await person("Bob", PHONE);
  await phone.goto("/session/new");
  await phone.page.getByLabel("E-mail address").fill(bob.emailAddress);
  await phone.page.getByLabel("Password").fill(PASSWORD);
  await phone.page.getByRole("button", { name: "Sign in" }).click();
  await phone.live();
  await bob.page.getByRole("link", { name: "Your profile" }).click();
  const devices = bob.page.locator("#devices").getByRole("listitem");
  await expect(devices).toHaveCount(2);
  await expect(devices.filter({ hasText: "This device" })).toHaveCount(1);
  await devices.getByRole("button", { name: "Sign out" }).click();
  await expect(bob.page.getByRole("alert")).toHaveText("That device is signed out.");
  await expect(phone.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(devices).toHaveCount(1);
});

test("a ban closes an open page, removes the messages, and can be lifted", async ({ twoPeople: { ada, bob } }) => {
  await bob.write("something nasty");
  await expect(ada.message("something nasty")).toBeVisible();
  const watching = await ada.page.context().newPage();
  await watching.goto(ada.page.url());
  await expect(watching.getByText("something nasty")).toBeVisible();
  await ada.message("something nasty").getByRole("link", { name: "Bob", exact: true }).click();
  await ada.page.getByText("Ban Bob…").click();
  await ada.page.getByRole("button", { name: "Ban Bob" }).click();
  await expect(ada.page.getByRole("alert")).toHaveText(/They are banned/);
  await expect(bob.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await expect(watching.getByText("something nasty")).toHaveCount(0);
  await watching.close();

  const signIn = async () => {
    await bob.page.getByLabel("E-mail address").fill(bob.emailAddress);
    await bob.page.getByLabel("Password").fill(PASSWORD);
    await bob.page.getByRole("button", { name: "Sign in" }).click();
  };
  await signIn();
  await expect(bob.page.getByRole("alert")).toContainText("That did not work");
  await ada.page.getByRole("button", { name: "Remove ban" }).click();
  await expect(ada.page.getByRole("alert")).toHaveText("The ban is lifted.");
  await signIn();
  await bob.live();
  await expect(bob.message("something nasty")).toHaveCount(0);
  forgive(bob, 401);
});

test("a third person sees a room appear, change its kind and name, and disappear", async ({ twoPeople: { ada, bob }, person }) => {
  const invitation = await ada.invitation();
  const cleo = await person("Cleo");
  await cleo.join(invitation);
  await cleo.live();
  await ada.makeClosedRoom("Makers", ["Bob"]);
  await expect(bob.roomLink("Makers")).toBeVisible();
  await expect(cleo.roomLink("Makers")).toHaveCount(0);
  await ada.page.getByRole("link", { name: "Room settings" }).click();
  await ada.page.getByRole("link", { name: "Everyone" }).click();
  await ada.page.getByLabel("Name").fill("For all");
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(cleo.roomLink("For all")).toBeVisible();
  await expect(bob.roomLink("For all")).toBeVisible();
  await expect(bob.roomLink("Makers")).toHaveCount(0);

  await ada.page.getByRole("link", { name: "Room settings" }).click();
  await ada.page.getByRole("link", { name: "Chosen people" }).click();
  await ada.page.getByRole("checkbox", { name: "Bob" }).uncheck();
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(bob.roomLink("For all")).toHaveCount(0);
  await cleo.roomLink("For all").click();
  await expect(cleo.page.getByRole("heading", { name: "For all" })).toBeVisible();
  await cleo.page.getByRole("link", { name: "Room settings" }).click();
  await cleo.page.getByText("Leave this room…").click();
  await cleo.page.getByRole("button", { name: "Leave room" }).click();
  await expect(cleo.page.getByRole("alert").filter({ hasText: "You left the room." })).toBeVisible();
  await expect(cleo.roomLink("For all")).toHaveCount(0);
});

test("the bell offers every involvement, and the profile shows a hidden room again", async ({ twoPeople: { bob } }) => {
  const otherTab = await bob.page.context().newPage();
  await otherTab.goto(bob.page.url());
  await expect(otherTab.locator("html[data-live]")).toBeAttached();
  const bell = bob.page.locator(".bell > summary");
  const choose = async (name: string, said: string) => {
    await bell.click();
    await bob.page.getByRole("button", { name }).click();
    await expect(bell).toHaveAccessibleName(`${said}. Change`);
    await expect(bob.page.locator(".bell")).not.toHaveAttribute("open");
  };
  await expect(bell).toHaveAccessibleName("Notified of mentions. Change");
  await choose("Everything", "Notified of everything");
  await choose("Nothing", "Notifications off");
  await expect(otherTab.locator(".bell > summary")).toHaveAccessibleName("Notifications off. Change");
  await expect(bob.page.getByRole("status").filter({ hasText: "Notifications off." })).toBeVisible();
  await choose("Hidden", "Off, and hidden from the sidebar");
  await expect(bob.roomLink("All Talk")).toHaveCount(0);
  await expect(bob.composer).toBeVisible();
  await bob.page.getByRole("link", { name: "Your profile" }).click();
  await bob.page.getByRole("button", { name: "Show All Talk again" }).click();
  await expect(bob.page.getByLabel("Notifications of All Talk")).toHaveValue("mentions");
  await expect(otherTab.getByRole("link", { name: "All Talk" })).toBeVisible();
});

test("an administrator's changes are shown in open pages", async ({ twoPeople: { ada, bob } }) => {
  await expect(bob.page.getByRole("link", { name: "New room" })).toBeVisible();
  await bob.page.evaluate(() => Object.assign(window, { kept: true }));
  await ada.page.getByRole("link", { name: "Settings", exact: true }).click();
  await ada.page.getByLabel("Name of this Campfire").fill("Fireside");
  await ada.page.getByLabel("Only administrators make rooms").check();
  await ada.page.getByRole("button", { name: "Save" }).click();
  await expect(bob.page.getByRole("link", { name: "New room" })).toBeHidden();
  await expect(bob.page.getByRole("link", { name: "Fireside" })).toBeVisible();

  await ada.page.getByRole("link", { name: "Custom styles" }).click();
  await ada.page.getByRole("textbox", { name: "CSS" }).fill(".sidebar__account { color: rgb(1, 2, 3); }");
  await ada.page.keyboard.press("Control+Enter");
  await expect(ada.page.getByRole("alert")).toHaveText("Saved.");
  await expect(bob.page.getByRole("link", { name: "Fireside" })).toHaveCSS("color", "rgb(1, 2, 3)");
  expect(await bob.page.evaluate(() => "kept" in window)).toBe(true);

  await ada.goto("/account/edit");
  await ada.page.getByRole("list", { name: "Members" }).getByRole("link", { name: "Bob" }).click();
  await ada.page.getByText("Make Bob an administrator…").click();
  await ada.page.getByRole("button", { name: "Make Bob an administrator" }).click();
  await expect(ada.page.getByRole("alert")).toHaveText("The role is changed.");
  await expect(bob.page.getByRole("link", { name: "New room" })).toBeVisible();
});

test("rooms and pings are filtered by typing, with the keyboard alone", async ({ twoPeople: { ada } }) => {
  await ada.makeClosedRoom("Designers");
  await ada.makeClosedRoom("Makers");
  await ada.live();
  await ada.page.getByRole("searchbox", { name: "Filter pings and rooms" }).focus();
  await ada.page.keyboard.type("sign");
  await expect(ada.roomLink("Designers")).toBeVisible();
  await expect(ada.roomLink("Makers")).toHaveCount(0);
  await ada.page.keyboard.press("Tab");
  await ada.page.keyboard.press("Enter");
  await expect(ada.page.getByRole("heading", { name: "Designers" })).toBeVisible();
  await expect(ada.roomLink("Designers")).toHaveAttribute("aria-current", "page");
});

test("on a phone the drawer's button shows the number of unread rooms, and the drawer closes when a room is chosen", async ({ twoPeople: { ada }, person }) => {
  const invitation = await ada.invitation();
  const phone = await person("Cleo", PHONE);
  await phone.join(invitation);
  await phone.live();
  await ada.page.reload();
  await ada.live();
  await ada.page.getByRole("button", { name: "Cleo" }).click();
  await ada.live();
  await ada.write("Hello Cleo");
  const button = phone.page.getByRole("button", { name: "Rooms 1 unread" });
  await expect(button).toBeVisible();
  await button.click();
  await ping(phone, "Ada unread").click();
  await expect(phone.message("Hello Cleo")).toBeVisible();
  await expect(phone.page.getByRole("navigation", { name: "Rooms" })).toBeHidden();
  await expect(phone.page.getByRole("button", { name: "Rooms", exact: true })).toBeVisible();
});

test("a long list of people is filtered while typing and grows while scrolling", async ({ twoPeople: { ada } }) => {
  const link = await ada.invitation();
  // Enough people for the filter to be shown.
  for (let number = 1; number <= 20; number++) {
    const joined = await ada.campfire.join(link, `Person ${number}`);
    expect(joined).toBe(303);
  }
  await ada.goto("/rooms/closeds/new");
  await ada.page.getByRole("searchbox", { name: "Filter by name" }).fill("son 20");
  await expect(ada.page.getByRole("checkbox", { name: "Person 1", exact: true })).toBeHidden();
  await expect(ada.page.locator("#people-found")).toHaveText("1 of 22");
  await ada.page.getByRole("checkbox", { name: "Person 20" }).check();
  await ada.goto("/account/edit");
  await expect(ada.page.getByRole("list", { name: "Members" }).getByRole("listitem")).toHaveCount(21);
  await ada.page.getByRole("searchbox", { name: "Filter people by name" }).fill("person 7");
  await expect(ada.page.getByRole("list", { name: "Members" }).getByRole("listitem")).toHaveCount(1);
});
