// Measures the footprint: time to the first response, memory after the start, transfer sizes, and the times of a room page
// in Chromium. Every response is checked. Fails only if one is wrong, never because one is slow.
// Usage: node bench/footprint.mjs EXECUTABLE
// Prints rows of a Markdown table: workload, figure, further figures, budget, and whether it is met.

import { chromium } from "@playwright/test";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliDecompressSync, gunzipSync } from "node:zlib";

const STARTS = 50;
const MEMORY_STARTS = 7;
const BROWSER_ROUNDS = 3;
/** More than a page shows, so that the page is full and has older messages before it. */
const MESSAGES = 45;
const PAGE = 40;
/** How long a started server is idle before its memory is read. */
const IDLE_MS = 1_000;
const START_TIMEOUT_MS = 10_000;
const END_TIMEOUT_MS = 15_000;
/** The time of a task beyond this counts as blocking, as in the metric "total blocking time". */
const BLOCKING_AFTER_MS = 50;

const executable = process.argv[2];
if (!executable) {
  console.error("Usage: node bench/footprint.mjs EXECUTABLE");
  process.exit(2);
}

/** Running child processes, and the folder of this program: killed and removed on every kind of exit. */
const running = new Set();
const root = mkdtempSync(join(tmpdir(), "campfire-footprint-"));
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(root, { recursive: true, force: true, maxRetries: 3 });
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(130));

// Figures

const number = (value, digits = 0) => value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
const sorted = (values) => values.toSorted((one, other) => one - other);
const quantile = (values, part) => sorted(values)[Math.min(values.length - 1, Math.floor(values.length * part))];
const median = (values) => quantile(values, 0.5);

/** The median and its range, like `13.1 ms (10.2–49.6)`. */
const spread = (values, unit, digits = 0) => {
  const [least, ...rest] = sorted(values);
  const range = `${number(least, digits)}–${number(rest.at(-1) ?? least, digits)}`;
  return `${number(median(values), digits)}${unit && ` ${unit}`} (${range})`;
};

/** Prints one row. `budget` is the limit as text, `met` whether it is met. */
const row = (workload, figure, { beside = "", budget = "", met } = {}) =>
  console.log(`| ${workload} | ${figure} | ${beside} | ${budget} | ${met === undefined ? "" : met ? "yes" : "no"} |`);

// The executable

const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer().on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

/** Requests `/up` until the status is 200, over plain sockets, because a client library would add to the measured time. */
const untilUp = (port, child) =>
  new Promise((resolve, reject) => {
    const deadline = performance.now() + START_TIMEOUT_MS;
    const question = `GET /up HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`;
    const attempt = () => {
      const ended = child.exitCode ?? child.signalCode;
      if (ended !== null) return reject(new Error(`Campfire ended with ${ended}`));
      if (performance.now() > deadline) return reject(new Error("Campfire did not answer /up in time"));
      let answer = "";
      // The port is bound before the database is open: a connection may be accepted early and answered later.
      const socket = connect({ port, host: "127.0.0.1", noDelay: true }, () => socket.write(question));
      socket.on("data", (data) => {
        answer += data.toString("latin1");
        if (!answer.includes("\r\n")) return;
        socket.destroy();
        if (answer.startsWith("HTTP/1.1 200 ")) resolve(performance.now());
        else reject(new Error(`/up said ${answer.split("\r\n")[0]}`));
      });
      socket.on("error", (error) => {
        if (error.code === "ECONNREFUSED") setImmediate(attempt);
        else reject(error);
      });
    };
    attempt();
  });

/** A running server on a data folder, ready since `/up` answered 200. */
class Campfire {
  static async start(folder) {
    const port = await freePort();
    const began = performance.now();
    const child = spawn(executable, ["--listen", `127.0.0.1:${port}`, "--data", folder], {
      stdio: "ignore",
      env: { ...process.env, CAMPFIRE_WRITES_PER_SECOND: "0" },
    });
    running.add(child);
    const ended = new Promise((resolve) => child.once("exit", resolve));
    ended.then(() => running.delete(child));
    const failed = new Promise((_, reject) => child.once("error", reject));
    const ms = (await Promise.race([untilUp(port, child), failed])) - began;
    return Object.assign(new Campfire(), { child, ended, port, ms });
  }

