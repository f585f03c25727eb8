// Previews of links, from a server on this machine that the tests' Campfire may reach.

import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateSync } from "node:zlib";
import { expect, flood, test as base } from "./people.ts";

const test = base.extend<{ web: string }>({
  /** The URL of a server with a page about salamanders. */
  web: async ({}, use) => {
    const server: Server = createServer((request, response) => {
      const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      if (request.url === "/picture") {
        response.writeHead(200, { "content-type": "image/png" }).end(png(900, 450));
      } else if (request.url === "/salamanders") {
        response.writeHead(200, { "content-type": "text/html" }).end(`<!doctype html>
          <meta property="og:title" content="Salamanders &amp; newts">
          <meta property="og:description" content="How they live, and where they are to be found.">
          <meta property="og:image" content="${origin}/picture">`);
      } else {
        response.writeHead(404).end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}/salamanders`);
    server.close();
  },
});

test("a preview appears live, moves nobody's place, and is taken away by its author", async ({ twoPeople: { ada, bob }, web }) => {
  // Two checks of accessibility of a page with sixty messages, in both themes.
  test.slow();
  const room = new URL(bob.page.url()).pathname;
  await flood(ada, room, 60);
  await ada.write(`Look at ${web}`);
  const preview = bob.message("Look at").locator(".preview");
  await expect(preview.getByRole("link")).toContainText("Salamanders & newts");
  await expect(preview.getByRole("link")).toHaveAttribute("href", web);
  const picture = preview.locator("img");
  await expect(picture).toBeInViewport();
  expect(await picture.evaluate((img: HTMLImageElement) => img.decode().then(() => img.naturalWidth))).toBe(600);
  await expect(bob.page.getByText("How they live")).toBeInViewport();
  await expect(preview.getByRole("button", { name: "Remove this preview" }), "not his").toBeHidden();
  await bob.isAccessible("a preview");

  // Somebody reads above while a preview is made below.
  const read = bob.message("message number 20");
  await read.scrollIntoViewIfNeeded();
  const top = async () => (await read.boundingBox())!.y;
  await expect.poll(async () => Math.abs((await top()) - (await top()))).toBe(0);
  const before = await top();
  await ada.write(`Once more ${web}`);
  await expect(ada.message("Once more").locator(".preview img")).toBeVisible();
  await expect(bob.message("Once more").locator(".preview")).toBeAttached();
  expect(Math.abs((await top()) - before)).toBeLessThan(4);

  const own = ada.message("Look at").locator(".preview");
  await own.scrollIntoViewIfNeeded();
  await own.hover();
  await ada.isAccessible("a preview with its button");
  await own.hover();
  await own.getByRole("button", { name: "Remove this preview" }).click();
  await expect(own).toHaveCount(0);
  await expect(preview).toHaveCount(0);
});

test("previews need no script", async ({ person, web }) => {
  const ada = await person("Ada", { javaScriptEnabled: false, viewport: { width: 390, height: 844 } });
  await ada.setUp();
  await ada.write(`Look at ${web}`);
  const preview = ada.message("Look at").locator(".preview");
  await expect(async () => {
    await ada.page.reload();
    await expect(preview).toBeVisible({ timeout: 250 });
  }).toPass();
  expect(await ada.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
  await preview.hover();
  await preview.getByRole("button", { name: "Remove this preview" }).click();
  await expect(ada.message("Look at")).toBeVisible();
  await expect(preview).toHaveCount(0);
});

/** A PNG of one colour. */
function png(width: number, height: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2], 8);
  const row = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, Buffer.from([40, 120, 90]))]);
  const pixels = Buffer.concat(Array.from({ length: height }, () => row));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(pixels)), chunk("IEND", Buffer.alloc(0))]);
}

function crc32(bytes: Buffer): number {
  let sum = 0xffffffff;
  for (const byte of bytes) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return (sum ^ 0xffffffff) >>> 0;
}
