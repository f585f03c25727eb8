// What is written and not sent yet: drafts, edits, formats, input methods.

import { arrived, expect, type Person, test } from "./people.ts";

const heading = (person: Person, name: string) => person.page.getByRole("heading", { name, exact: true });
const rows = (person: Person) => person.page.getByRole("log").getByRole("listitem");

/** Holds the data of the next page of a room back until it is released. */
const holdRooms = async (person: Person) => {
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await person.page.route("**/api/rooms/page", async (route) => {
    await released;
    await route.continue();
  });
  return release;
};

/** Answers the next question of the page. */
const answerNext = (person: Person, isYes: boolean) =>
  person.page.once("dialog", (dialog) => (isYes ? dialog.accept() : dialog.dismiss()));

test("words typed while another room is loading are for that room, and are not sent before it is in view", async ({ twoPeople: { ada } }) => {
  await ada.makeClosedRoom("Makers");
  await ada.live();
  await ada.composer.fill("for the makers");
  const release = await holdRooms(ada);
  await ada.roomLink("All Talk").click();
  await expect(ada.page.getByRole("status").filter({ hasText: "Opening All Talk…" })).toBeVisible();
  await expect(ada.composer).toHaveValue("");
  await ada.composer.pressSequentially("for everybody");
  await ada.page.keyboard.press("Enter");
  await expect(ada.composer).toHaveValue("for everybody");
  release();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(ada.page.getByText("Opening All Talk…")).toHaveCount(0);
  await expect(ada.composer).toHaveValue("for everybody");
  await expect(rows(ada)).toHaveCount(0);
  await ada.page.keyboard.press("Enter");
  await expect(ada.message("for everybody")).toBeVisible();
  await ada.roomLink("Makers").click();
  await expect(heading(ada, "Makers")).toBeVisible();
  await expect(ada.composer).toHaveValue("for the makers");
  await expect(rows(ada)).toHaveCount(0);
});

test("a draft belongs to its tab until it is sent, and survives a tab that is closed", async ({ twoPeople: { ada } }) => {
  const other = await ada.page.context().newPage();
  await other.goto(ada.campfire.url);
  await expect(other.locator("html[data-live]")).toBeAttached();
  const otherComposer = other.getByRole("textbox", { name: "Write a message" });
  await ada.composer.fill("in the first tab");
  await otherComposer.fill("in the second tab");
  await ada.page.keyboard.press("Enter");
  await expect(ada.message("in the first tab")).toBeVisible();
  await arrived(ada);
  await other.reload();
  await expect(other.locator("html[data-live]")).toBeAttached();
  await expect(otherComposer).toHaveValue("in the second tab");
  await ada.page.reload();
  await ada.live();
  await expect(ada.composer).toHaveValue("");
  await other.close();
  const third = await ada.page.context().newPage();
  await third.goto(ada.campfire.url);
  await expect(third.getByRole("textbox", { name: "Write a message" })).toHaveValue("in the second tab");
  await third.getByRole("textbox", { name: "Write a message" }).fill("");
  await third.reload();
  await expect(third.locator("html[data-live]")).toBeAttached();
  await expect(third.getByRole("textbox", { name: "Write a message" })).toHaveValue("");
});

