import { defineConfig } from "@playwright/test";
import type { EngineName } from "./browsers.ts";

// Playwright runs the tests; it has no part in driving the browsers.
export default defineConfig<object, { engine: EngineName }>({
  testDir: ".",
  outputDir: "../test-results/engines",
  // One engine after the other: the browser tests in Chromium run at the same time.
  workers: 1,
  retries: process.env.CI ? 1 : 0,
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  projects: [
    { name: "firefox", use: { engine: "firefox" } },
    { name: "webkit", use: { engine: "webkit" } },
  ],
});
