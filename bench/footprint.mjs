// What Campfire weighs: sizes over the wire, the executable, memory after the start, and the time to the first answer.
// Usage: node bench/footprint.mjs EXECUTABLE

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { Agent, get, request } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";

const STARTS = 20;
const executable = process.argv[2];
if (!executable) {
  console.error("Usage: node bench/footprint.mjs EXECUTABLE");
  process.exit(2);
}

const freePort = () =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });

const fetch = (port, path, headers = {}) =>
  new Promise((resolve, reject) => {
    get({ host: "127.0.0.1", port, path, headers, agent: new Agent() }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) }));
    }).on("error", reject);
  });

const setUp = (port) =>
  new Promise((resolve, reject) => {
    const body = "name=Ada&email_address=ada%40example.com&password=correct+horse";
    const headers = { "content-type": "application/x-www-form-urlencoded", "content-length": body.length };
    const sent = request({ host: "127.0.0.1", port, path: "/first_run", method: "POST", headers }, (response) => {
      response.resume();
      resolve(response.headers["set-cookie"].map((cookie) => cookie.split(";")[0]).join("; "));
    });
    sent.on("error", reject);
    sent.end(body);
  });

/** Starts it on a folder; answers with the process, its port and the milliseconds until `/up` said 200. */
async function start(folder) {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(executable, ["--listen", `127.0.0.1:${port}`, "--data", folder], { stdio: "ignore" });
  for (;;) {
    const answer = await fetch(port, "/up").catch(() => undefined);
    if (answer?.status === 200) return { child, port, ms: performance.now() - began };
    if (child.exitCode !== null) throw new Error("Campfire did not start");
  }
}

const ended = (child) => new Promise((resolve) => (child.once("exit", resolve), child.kill("SIGTERM")));
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const memory = (pid, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(readFileSync(`/proc/${pid}/${name === "Pss" ? "smaps_rollup" : "status"}`, "utf8"))[1]);

const root = mkdtempSync(join(tmpdir(), "campfire-"));
const rows = [];

const times = [];
for (let index = 0; index < STARTS; index++) {
  const { child, ms } = await start(join(root, "data"));
  times.push(ms);
  await ended(child);
}
times.sort((a, b) => a - b);
const first = await start(join(root, "empty"));
await ended(first.child);

const { child, port } = await start(join(root, "data"));
rows.push(["RssAnon after the start", kib(memory(child.pid, "RssAnon") * 1024)]);
rows.push(["Pss after the start", kib(memory(child.pid, "Pss") * 1024)]);
rows.push([`exec to first 200 of /up, median of ${STARTS} (slowest)`, `${times[STARTS / 2].toFixed(1)} ms (${times.at(-1).toFixed(1)} ms)`]);
rows.push(["the same on an empty folder", `${first.ms.toFixed(1)} ms`]);

const cookie = await setUp(port);
const room = await fetch(port, "/rooms/1", { cookie, "accept-encoding": "gzip" });
const html = gunzipSync(room.body).toString();
const weigh = async (pattern) => {
  let bytes = 0;
  for (const path of new Set(html.match(pattern))) bytes += (await fetch(port, path, { "accept-encoding": "br" })).body.length;
  return kib(bytes);
};
rows.push(["WASM, brotli", await weigh(/\/assets\/[\w-]+\.wasm/g)]);
rows.push(["JavaScript, brotli", await weigh(/\/assets\/[\w-]+\.js/g)]);
rows.push(["CSS, brotli", await weigh(/\/assets\/[\w-]+\.css/g)]);
rows.push(["room page without messages, gzip", kib(room.body.length)]);
rows.push(["executable", `${(statSync(executable).size / 1024 / 1024).toFixed(1)} MiB`]);
await ended(child);
rmSync(root, { recursive: true });

console.log("| What | Figure |\n|---|---|");
for (const [what, figure] of rows) console.log(`| ${what} | ${figure} |`);
