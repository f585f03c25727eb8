// Threads: answering, following, and what the room shows of them, live and without scripts.

import { arrived, expect, type Person, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const inThread = (person: Person) => expect(person.page.getByRole("heading", { name: "Thread in All Talk" })).toBeVisible();
const inRoom = (person: Person) => expect(person.page.getByRole("heading", { name: "All Talk", exact: true })).toBeVisible();
const alsoInRoom = (person: Person) => person.page.getByRole("checkbox", { name: "Also show in the room" });
const line = (person: Person, text: string) => person.message(text).getByRole("link", { name: /answers?/ });
const mark = (person: Person) => person.page.getByRole("link", { name: "new answers in a thread of All Talk" });

test("two people talk in a thread, and the room shows its line", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("What do we call it?");
  await bob.choose(bob.message("What do we call it?"), "Answer in a thread");
  await inThread(bob);
  await expect(bob.page).toHaveURL(/\/rooms\/1\/threads\/1$/);
  await expect(alsoInRoom(bob)).toBeChecked();
  await bob.write("Campfire!");
  await arrived(bob);
  await expect(bob.message("Campfire!")).toBeVisible();
  await expect(alsoInRoom(bob), "further answers are for the thread").not.toBeChecked();
  await expect(bob.page.getByRole("button", { name: "Unfollow" }), "who writes follows").toBeVisible();

  await expect(ada.message("Campfire!"), "the room shows the first answer").toBeVisible();
  await expect(line(ada, "What do we call it?")).toHaveText(/1 answer/);
  await bob.write("Or Kiln");
  await expect(line(ada, "What do we call it?")).toHaveText(/2 answers/);
  await expect(ada.message("Or Kiln")).toHaveCount(0);
  await expect(mark(ada), "of both answers").toContainText("2");
  await expect(line(ada, "What do we call it?")).toHaveCSS("--thread-news", '"2 new"');

  await mark(ada).click();
  await inThread(ada);
  await expect(ada.message("Or Kiln")).toBeVisible();
  await expect(mark(ada), "read").toHaveCount(0);
  await ada.composer.fill("@");
  await ada.composer.fill("");
  await ada.write("Both *are* good");
  await expect(bob.message("Both are good")).toBeVisible();
  await ada.choose(ada.message("Both are good"), "Edit");
  await expect(ada.composer).toHaveValue("Both *are* good");
  await ada.composer.fill("Both are warm");
  await ada.page.getByRole("button", { name: "Save changes" }).click();
  await expect(bob.message("Both are warm")).toBeVisible();
  await bob.choose(bob.message("Both are warm"), "Boost: thumbs up");
  await expect(ada.message("Both are warm").locator(".boosts")).toContainText("👍");
  await ada.choose(ada.message("Both are warm"), "Delete");
  await expect(bob.message("Both are warm")).toHaveCount(0);

  await ada.page.getByRole("link", { name: "Back to the room" }).click();
  await inRoom(ada);
  await expect(line(ada, "What do we call it?")).toHaveText(/2 answers/);
  await expect(mark(bob), "what was read while it was in view is not new").toHaveCount(0);
  // A message of the room while a thread is in view.
  await ada.write("Back here");
  await expect(bob.roomLink("All Talk unread")).toBeVisible();
  await expect(bob.message("Back here")).toHaveCount(0);
  await bob.roomLink("All Talk").first().click();
  await expect(bob.message("Back here")).toBeVisible();
});

test("the shown answer is edited and deleted in both places, and a removed root says so", async ({ twoPeople: { ada, bob } }) => {
  await ada.write("The root");
  await bob.choose(bob.message("The root"), "Answer in a thread");
  await inThread(bob);
  await bob.write("Shown twice");
  await expect(ada.message("Shown twice").getByRole("link", { name: "Answer in a thread" })).toBeVisible();
  await bob.choose(bob.message("Shown twice"), "Edit");
  await expect(bob.composer).toHaveValue("Shown twice");
  await bob.composer.fill("Changed twice");
  await bob.page.getByRole("button", { name: "Save changes" }).click();
  await expect(ada.message("Changed twice")).toBeVisible();
  await ada.message("Changed twice").getByRole("link", { name: "Answer in a thread" }).click();
  await inThread(ada);
  await expect(ada.page).toHaveURL(/\/threads\/1\/@2$/);
  await expect(ada.message("Changed twice")).toHaveAttribute("aria-current", "true");
  await ada.choose(ada.message("The root"), "Delete");
  const gone = "The message that began this thread was deleted.";
  await expect(bob.page.getByText(gone)).toBeVisible();
  await bob.write("Still here");
  await expect(ada.message("Still here")).toBeVisible();
  await ada.page.reload();
  await expect(ada.page.getByText(gone)).toBeVisible();
});

