// Files: chosen, dropped and pasted; uploads that survive; pictures; without scripts.

import { createHash, randomBytes } from "node:crypto";
import { deflateSync } from "node:zlib";
import { type Locator, type Person, expect, test } from "./people.ts";

/** A PNG of one colour. */
function png(width: number, height: number, [red, green, blue] = [200, 60, 30]): Buffer {
  const chunk = (kind: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(body));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, body, crc]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, Buffer.from([red!, green!, blue!]))]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", pixels), chunk("IEND", Buffer.alloc(0))]);
}

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}

const text = (name: string, words: string) => ({ name, mimeType: "text/plain", buffer: Buffer.from(words) });
const picture = (name: string, width = 1200, height = 800) => ({ name, mimeType: "image/png", buffer: png(width, height) });

const tray = (person: Person) => person.page.getByRole("list", { name: "Files of this message" });

async function choose(person: Person, files: { name: string; mimeType: string; buffer: Buffer }[]) {
  await person.page.getByText("Files", { exact: true }).locator("input").setInputFiles(files);
}

/** Drops or pastes files. */
async function give(target: Locator, kind: "drop" | "paste", files: { name: string; mimeType: string; buffer: Buffer }[], words = "") {
  const given = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, base64: buffer.toString("base64") }));
  await target.evaluate(
    (element, { kind, given, words }) => {
      const data = new DataTransfer();
      for (const { name, mimeType, base64 } of given) {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
        data.items.add(new File([bytes], name, { type: mimeType }));
      }
      if (words) data.setData("text/plain", words);
      const options = { bubbles: true, cancelable: true };
      if (kind === "paste") element.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
      else for (const name of ["dragover", "drop"]) element.dispatchEvent(new DragEvent(name, { ...options, dataTransfer: data }));
    },
    { kind, given, words },
  );
}

const extras = (person: Person, words: string | RegExp) => person.message(words).locator(".message__extras");

test("chosen files go with the words, in their order, and both see the picture", async ({ twoPeople: { ada, bob } }) => {
  await choose(ada, [picture("sunset.png"), text("notes.txt", "some notes"), text("Bericht für März.txt", "x")]);
  await expect(tray(ada).getByRole("listitem")).toHaveCount(3);
  await expect(tray(ada).getByText("10 B")).toBeVisible();
  await ada.page.getByRole("button", { name: "Move to the front: Bericht" }).click();
  await expect(tray(ada).getByRole("listitem").nth(1)).toContainText("Bericht");
  await ada.page.getByRole("button", { name: "Remove notes.txt" }).click();
  await expect(tray(ada).getByRole("listitem")).toHaveCount(2);
  await ada.write("Look at this");
  await expect(tray(ada).getByRole("listitem")).toHaveCount(0);
  for (const person of [ada, bob]) {
    const shown = extras(person, "Look at this");
    await expect(shown.getByRole("img", { name: "sunset.png" })).toBeVisible();
    await expect(shown.getByRole("link", { name: "Bericht für März.txt" })).toContainText("1 B");
    await expect(shown.getByText("notes.txt")).toHaveCount(0);
    const box = await shown.getByRole("img").boundingBox();
    expect(box!.width / box!.height).toBeCloseTo(1.5, 1);
  }
  const link = extras(bob, "Look at this").getByRole("link", { name: "Bericht" });
  const download = bob.page.waitForEvent("download");
  await link.click();
  expect((await download).suggestedFilename()).toBe("Bericht für März.txt");
});

test("files are dropped and pasted, alone and beside text", async ({ twoPeople: { ada, bob } }) => {
  await ada.comfortable();
  await give(ada.page.locator(".timeline"), "drop", [text("dropped.txt", "1")]);
  await expect(tray(ada).getByText("dropped.txt")).toBeVisible();
  await give(ada.composer, "paste", [picture("image.png", 40, 30)]);
  await expect(tray(ada).getByText("image.png")).toBeVisible();
  await ada.page.keyboard.press("Enter");
  const sent = bob.page.getByRole("log").getByRole("listitem").last();
  await expect(sent.getByRole("link", { name: "dropped.txt" })).toBeVisible();
  await expect(sent.getByRole("img", { name: "image.png" })).toBeVisible();

  await give(ada.composer, "paste", [picture("cells.png", 40, 30)], "1\t2");
  await expect(tray(ada).getByRole("listitem")).toHaveCount(0);
  await ada.page.getByRole("button", { name: "Attach it as a picture" }).click();
  await expect(tray(ada).getByText("cells.png")).toBeVisible();
});

