// Runs the unit tests by `node --test`. Node 20 reads no TypeScript, so they are bundled first: into one file, as Node
// starts a process for each. Arguments are passed on: `node browser/test.mjs --test-name-pattern=link`.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const browser = import.meta.dirname;
const tests = readdirSync(browser, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".test.ts"));
const folder = mkdtempSync(join(tmpdir(), "campfire-browser-"));
const bundle = join(folder, "tests.mjs");
try {
  await build({
    stdin: { contents: tests.map((file) => `import ${JSON.stringify(`./${file}`)};`).join("\n"), resolveDir: browser },
    bundle: true,
    outfile: bundle,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
    // For the tests that read sources.
    define: { BROWSER_FOLDER: JSON.stringify(browser) },
  });
  const options = ["--enable-source-maps", "--test", "--test-reporter=spec", ...process.argv.slice(2)];
  process.exitCode = spawnSync(process.execPath, [...options, bundle], { stdio: "inherit" }).status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
