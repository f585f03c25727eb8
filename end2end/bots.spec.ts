// Bots: an administrator makes one, its command posts a message that appears live, its webhook answers, its key is reset.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "./people.ts";

/** What a command of the page does: the text after `-d`, posted to its URL. */
async function run(command: string) {
  const [, text, url] = /^curl -d '(.*)' (\S+)$/.exec(command)!;
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return await fetch(url!, { method: "POST", headers, body: text!, redirect: "manual" });
}

/** A receiver of webhooks on this machine that answers with a text, and what it received. */
async function receiver(answer: string, onlyMe = () => false) {
  const received: { body: { message: { body: { plain: string } }; room: { path: string } }; signature: string }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part: Buffer) => (body += part.toString()));
    request.on("end", () => {
      received.push({ body: JSON.parse(body), signature: String(request.headers["webhook-signature"]) });
      const visible = onlyMe() ? { "x-campfire-visible": "only-me" } : {};
      response.writeHead(200, { "content-type": "text/plain", ...visible }).end(answer);
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return { received, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1`, close: () => server.close() };
}

test("a bot is made, posts by its command, answers by its webhook, and its old key is dead", async ({ twoPeople: { ada, bob } }) => {
  const target = await receiver("All systems go");
  const { page } = ada;
  await ada.goto("/account/edit");
  await page.getByRole("link", { name: "Bots" }).click();
  await page.getByRole("link", { name: "New bot" }).click();
  await page.getByLabel("Name").fill("Deploys");
  await page.getByLabel("Webhook").fill(target.url);
  await ada.isAccessible("the form of a new bot");
  await page.getByRole("button", { name: "Make the bot" }).click();
  await expect(page.getByRole("heading", { name: "Bots", level: 1 })).toBeVisible();
  const field = page.getByLabel("Post a text");
  await expect(field).toBeVisible();
  await expect(page.getByRole("button", { name: "Copy" }).first()).toBeVisible();
  await ada.isAccessible("the list of bots");
  const command = await field.inputValue();

  const posted = await run(command);
  expect(posted.status).toBe(201);
  await expect(bob.message("Hello!")).toBeVisible();
  // The sheet of pictures, which says who is a bot, is fetched again by the open page.
  const author = bob.message("Hello!").locator(".message__author");
  await expect.poll(() => author.evaluate((name) => getComputedStyle(name, "::after").content)).toBe('"Bot"');

  await bob.write("@Deploys status?");
  await expect(bob.message("All systems go")).toBeVisible();
  expect(target.received[0]!.body.message.body.plain).toBe("status?");
  expect(target.received[0]!.signature).toMatch(/^v1,/);

  await page.getByRole("link", { name: "Change Deploys" }).click();
  await page.getByText("Make a new key…").click();
  await page.getByRole("button", { name: "Make a new key", exact: true }).click();
  await expect(page.getByLabel("Post a text")).not.toHaveValue(command);
  const refused = await run(command);
  expect(refused.status).toBe(302);
  const renewed = await run((await page.getByLabel("Post a text").inputValue()).replace("Hello!", "With the new key"));
  expect(renewed.status).toBe(201);
  await expect(bob.message("With the new key")).toBeVisible();
  target.close();
});

test("a slash command calls a bot, whose answer is for everybody or for one person", async ({ twoPeople: { ada, bob } }) => {
  let isPrivate = false;
  const target = await receiver("Staging is **up**", () => isPrivate);
  await ada.goto("/account/bots/new");
  await ada.page.getByLabel("Name").fill("Deploys");
  await ada.page.getByLabel("Webhook").fill(target.url);
  await ada.page.getByLabel("Slash commands").fill("deploy /status");
  await ada.page.getByRole("button", { name: "Make the bot" }).click();
  await expect(ada.page.getByRole("heading", { name: "Bots", level: 1 })).toBeVisible();
  await ada.goto("/");

  await bob.composer.pressSequentially("/dep");
  await expect(bob.page.getByRole("option", { name: "/deploy" })).toBeVisible();
  await bob.composer.press("Enter");
  await bob.composer.pressSequentially("staging");
  await bob.composer.press("Enter");
  const note = bob.page.locator(".note");
  await expect(note).toContainText("Sent: /deploy staging");
  await expect(ada.message("Staging is up")).toBeVisible();
  expect(target.received[0]!.body).toMatchObject({ command: "deploy", message: { id: null, body: { plain: "staging" } } });
  await expect(bob.page.locator(".messages--outgoing .message")).toHaveCount(0);
  await note.getByRole("button", { name: "Dismiss" }).click();
  await expect(note).toHaveCount(0);

  isPrivate = true;
  await bob.write("/status");
  await expect(note).toHaveCount(2);
  await expect(note.locator("strong")).toHaveText("up");
  await bob.isAccessible("a room with notes");
  await expect(ada.page.locator(".note")).toHaveCount(0);
  await expect(ada.page.locator(".message")).toHaveCount(1);

  bob.forgive(/422/);
  await bob.write("/nope it is");
  const failed = bob.page.locator(".message--failed");
  await expect(failed).toContainText("Nothing in this room has the command /nope.");
  await failed.getByRole("button", { name: "Send as a message" }).click();
  await expect(ada.message("/nope it is")).toBeVisible();
  target.close();
});
