import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: ".",
  // Driven by WebDriver, with a configuration of their own.
  testIgnore: "**/end2end/engines/**",
  outputDir: "test-results",
  fullyParallel: true,
  workers: 2,
  // A shared machine may pause a browser for seconds, so one retry is allowed there.
  retries: process.env.CI ? 1 : 0,
  forbidOnly: true,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  reporter: [["list"]],
  use: {
    viewport: { width: 1280, height: 800 },
    trace: "retain-on-failure",
    // Most tests answer requests themselves, which a service worker would send unseen. Those of it allow it.
    serviceWorkers: "block",
    launchOptions: {
      executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    },
  },
});