test("an edit that is not saved stays an edit over other rooms, a reload and another page", async ({ twoPeople: { ada } }) => {
  await ada.makeClosedRoom("Makers");
  await ada.live();
  await ada.comfortable();
  await ada.write("a first version");
  await arrived(ada);
  await ada.page.keyboard.press("ArrowUp");
  await expect(ada.composer).toHaveValue("a first version");
  const mode = ada.page.getByText("Editing a message");
  await ada.composer.fill("a second version");
  const isStillEdited = async (how: string) => {
    await expect(mode, how).toBeVisible();
    await expect(ada.composer, how).toHaveValue("a second version");
  };
  await ada.roomLink("All Talk").click();
  await expect(heading(ada, "All Talk")).toBeVisible();
  await expect(mode).toBeHidden();
  await expect(ada.composer).toHaveValue("");
  await ada.roomLink("Makers").click();
  await expect(heading(ada, "Makers")).toBeVisible();
  await isStillEdited("after another room");
  await ada.page.reload();
  await ada.live();
  await isStillEdited("after a reload");
  await ada.page.getByRole("link", { name: "your profile" }).click();
  await expect(heading(ada, "Your profile")).toBeVisible();
  await ada.page.goBack();
  await ada.live();
  await isStillEdited("after the search");
  // Escape, a reply and another edit would discard it, so they ask.
  await ada.comfortable();
  answerNext(ada, false);
  await ada.page.keyboard.press("Escape");
  await isStillEdited("Escape");
  answerNext(ada, false);
  await ada.choose(ada.message("a first version"), "Reply");
  await isStillEdited("Reply");
  await ada.composer.focus();
  await ada.page.keyboard.press("Enter");
  await expect(ada.message("a second version")).toBeVisible();
  await expect(mode).toBeHidden();
  await expect(rows(ada)).toHaveCount(1);
  await ada.page.reload();
  await ada.live();
  await expect(ada.composer).toHaveValue("");
  await expect(mode).toBeHidden();
});

test("an edit leaves the draft alone, and Cancel discards a change after a question", async ({ twoPeople: { ada } }) => {
  await ada.comfortable();
  await ada.write("a message");
  await arrived(ada);
  await ada.composer.fill("half a thought");
  await ada.choose(ada.message("a message"), "Edit");
  await expect(ada.composer).toHaveValue("a message");
  await ada.page.reload();
  await ada.live();
  await expect(ada.composer).toHaveValue("a message");
  await ada.composer.fill("changed");
  answerNext(ada, true);
  await ada.page.getByRole("button", { name: "Cancel" }).click();
  await expect(ada.composer).toHaveValue("half a thought");
  await ada.page.reload();
  await ada.live();
  await expect(ada.composer).toHaveValue("half a thought");
  await expect(ada.message("a message")).toBeVisible();
});

test("a message that is being deleted is not edited any more", async ({ twoPeople: { ada } }) => {
  await ada.comfortable();
  for (const text of ["the first", "the second"]) await ada.write(text);
  await arrived(ada);
  await ada.choose(ada.message("the second"), "Delete");
  await expect(ada.message("the second")).toBeHidden();
  await ada.composer.focus();
  await ada.page.keyboard.press("ArrowUp");
  await expect(ada.composer).toHaveValue("the first");
  await ada.page.keyboard.press("Escape");
  // It stays hidden while the page shows another room and this one again.
  await ada.message("the first").locator(".message__time").click();
  await expect(ada.message("the first")).toHaveAttribute("aria-current", "true");
  await expect(ada.message("the second")).toBeHidden();
  await expect(ada.message("the second")).toHaveCount(0);
});

test("Enter that ends a composition neither sends nor chooses, in Safari's order of events too", async ({ twoPeople: { ada } }) => {
  await ada.comfortable();
  const compose = (key: string) =>
    ada.composer.evaluate((field, key) => {
      field.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
      field.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "日本" }));
      const event = new KeyboardEvent("keydown", { key, code: key, keyCode: 229, bubbles: true, cancelable: true });
      return field.dispatchEvent(event);
    }, key);
  await ada.composer.fill("日本");
  expect(await compose("Enter"), "left to the input method").toBe(true);
  await ada.composer.fill("");
  await ada.composer.pressSequentially("@bo");
  await expect(ada.page.getByRole("option").locator("bdi")).toHaveText(["Bob"]);
  for (const key of ["Enter", "Tab", "ArrowDown", "Escape"]) expect(await compose(key), key).toBe(true);
  await expect(ada.page.getByRole("option").locator("bdi")).toHaveText(["Bob"]);
  await expect(ada.composer).toHaveValue("@bo");
  await expect(rows(ada)).toHaveCount(0);
});

