// Pictures of people and the account's logo: chosen, cropped, shown to others at once, removed.

import type { Page } from "@playwright/test";
import { expect, test } from "./people.ts";

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** A PNG, red on the left and blue on the right, drawn by the browser. */
async function png(page: Page, width: number, height: number): Promise<Buffer> {
  const url = await page.evaluate(
    ([width, height]) => {
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [width, height];
      const context = canvas.getContext("2d")!;
      context.fillStyle = "rgb(220 30 30)";
      context.fillRect(0, 0, width / 2, height);
      context.fillStyle = "rgb(30 30 220)";
      context.fillRect(width / 2, 0, width / 2, height);
      return canvas.toDataURL("image/png");
    },
    [width, height] as const,
  );
  return Buffer.from(url.split(",")[1]!, "base64");
}

/** The colour in the middle of what the crop shows. */
const middle = (page: Page) =>
  page.locator(".crop__view").evaluate((view: HTMLCanvasElement) => {
    const [red = 0, , blue = 0] = view.getContext("2d")!.getImageData(256, 256, 1, 1).data;
    return red > blue ? "red" : "blue";
  });

const background = (page: Page, name: string) =>
  page.locator(`.message:has-text("${name}") .avatar`).first().evaluate((avatar) => getComputedStyle(avatar).backgroundImage);

for (const device of ["desktop", "phone"] as const) {
  test(`a picture is cropped by keyboard and pointer, and others see it at once (${device})`, async ({ twoPeople: { ada, bob } }) => {
    // What reads the pixels is this test.
    bob.forgive(/willReadFrequently/);
    if (device === "phone") await bob.page.setViewportSize(PHONE.viewport);
    await ada.write("I am Ada");
    await bob.write("I am Bob");
    await expect(ada.message("I am Bob")).toBeVisible();
    expect(await background(ada.page, "I am Bob")).toBe("none");

    await bob.goto("/users/me/profile");
    const { page } = bob;
    const file = { name: "me.png", mimeType: "image/png", buffer: await png(page, 800, 400) };
    await page.getByLabel("Your picture").setInputFiles(file);
    const view = page.getByRole("application", { name: /The part that is shown/ });
    await expect(view).toBeVisible();
    await bob.isAccessible("a picture being cropped");
    // All of the height is shown, around the middle; the left end is red, the right end blue.
    await view.focus();
    for (let step = 0; step < 10; step += 1) await page.keyboard.press("Shift+ArrowLeft");
    expect(await middle(page)).toBe("red");
    for (let step = 0; step < 10; step += 1) await page.keyboard.press("Shift+ArrowRight");
    expect(await middle(page)).toBe("blue");
    await page.getByLabel("Zoom").fill("2");
    const box = (await view.boundingBox())!;
    // Dragging to the right shows what is on the left.
    for (let step = 0; step < 4; step += 1) {
      await page.mouse.move(box.x + 10, box.y + box.height / 2);
      await page.mouse.down();
      await page.mouse.move(box.x + box.width - 10, box.y + box.height / 2);
      await page.mouse.up();
    }
    expect(await middle(page)).toBe("red");
    await page.getByRole("button", { name: "Use this picture" }).click();
    await expect(page.getByText("Saved.")).toBeVisible();

    // Ada's page was open all the time.
    await expect.poll(() => background(ada.page, "I am Bob")).toContain("/avatar?v=");
    const url = /url\("(.*)"\)/.exec(await background(ada.page, "I am Bob"))![1]!;
    const colour = await ada.page.evaluate(async (url) => {
      const picture = await createImageBitmap(await (await fetch(url)).blob());
      const canvas = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
      const context = canvas.getContext("2d")!;
      context.drawImage(picture, 0, 0, 1, 1);
      return [...context.getImageData(0, 0, 1, 1).data];
    }, url);
    expect(colour[0]).toBeGreaterThan(180);
    expect(colour[2]).toBeLessThan(80);

    await page.getByRole("button", { name: "Remove the picture" }).click();
    await expect(page.getByText("The picture is removed.")).toBeVisible();
    await expect.poll(() => background(ada.page, "I am Bob")).toBe("none");
  });
}

test("an administrator's logo is in the sidebar and in the tab", async ({ twoPeople: { ada, bob } }) => {
  await ada.goto("/account/edit");
  const file = { name: "logo.png", mimeType: "image/png", buffer: await png(ada.page, 300, 300) };
  await ada.page.getByLabel("Logo").setInputFiles(file);
  await ada.page.getByRole("button", { name: "Use this picture" }).click();
  await expect(ada.page.getByText("Saved.")).toBeVisible();
  await expect(bob.page.locator(".sidebar__account img")).toHaveAttribute("src", /^\/account\/logo\?size=small&v=\d+$/);
  await expect(bob.page.locator("link[rel=icon]")).toHaveAttribute("href", /^\/icon\/0\.svg\?v=\d+$/);
});

test("a file that is no picture is refused in words", async ({ twoPeople: { bob } }) => {
  bob.forgive(/422/);
  await bob.goto("/users/me/profile");
  const file = { name: "me.svg", mimeType: "image/svg+xml", buffer: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>") };
  await bob.page.getByLabel("Your picture").setInputFiles(file);
  await bob.page.getByRole("button", { name: "Use this picture" }).click();
  await expect(bob.page.getByText("Choose a JPEG, PNG, GIF or WebP.")).toBeVisible();
});