  /** Sends SIGTERM. Resolves to the exit code. */
  async end() {
    this.child.kill("SIGTERM");
    const late = setTimeout(() => this.child.kill("SIGKILL"), END_TIMEOUT_MS);
    const code = await this.ended;
    clearTimeout(late);
    return code;
  }

  /** One request on a connection of its own. */
  ask(method, path, { headers = {}, body = "" } = {}) {
    return new Promise((resolve, reject) => {
      const length = body ? { "content-length": Buffer.byteLength(body) } : {};
      const options = { host: "127.0.0.1", port: this.port, method, path, headers: { ...headers, ...length }, agent: false };
      const asked = request(options, (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
      });
      asked.on("error", reject);
      asked.end(body);
    });
  }

  /** The first run: an account, its room "All Talk", and Ada. Resolves to her session cookie. */
  async setUp() {
    const body = new URLSearchParams({ name: "Ada", email_address: "ada@example.com", password: "correct horse" }).toString();
    const answer = await this.ask("POST", "/first_run", { headers: { "content-type": "application/x-www-form-urlencoded" }, body });
    assert.equal(answer.status, 303, "the first visit sets it up");
    return answer.headers["set-cookie"].map((cookie) => cookie.split(";")[0]).join("; ");
  }

  async post(cookie, body) {
    const client_message_id = randomUUID();
    const answer = await this.ask("POST", "/api/messages/post", {
      headers: { cookie, accept: "application/json", "content-type": "application/json" },
      body: JSON.stringify({ room_id: 1, client_message_id, body }),
    });
    assert.equal(answer.status, 200, "a message is stored");
    assert.ok(answer.body.includes(client_message_id), "and it is the one that was posted");
  }

  /** Its memory as Linux counts it, in bytes. */
  memory() {
    const read = (file, name) => {
      const text = readFileSync(`/proc/${this.child.pid}/${file}`, "utf8");
      return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)[1]) * 1_024;
    };
    return { anonymous: read("status", "RssAnon"), proportional: read("smaps_rollup", "Pss"), ofFiles: read("smaps_rollup", "Pss_File") };
  }
}

/** Starts the server, runs `use` with it, and ends it in any case. */
async function withCampfire(folder, use) {
  const campfire = await Campfire.start(folder);
  let code, result;
  try {
    result = await use(campfire);
  } finally {
    code = await campfire.end();
  }
  assert.equal(code, 0, "Campfire ends in order");
  return result;
}

// Measurements

/** Posts messages of several kinds. */
async function makeData(folder) {
  return withCampfire(folder, async (campfire) => {
    const cookie = await campfire.setUp();
    for (let index = 0; index < MESSAGES; index++) {
      const kinds = [
        `walrus number ${index}`,
        `walrus number ${index}: see https://a.example/${index}`,
        `walrus number ${index}\n\n> quoted\n\n- one\n- two`,
        `walrus number ${index}\n\n\`\`\`rust\nlet answer = ${index};\n\`\`\``,
        `walrus number ${index}, **bold**, and a longer sentence that goes on for a while, as they do.`,
        `walrus number ${index} 🎉`,
      ];
      await campfire.post(cookie, kinds[index % kinds.length]);
    }
    return { cookie, emptyStartMs: campfire.ms };
  });
}

async function measureStarts(folder, emptyStartMs) {
  const times = [];
  for (let index = 0; index < STARTS; index++) times.push(await withCampfire(folder, async ({ ms }) => ms));
  row(`exec to the first 200 of \`/up\`, ${STARTS} starts on data`, spread(times, "ms", 1), {
    beside: `p90 ${number(quantile(times, 0.9), 1)} ms`,
    budget: "≤ 50 ms",
    met: median(times) <= 50,
  });
  row("the same on an empty folder, once", `${number(emptyStartMs, 1)} ms`);
}