test("answers that are sent without a connection arrive once, in their thread", async ({ campfire, twoPeople: { ada, bob } }) => {
  for (const someone of [ada, bob]) someone.forgiveLostConnections();
  await ada.write("The root");
  await bob.choose(bob.message("The root"), "Answer in a thread");
  await inThread(bob);
  await bob.live();
  await campfire.kill();
  await alsoInRoom(bob).uncheck();
  await bob.write("Sent into the dark");
  await expect(bob.page.getByText("Waiting for the connection…")).toBeVisible();
  await bob.page.getByRole("link", { name: "Back to the room" }).click();
  await campfire.run();
  await bob.goto("/rooms/1/threads/1");
  await arrived(bob);
  await expect(bob.message("Sent into the dark")).toHaveCount(1);
  await expect(line(ada, "The root"), "after the reconnection").toHaveText(/1 answer/);
  await expect(ada.message("Sent into the dark")).toHaveCount(0);
});

test("keys open the thread of a message and the list of threads", async ({ twoPeople: { ada, bob } }) => {
  await ada.comfortable();
  await ada.write("The root");
  await bob.choose(bob.message("The root"), "Answer in a thread");
  await bob.write("An answer");
  await expect(line(ada, "The root")).toBeVisible();
  await ada.message("The root").first().focus();
  await ada.page.keyboard.press("t");
  await inThread(ada);
  await expect(ada.composer).toBeFocused();
  await ada.page.getByRole("log").focus();
  await ada.page.keyboard.press("g");
  await ada.page.keyboard.press("t");
  await expect(ada.page.getByRole("heading", { name: "Threads", exact: true })).toBeVisible();
  await expect(ada.page).toHaveURL(/\/threads$/);
  await bob.write("Another, which is news");
  await ada.page.reload();
  await expect(ada.page.getByRole("link", { name: "Ada: The root" })).toContainText("1 new");
  await ada.page.getByRole("link", { name: "Ada: The root" }).click();
  await inThread(ada);
  await ada.page.getByRole("button", { name: "Unfollow" }).click();
  await expect(ada.page.getByRole("button", { name: "Follow", exact: true })).toBeVisible();
  await ada.page.goBack();
  await ada.page.getByRole("log").or(ada.page.getByRole("heading", { name: "Threads", exact: true })).first().waitFor();
  await ada.goto("/threads");
  await expect(ada.page.getByText("No threads yet.")).toBeVisible();
  await ada.goto("/rooms/1");
  await ada.comfortable();
  await ada.page.getByRole("log").focus();
  await ada.page.keyboard.press("?");
  await expect(ada.page.getByRole("dialog")).toContainText("your threads");
});

test("a file goes where it was chosen: to the thread, or to the room", async ({ person }) => {
  const ada = await person("Ada");
  await ada.setUp();
  await ada.live();
  await ada.write("The root");
  await arrived(ada);
  await ada.choose(ada.message("The root"), "Answer in a thread");
  await inThread(ada);
  const tray = ada.page.locator(".tray__file");
  const file = { name: "for-the-thread.txt", mimeType: "text/plain", buffer: Buffer.from("words") };
  await ada.page.getByText("Files", { exact: true }).locator("input").setInputFiles([file]);
  await expect(tray).toHaveText(/for-the-thread\.txt/);
  await ada.page.getByRole("link", { name: "Back to the room" }).click();
  await inRoom(ada);
  await expect(tray).toHaveCount(0);
  await ada.write("Words for the room");
  await arrived(ada);
  await expect(ada.message("Words for the room")).not.toContainText("for-the-thread.txt");
  await ada.page.goBack();
  await inThread(ada);
  await expect(tray).toHaveText(/for-the-thread\.txt/);
  await alsoInRoom(ada).uncheck();
  await ada.write("Words for the thread");
  await arrived(ada);
  await expect(ada.message("Words for the thread")).toContainText("for-the-thread.txt");
});

