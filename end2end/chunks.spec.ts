// Code that is fetched when it is first needed.

import type { Page } from "@playwright/test";
import { expect, test } from "./people.ts";

const CHUNK = "**/split_shortcuts.wasm";
const openShortcuts = async (page: Page) => {
  await page.getByRole("log").focus();
  await page.keyboard.press("?");
};

test("a chunk is fetched at the first use of its control, and once", async ({ twoPeople: { bob } }) => {
  await bob.comfortable();
  const fetched: string[] = [];
  bob.page.on("request", (request) => {
    // Code that several chunks share is a module, too.
    if (request.url().includes("/split_")) fetched.push(request.url());
  });
  const dialog = bob.page.getByRole("dialog", { name: "Keyboard shortcuts" });
  for (const _ of ["first", "second"]) {
    await openShortcuts(bob.page);
    await expect(dialog).toBeVisible();
    await bob.page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
  }
  // And what it shares with other chunks.
  expect(fetched.filter((url) => !url.includes("/chunk_"))).toEqual([expect.stringContaining("/split_shortcuts.wasm")]);
  expect(new Set(fetched).size).toBe(fetched.length);
});

test("a chunk that cannot be fetched is said in words, and tried again", async ({ twoPeople: { ada, bob } }) => {
  await bob.comfortable();
  bob.forgive(/split_shortcuts|status of 404|HTTP status code is not ok|Failed to execute 'compile'/);
  await bob.page.route(CHUNK, (route) => route.fulfill({ status: 404 }));
  await openShortcuts(bob.page);
  await expect(bob.page.getByRole("status").filter({ hasText: "could not be loaded" })).toBeVisible();
  // The page goes on.
  await bob.write("still here");
  await expect(ada.message("still here")).toBeVisible();

  await bob.page.unroute(CHUNK);
  await openShortcuts(bob.page);
  await expect(bob.page.getByRole("dialog", { name: "Keyboard shortcuts" })).toBeVisible();
});