async function measureMemory(folder) {
  const read = [];
  for (let index = 0; index < MEMORY_STARTS; index++) {
    const memory = await withCampfire(folder, async (campfire) => {
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      return campfire.memory();
    });
    read.push(memory);
  }
  const of = (name) => read.map((memory) => memory[name] / 1e6);
  const when = "a second after the start and one request";
  row(`RssAnon, ${when}`, spread(of("anonymous"), "MB", 2), { beside: `${MEMORY_STARTS} starts`, budget: "≤ 2 MB", met: median(of("anonymous")) <= 2 });
  row(`Pss, ${when}`, spread(of("proportional"), "MB", 2), {
    beside: `${number(median(of("ofFiles")), 2)} MB of files, the executable above all`,
    budget: "≤ 8 MB",
    met: median(of("proportional")) <= 8,
  });
}

function weighExecutable() {
  const bytes = statSync(executable).size;
  const mebibytes = bytes / 1_024 / 1_024;
  row("executable", `${number(mebibytes, 1)} MiB`, { beside: `${number(bytes)} B`, budget: "≤ 25 MiB", met: mebibytes <= 25 });
}

/** Measures the room page as a browser gets it. Resolves to its HTML. */
async function weighRoomPage(campfire, cookie) {
  const answer = await campfire.ask("GET", "/rooms/1", { headers: { cookie, "accept-encoding": "gzip" } });
  assert.equal(answer.status, 200, "the room page");
  assert.equal(answer.headers["content-encoding"], "gzip", "comes compressed");
  const html = gunzipSync(answer.body).toString();
  assert.ok(html.trimEnd().endsWith("</html>"), "and whole");
  const shown = [...html.matchAll(/id="message-\d+"/g)].length;
  assert.equal(shown, PAGE, "with a full page of messages");
  assert.ok(html.includes(`walrus number ${MESSAGES - 1}`), "the newest among them");
  // `data-text` in the HTML would make the later wait for it meaningless.
  assert.ok(!html.includes("data-text"), "and a composer that no script has touched");
  const bytes = answer.body.length;
  row(`room page with ${PAGE} messages, gzip`, `${number(bytes)} B`, {
    beside: `unpacked ${number(Buffer.byteLength(html))} B`,
    budget: "≤ 24 KB",
    met: bytes <= 24_000,
  });
  return html;
}

/**
 * The scripts, WASM modules and style sheets of a page as transferred: those that the page names, and those that its
 * scripts name in turn (chunks of the WASM, if there are any).
 */
async function fetchAssets(campfire, html) {
  const fileName = (endings) => `[\\w./-]+\\.(?:${endings})(?![\\w.])`;
  const named = html.match(new RegExp(`/assets/${fileName("css|js|wasm")}`, "g")) ?? [];
  const waiting = named.map((path) => ({ path }));
  const assets = new Map();
  while (waiting.length > 0) {
    const { path, by } = waiting.shift();
    if (assets.has(path)) continue;
    const answer = await campfire.ask("GET", path, { headers: { "accept-encoding": "br" } });
    // wasm-bindgen's loader contains the name of a default module, which the page overrides.
    if (by && answer.status === 404) continue;
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers["content-encoding"], "br", `${path} is sent with brotli`);
    const content = brotliDecompressSync(answer.body);
    const ending = path.split(".").at(-1);
    const isWhole = ending === "wasm" ? content.subarray(0, 4).equals(Buffer.from("\0asm")) : content.length > 0 && !content.includes(0);
    assert.ok(isWhole, `${path} contains what its name says`);
    assets.set(path, { name: path.replace(/^\/assets\/([0-9a-f]{16}\/)?|-[0-9a-f]{16}/g, ""), ending, bytes: answer.body.length, isNamedByPage: !by });
    if (ending !== "js") continue;
    for (const [, name] of content.toString().matchAll(new RegExp(`["'\`](${fileName("js|wasm")})["'\`]`, "g"))) {
      waiting.push({ path: new URL(name, `http://localhost${path}`).pathname, by: path });
    }
  }
  return [...assets.values()];
}

/** Prints one row for some assets together, with the size of each. */
function weighAssets(what, assets, budgetKb) {
  const bytes = assets.reduce((sum, asset) => sum + asset.bytes, 0);
  row(`${what}, brotli`, `${number(bytes)} B`, {
    beside: assets.length > 1 ? assets.map((asset) => `${asset.name} ${number(asset.bytes)} B`).join(" · ") : "",
    budget: `≤ ${budgetKb} KB`,
    met: bytes <= budgetKb * 1_000,
  });
}