test("a ping has no threads", async ({ twoPeople: { ada } }) => {
  // Bob joined after the page was loaded.
  await ada.page.reload();
  await ada.page.getByRole("button", { name: "Bob" }).click();
  await expect(ada.page.getByRole("heading", { name: "Ping with Bob" })).toBeVisible();
  await ada.write("psst");
  await arrived(ada);
  await ada.openMenu(ada.message("psst"));
  await expect(ada.message("psst").getByRole("link", { name: "Reply" }).last()).toBeVisible();
  await expect(ada.message("psst").getByRole("link", { name: "Answer in a thread" })).toHaveCount(0);
});

test("a long thread is read to its root", async ({ twoPeople: { ada } }) => {
  await ada.write("The root");
  await arrived(ada);
  for (let number = 1; number <= 60; number++) {
    const form = { body: `answer number ${number}`, thread: "1", ...(number === 7 ? { in_room: "on" } : {}) };
    await ada.page.request.post(`${ada.campfire.url}/rooms/1/messages`, { form, maxRedirects: 0 });
  }
  await ada.goto("/rooms/1");
  await ada.live();
  expect(await ada.texts(), "the room shows two messages").toEqual(["The root", "answer number 7"]);
  await line(ada, "The root").click();
  await inThread(ada);
  await expect(ada.message("answer number 60")).toBeInViewport();
  await ada.page.locator(".timeline").evaluate((element) => element.scrollTo(0, -element.scrollHeight));
  await expect(ada.message("The root")).toBeVisible();
  await expect(ada.message("answer number 1").first()).toBeVisible();
});

for (const [device, options] of [["a wide screen", {}], ["a phone", PHONE], ["a narrow phone", { ...PHONE, viewport: { width: 320, height: 640 } }]] as const) {
  test(`a room with a thread, a thread and the list are accessible on ${device}`, async ({ person }) => {
    const ada = await person("Ada", options);
    await ada.setUp();
    await ada.live();
    await ada.write("A rather long message, so that there is something to see of it in the list of threads");
    await ada.choose(ada.message("A rather long message"), "Answer in a thread");
    await inThread(ada);
    await ada.isAccessible("a thread without answers");
    await ada.write("An answer");
    await arrived(ada);
    await ada.isAccessible("a thread");
    await ada.goto("/rooms/1");
    await ada.isAccessible("a room with a thread");
    await ada.goto("/threads");
    await ada.isAccessible("the list");
    const overflow = await ada.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(overflow, "nothing is wider than the screen").toBeLessThanOrEqual(0);
  });
}

test("threads are read, answered and unfollowed without scripts", async ({ person }) => {
  const ada = await person("Ada", { javaScriptEnabled: false });
  await ada.setUp();
  await ada.write("The root");
  await ada.choose(ada.message("The root"), "Answer in a thread");
  await inThread(ada);
  await ada.write("The first answer");
  await expect(ada.message("The first answer")).toBeVisible();
  await expect(alsoInRoom(ada)).not.toBeChecked();
  await ada.write("The second answer");
  await expect(ada.message("The second answer")).toBeVisible();
  await ada.page.getByRole("link", { name: "Back to the room" }).click();
  await expect(ada.message("The first answer")).toBeVisible();
  await expect(ada.message("The second answer")).toHaveCount(0);
  await line(ada, "The root").click();
  await inThread(ada);
  await ada.page.getByRole("link", { name: "Threads", exact: true }).click();
  await ada.page.getByRole("link", { name: "Ada: The root" }).click();
  await ada.page.getByRole("button", { name: "Unfollow" }).click();
  await expect(ada.page.getByRole("button", { name: "Follow", exact: true })).toBeVisible();
});