test("an upload survives the loss of the network, a reload and a restart of the server", async ({ twoPeople: { ada, bob }, campfire }) => {
  ada.forgiveLostConnections();
  bob.forgiveLostConnections();
  const bytes = randomBytes(5 * 1024 * 1024 + 123);
  // Held after the first piece.
  let pieces = 0;
  await ada.page.route("**/uploads/*", async (route) => {
    if (route.request().method() === "PATCH" && ++pieces > 1) await route.abort("internetdisconnected");
    else await route.continue();
  });
  await choose(ada, [{ name: "film.bin", mimeType: "application/octet-stream", buffer: bytes }]);
  await expect(tray(ada).getByText(/1 MB of 5.2 MB/)).toBeVisible();
  await ada.write("with a large file");
  const outgoing = ada.page.locator(".message--outgoing");
  await expect(outgoing).toContainText("film.bin");
  await ada.write("and words after it");
  await campfire.kill();
  await campfire.run();
  await ada.page.unroute("**/uploads/*");
  await ada.page.reload();
  await expect(bob.message("with a large file")).toBeVisible({ timeout: 30_000 });
  await expect(bob.message("and words after it")).toBeVisible();
  const order = await bob.page.getByRole("log").locator(".message__body").allTextContents();
  expect(order.indexOf("with a large file")).toBeLessThan(order.indexOf("and words after it"));
  await expect(outgoing).toHaveCount(0);
  const href = await extras(bob, "with a large file").getByRole("link").getAttribute("href");
  const served = await bob.page.request.get(campfire.url + href!);
  const digest = (content: Buffer) => createHash("sha256").update(content).digest("hex");
  expect(digest(await served.body())).toBe(digest(bytes));
  await expect(bob.message("with a large file")).toHaveCount(1);
});

test("a refused file says why and does not hold up the others", async ({ twoPeople: { ada, bob } }) => {
  ada.forgive(/413|422/);
  await ada.page.route("**/uploads", async (route) => {
    const { name } = route.request().postDataJSON() as { name: string };
    if (name !== "huge.bin") return route.continue();
    await route.fulfill({ status: 413, contentType: "application/json", body: JSON.stringify({ too_large: "A file has at most 105 MB here." }) });
  });
  await choose(ada, [text("huge.bin", "pretends to be large"), text("fine.txt", "fine")]);
  await expect(tray(ada).getByText("A file has at most 105 MB here.")).toBeVisible();
  await expect(tray(ada).getByText("4 B")).toBeVisible();
  await ada.write("both, please");
  const outgoing = ada.page.locator(".message--outgoing");
  await expect(outgoing).toContainText("Not sent. “huge.bin”: A file has at most 105 MB here.");
  await outgoing.getByRole("button", { name: "Send without it" }).click();
  await expect(extras(bob, "both, please").getByRole("link")).toHaveCount(1);
});

test("pictures open over the page, by keyboard too, and the focus comes back", async ({ twoPeople: { ada, bob } }) => {
  await choose(ada, [picture("one.png"), picture("two.png", 300, 200)]);
  await ada.write("pictures");
  const shown = extras(bob, "pictures");
  await expect(shown.getByRole("img")).toHaveCount(2);
  await shown.getByRole("link", { name: "one.png" }).focus();
  await bob.page.keyboard.press("Enter");
  const viewer = bob.page.getByRole("dialog", { name: "one.png" });
  await expect(viewer.getByRole("img", { name: "one.png" })).toBeVisible();
  await expect(viewer.getByRole("link", { name: "Download" })).toHaveAttribute("href", /one\.png\?download=1$/);
  await expect(viewer.getByRole("button", { name: "Previous picture" })).toBeHidden();
  await bob.page.keyboard.press("ArrowRight");
  const second = bob.page.getByRole("dialog", { name: "two.png" });
  await expect(second.getByRole("img", { name: "two.png" })).toBeVisible();
  await bob.page.keyboard.press("ArrowRight");
  await expect(second).toBeVisible();
  await second.getByRole("img").click();
  await expect(second.getByRole("button", { name: "Zoom" })).toHaveAttribute("aria-pressed", "true");
  await bob.isAccessible("viewer of pictures");
  await bob.page.keyboard.press("Escape");
  await expect(bob.page.getByRole("dialog")).toHaveCount(0);
  await expect(shown.getByRole("link", { name: "two.png" })).toBeFocused();
});

test("without scripts, a form sends several files and shows them", async ({ twoPeople: { ada, bob }, person }) => {
  const cleo = await person("Cleo", { javaScriptEnabled: false });
  await cleo.join(await ada.invitation());
  await cleo.page.locator(".attach > summary").click();
  await cleo.page.getByLabel("Files", { exact: true }).setInputFiles([picture("plain.png", 400, 200), text("plain.txt", "plain")]);
  await cleo.write("from a form");
  await expect(extras(bob, "from a form").getByRole("img", { name: "plain.png" })).toBeVisible();
  await cleo.page.reload();
  await expect(extras(cleo, "from a form").getByRole("img", { name: "plain.png" })).toBeVisible();
  await expect(extras(cleo, "from a form").getByRole("link", { name: "plain.txt" })).toBeVisible();
});
