// Accessibility of every screen, light and dark, on a wide screen and a phone.

import { expect, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

for (const [device, options] of [["a wide screen", {}], ["a phone", PHONE]] as const) {
  test(`every screen is accessible on ${device}`, async ({ person }) => {
    // Some twenty screens, each checked twice.
    test.slow();
    const ada = await person("Ada", options);
    await ada.goto("/");
    await ada.isAccessible("first run");
    await ada.setUp();
    await ada.live();
    await ada.isAccessible("an empty room");
    await ada.write("Words, `code` and a [link](https://example.com)\n\n```\ncode\n```\n\n> quoted");
    await ada.write("More words");
    await expect(ada.page.locator(".message--outgoing")).toHaveCount(0);
    await ada.openMenu(ada.message("More words"));
    await ada.isAccessible("a room with an open menu");
    await ada.page.keyboard.press("Escape");
    if (options === PHONE) {
      await ada.page.getByRole("button", { name: "Rooms" }).click();
      await ada.isAccessible("the drawer");
      await ada.page.keyboard.press("Escape");
    }
    await ada.goto("/rooms/1/@1");
    await ada.live();
    await ada.isAccessible("a room at a message");
    await ada.goto("/rooms/closeds/new");
    await ada.isAccessible("new room");
    await ada.goto("/rooms/opens/1/edit");
    await ada.isAccessible("room settings");
    await ada.goto("/rooms/1/messages/1/edit");
    await ada.isAccessible("edit message");
    for (const [path, screen] of [
      ["/users/me/profile", "profile"],
      ["/account/edit", "account settings"],
      ["/account/custom_styles/edit", "custom styles"],
      ["/rooms/directs/new", "new ping"],
      ["/users/1", "a person"],
      ["/session/transfers/nonsense", "a transfer"],
      ["/searches", "search"],
      ["/searches?q=to:nobody+words", "search results"],
      ["/messages/1/boosts/new", "boost"],
      ["/rooms/1/messages/1/reply", "reply"],
      ["/inbox", "the inbox"],
    ] as const) {
      await ada.goto(path);
      for (const details of await ada.page.locator(".framed summary").all()) await details.click();
      await ada.isAccessible(screen);
    }
    await ada.goto("/users/1");
    await ada.page.getByRole("button", { name: "Write to yourself" }).click();
    await ada.live();
    await ada.isAccessible("a ping");
    await ada.page.getByRole("link", { name: "Ping settings" }).click();
    await ada.isAccessible("ping settings");
    await ada.goto("/rooms/1");
    const link = await (options === PHONE ? ada.invitationOnPhone() : ada.invitation());
    const stranger = await person("Stranger", options);
    await stranger.page.goto(link);
    await stranger.isAccessible("join");
    await stranger.goto("/session/new");
    await stranger.isAccessible("sign in");
    await stranger.page.goto(link);
    await stranger.enter("Join");
    await stranger.live();
    await stranger.goto("/account/edit");
    await stranger.isAccessible("account settings of a member");
    await ada.goto("/users/2");
    for (const details of await ada.page.locator(".framed summary").all()) await details.click();
    await ada.isAccessible("a person to administer");
    await ada.page.getByRole("button", { name: "Ban Stranger" }).click();
    await expect(ada.page.getByRole("button", { name: "Remove ban" })).toBeVisible();
    await ada.isAccessible("a banned person");
    await expect(stranger.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await stranger.goto("/rooms/opens/new");
    await expect(stranger.page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    await ada.goto("/nothing");
    await ada.isAccessible("nothing here");
    ada.complaints.splice(0, ada.complaints.length, ...ada.complaints.filter((text) => !text.includes("status of 404")));
  });
}

test("on a phone nothing is wider than the screen, and controls are large enough to touch", async ({ person }) => {
  const ada = await person("Ada", PHONE);
  await ada.setUp();
  await ada.live();
  await ada.write(`${"long".repeat(200)} and \`${"code".repeat(100)}\`\n\n\`\`\`\n${"wide ".repeat(100)}\n\`\`\``);
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(0);
  const overflow = await ada.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBe(0);
  for (const control of [ada.page.getByRole("button", { name: "Send", exact: true }), ada.page.getByRole("button", { name: "Rooms" })]) {
    const box = await control.boundingBox();
    expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44);
  }
});

test("no page scrolls sideways at 320 px, with long names", async ({ person, campfire }) => {
  const ada = await person("Ada", { ...PHONE, viewport: { width: 320, height: 640 } });
  await ada.setUp();
  await ada.live();
  const fits = async (screen: string) =>
    expect(await ada.page.evaluate(() => [...document.querySelectorAll("html, .framed, .sidebar, .finder, .finder__found")]
      .filter((element) => element.scrollWidth > element.clientWidth + (element === document.documentElement ? 0 : 1))
      .map((element) => element.className || element.tagName)), screen).toEqual([]);
  await fits("an empty room");
  const link = await ada.invitationOnPhone();
  for (const name of ["Bartholomew Featherstonehaugh-Cholmondeley the Elder of Upper Slaughter", "W".repeat(60), "Bob"]) await campfire.join(link, name);
  const long = "Everything-about-the-quarterly-planning-of-northern-regions";
  const post = (path: string, form: Record<string, string>) => ada.page.request.post(campfire.url + path, { form, maxRedirects: 0 });
  await post("/rooms/opens", { name: long });
  await post("/rooms/closeds", { name: "W".repeat(60), user_ids: "2" });
  await post("/rooms/directs", { user_ids: "2" });
  await post("/rooms/1/messages", { body: `needle ${"long".repeat(60)}\n\n\`\`\`\n${"wide ".repeat(60)}\n\`\`\`\n\n| a | b | c |\n|---|---|---|\n| ${"x ".repeat(40)} | y | z |` });
  for (const query of ["needle", `needle in:${long}`, "W".repeat(200)]) await post("/searches", { q: query });
  await post("/rooms/2/involvement", { involvement: "invisible" });
  for (const path of [
    "/rooms/1", "/rooms/1/@1", "/rooms/2", "/rooms/3", "/rooms/4", "/rooms/opens/2/edit", "/rooms/closeds/3/edit", "/rooms/directs/4/edit",
    "/rooms/opens/new", "/rooms/closeds/new", "/rooms/directs/new", "/searches", "/searches?q=needle", `/searches?q=in:${long}+nothing`,
    "/users/me/profile", "/users/2", "/users/3", "/account/edit", "/account/custom_styles/edit", "/messages/1/menu",
    "/messages/1/boosts/new", "/inbox", "/rooms/1/messages/1/reply", "/rooms/1/messages/1/edit", "/nowhere",
  ]) {
    await ada.goto(path);
    for (const details of await ada.page.locator(".framed summary").all()) await details.click();
    await fits(path);
  }
  await ada.goto("/rooms/2");
  await ada.live();
  await ada.page.getByRole("button", { name: "Rooms" }).click();
  await fits("the drawer");
  await ada.page.keyboard.press("Escape");
  await ada.page.getByRole("link", { name: "Search" }).click();
  await ada.page.getByRole("dialog").getByRole("searchbox").fill("needle");
  await expect(ada.page.getByRole("dialog").getByRole("listitem").first()).toBeVisible();
  await fits("the search panel");
  const stranger = await person("Stranger", { ...PHONE, viewport: { width: 320, height: 640 } });
  for (const path of [new URL(link).pathname, "/session/new", "/session/transfers/nonsense"]) {
    await stranger.goto(path);
    // One of these pages submits its form by itself, and is another page then.
    const overhang = () => stranger.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await expect(async () => expect(await overhang(), path).toBeLessThanOrEqual(0)).toPass();
  }
  ada.complaints.splice(0, ada.complaints.length, ...ada.complaints.filter((text) => !text.includes("status of 404")));
  stranger.complaints.splice(0, stranger.complaints.length, ...stranger.complaints.filter((text) => !/status of 40/.test(text)));
});