test("shortcuts work on a layout without Latin letters", async ({ twoPeople: { ada } }) => {
  await ada.comfortable();
  const press = (key: string, code: string, shiftKey = false) =>
    ada.composer.evaluate(
      (field, options) => field.dispatchEvent(new KeyboardEvent("keydown", { ...options, ctrlKey: true, bubbles: true, cancelable: true })),
      { key, code, shiftKey },
    );
  for (const [key, code, shift, after] of [
    ["и", "KeyB", false, "**слово**"],
    ["ι", "KeyI", false, "_слово_"],
    ["у", "KeyE", false, "`слово`"],
    ["Ч", "KeyX", true, "~~слово~~"],
  ] as const) {
    await ada.composer.fill("слово");
    await ada.composer.selectText();
    await press(key, code, shift);
    await expect(ada.composer).toHaveValue(after);
  }
  // Without a selection, the key of K searches.
  await ada.composer.fill("");
  await press("л", "KeyK");
  await expect(ada.page.getByRole("searchbox", { name: "Search all your rooms" })).toBeFocused();
});

test("formatted words look as the button says", async ({ twoPeople: { ada } }) => {
  await ada.comfortable();
  await ada.page.getByRole("button", { name: "Formatting" }).click();
  const format = async (text: string, from: number, to: number, tool: string) => {
    await ada.composer.fill(text);
    await ada.composer.evaluate((field: HTMLTextAreaElement, range) => field.setSelectionRange(...(range as [number, number])), [from, to]);
    await ada.page.getByRole("button", { name: new RegExp(`^${tool} \\(`) }).click();
    await ada.page.getByRole("button", { name: "Send", exact: true }).click();
    await arrived(ada);
    return ada.page.locator(".message__body").last();
  };
  const cases: [text: string, from: number, to: number, tool: string, element: string, marked: string[]][] = [
    ["a word b", 1, 7, "Bold", "strong", ["word"]],
    ["これは「重要」です", 3, 7, "Bold", "strong", ["重要"]],
    ["one\n\ntwo", 0, 8, "Bold", "strong", ["one", "two"]],
    ["- one\n- two", 0, 11, "Italic", "li em", ["one", "two"]],
    ["unbelievable", 2, 8, "Italic", "em", ["believ"]],
    ["a`b", 0, 3, "Code", "code", ["a`b"]],
    ["```\nx\n```", 0, 9, "Code block", "pre", ["```\nx\n```\n"]],
    ["a word b", 1, 7, "Strikethrough", "del, s", ["word"]],
  ];
  for (const [text, from, to, tool, element, marked] of cases) {
    const body = await format(text, from, to, tool);
    expect(await body.locator(element).allTextContents(), `${tool}: ${text}`).toEqual(marked);
  }
});

test("a URL pasted over words in code replaces them", async ({ twoPeople: { ada } }) => {
  await ada.comfortable();
  const paste = () =>
    ada.composer.evaluate((field: HTMLTextAreaElement) => {
      const clipboardData = new DataTransfer();
      clipboardData.setData("text/plain", "https://a.example/x");
      field.setSelectionRange(field.value.indexOf("words"), field.value.indexOf("words") + 5);
      return field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
    });
  for (const [text, isLeftToTheBrowser] of [["`curl words`", true], ["```\nwords\n```", true], ["see words", false]] as const) {
    await ada.composer.fill(text);
    expect(await paste(), text).toBe(isLeftToTheBrowser);
  }
  await expect(ada.composer).toHaveValue("see [words](https://a.example/x)");
});

test("the composer is as high as its text, also after people come and go", async ({ twoPeople: { ada, bob } }) => {
  const height = () => ada.composer.evaluate((field) => field.getBoundingClientRect().height);
  const oneLine = await height();
  await bob.page.goto("about:blank");
  await expect(ada.page.locator(".here")).toHaveCount(0);
  await ada.composer.fill("one\ntwo\nthree\n");
  expect(await height()).toBeGreaterThan(oneLine + 40);
  await ada.composer.fill("");
  expect(await height()).toBe(oneLine);
});