async function measureWire(campfire, cookie) {
  const html = await weighRoomPage(campfire, cookie);
  const assets = await fetchAssets(campfire, html);
  const of = (ending) => assets.filter((asset) => asset.ending === ending);
  const [main, ...others] = of("wasm").filter((asset) => asset.isNamedByPage);
  assert.ok(main && others.length === 0, "the page names one WASM module");
  const chunks = of("wasm").filter((asset) => !asset.isNamedByPage);
  const largest = chunks.toSorted((one, other) => other.bytes - one.bytes).slice(0, 1);
  weighAssets("WASM, main module", [main], 250);
  weighAssets(`WASM, the largest of ${chunks.length} chunks`, largest, 15);
  weighAssets("WASM, all chunks", chunks, 80);
  const isWorker = ({ name }) => name === "/service-worker.js";
  const scripts = of("js").filter((asset) => !isWorker(asset));
  for (const [what, assets, budgetKb] of [["scripts", scripts, 20], ["service worker", of("js").filter(isWorker), 8], ["CSS", of("css"), 20]]) {
    assert.ok(assets.length > 0, `the page names its ${what}`);
    weighAssets(what, assets, budgetKb);
  }
}

// In the browser

/** Runs in the page before its own scripts: records the browser's timings. */
function watchPage() {
  const noted = { longTasksMs: [] };
  window.footprint = noted;
  new PerformanceObserver((list) => {
    noted.paintMs ??= list.getEntriesByName("first-contentful-paint")[0]?.startTime;
  }).observe({ type: "paint", buffered: true });
  const note = (tasks) => noted.longTasksMs.push(...tasks.map((task) => task.duration));
  const tasks = new PerformanceObserver((list) => note(list.getEntries()));
  tasks.observe({ type: "longtask", buffered: true });
  noted.finish = () => (note(tasks.takeRecords()), tasks.disconnect());
  // The composer works once `data-text`, a copy of its text beside the field, is written for the first time: by the effect
  // that hydrates the field, after its listeners were added.
  const composer = new MutationObserver((changes) => {
    if (!changes.some((change) => change.target.matches(".composer__grow"))) return;
    noted.composerMs = performance.now();
    composer.disconnect();
  });
  composer.observe(document, { subtree: true, attributeFilter: ["data-text"] });
}

/** Runs in the page once everything is loaded: waits until the browser is idle. Resolves to the timings. */
async function readPage() {
  await new Promise((resolve) => requestAnimationFrame(() => requestIdleCallback(resolve)));
  const { footprint: noted } = window;
  noted.finish();
  // The page's own module, which is started already: a second call returns its exports.
  const module = await import(document.querySelector("script[data-loader]").dataset.loader);
  const { memory } = await module.default();
  const { paintMs, composerMs, longTasksMs } = noted;
  const [page] = performance.getEntriesByType("navigation");
  const binary = performance.getEntriesByType("resource").find((resource) => resource.name.endsWith(".wasm"));
  return {
    paintMs,
    composerMs,
    longTasksMs,
    answerMs: page.responseStart,
    binaryMs: binary.responseEnd,
    wasmBytes: memory.buffer.byteLength,
    elements: document.querySelectorAll("*").length,
    timeOrigin: performance.timeOrigin,
  };
}

/** Writes a message with the keyboard, and checks that the page sent it without a reload and that the server stored it. */
async function checkComposer(page, timeOrigin) {
  const text = `written in the browser ${randomUUID()}`;
  const bodies = page.locator(".message:not(.message--outgoing) .message__body").getByText(text, { exact: true });
  await page.getByRole("textbox", { name: "Write a message" }).pressSequentially(text);
  await page.keyboard.press("Enter");
  await bodies.waitFor();
  assert.equal(await page.evaluate(() => performance.timeOrigin), timeOrigin, "the page sent it without going elsewhere");
  await page.reload();
  assert.equal(await bodies.count(), 1, "what was sent is stored once");
  assert.equal(await page.locator(".message").count(), PAGE, "and the page is a full one again");
}

/** One visit to the room with an empty cache. */
async function visit(browser, url, cookie, slowdown) {
  const [name, value] = cookie.split("=", 2);
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  try {
    await context.addCookies([{ name, value, url }]);
    const page = await context.newPage();
    const complaints = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
    page.on("response", (response) => response.status() >= 400 && complaints.push(`${response.status()} ${response.url()}`));
    await page.addInitScript(watchPage);
    const devtools = await context.newCDPSession(page);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: slowdown });
    await page.goto(`${url}/rooms/1`);
    assert.equal(await page.locator(".message").count(), PAGE, "a full page of messages");
    // chat.js is loaded last, when the browser is idle.
    await page.locator("html[data-live][data-chat]").waitFor({ state: "attached" });
    const read = await page.evaluate(readPage);
    assert.ok(read.paintMs > 0 && read.composerMs > 0, "the browser noted its paint, and the composer was taken over");
    await devtools.send("HeapProfiler.collectGarbage");
    await devtools.send("Performance.enable");
    const { metrics } = await devtools.send("Performance.getMetrics");
    const metric = (name) => metrics.find((metric) => metric.name === name).value;
    await checkComposer(page, read.timeOrigin);
    assert.deepEqual(complaints, [], "the browser has nothing to complain about");
    return { ...read, heapBytes: metric("JSHeapUsedSize"), nodes: metric("Nodes") };
  } finally {
    await context.close();
  }
}

/** Measures visits with the CPU slowed by a factor, and prints their rows. */
async function measureVisits(browser, url, cookie, slowdown) {
  const visits = [];
  for (let round = 0; round < BROWSER_ROUNDS; round++) visits.push(await visit(browser, url, cookie, slowdown));
  const of = (read) => visits.map(read);
  const blocking = (tasks) => tasks.reduce((sum, ms) => sum + Math.max(0, ms - BLOCKING_AFTER_MS), 0);
  const where = `room page of ${PAGE} in Chromium, nothing cached${slowdown === 1 ? "" : `, CPU slowed ${slowdown} times`}`;
  const longest = of(({ longTasksMs }) => Math.max(0, ...longTasksMs));
  const composer = of(({ composerMs }) => composerMs);
  row(`${where}: first contentful paint`, spread(of(({ paintMs }) => paintMs), "ms"), {
    beside: `first byte ${number(median(of(({ answerMs }) => answerMs)))} ms`,
  });
  row(`${where}: composer works`, spread(composer, "ms"), {
    beside: `WASM fetched ${number(median(of(({ binaryMs }) => binaryMs)))} ms`,
    ...(slowdown > 1 && { budget: "≤ 1 s", met: median(composer) <= 1_000 }),
  });
  row(`${where}: long tasks until idle`, spread(of(({ longTasksMs }) => longTasksMs.length), ""), {
    beside: `longest ${spread(longest, "ms")} · blocking ${spread(of(({ longTasksMs }) => blocking(longTasksMs)), "ms")}`,
  });
  if (slowdown > 1) return;
  row(`${where}: JavaScript heap after a collection`, spread(of(({ heapBytes }) => heapBytes / 1e6), "MB", 2), {
    beside: `WASM memory ${number(median(of(({ wasmBytes }) => wasmBytes / 1e6)), 2)} MB`,
  });
  row(`${where}: DOM nodes`, spread(of(({ nodes }) => nodes), ""), { beside: `${number(median(of(({ elements }) => elements)))} elements` });
}

async function measureBrowser(campfire, cookie) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    handleSIGINT: false,
    handleSIGTERM: false,
  });
  try {
    for (const slowdown of [1, 4]) await measureVisits(browser, `http://localhost:${campfire.port}`, cookie, slowdown);
  } finally {
    await browser.close();
  }
}

const data = join(root, "data");
const { cookie, emptyStartMs } = await makeData(data);
await measureStarts(data, emptyStartMs);
await measureMemory(data);
weighExecutable();
await withCampfire(data, async (campfire) => {
  await measureWire(campfire, cookie);
  await measureBrowser(campfire, cookie);
});
