// The loop of bin/dev: runs the debug build behind a small proxy, rebuilds it when a source file changes, and reloads the
// open pages. Usage: node bin/dev.mjs PORT EXECUTABLE DATA
//
// A proxy, because its address stays while the server restarts, requests wait for the new server, and it can add the script
// that reloads a page without any code for that in the product.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { watch } from "node:fs";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { createInterface } from "node:readline";

const [port, executable, data] = process.argv.slice(2);
/** Whatever can change what a page shows. */
const SOURCES = ["app", "browser", "crates", "frontend", "migrations", "public", "server", "src", "style", "Cargo.toml"];
/** How long to wait for further changes: an editor that saves all files writes them one after the other. */
const SETTLED_MS = 50;
/** The script that is added to each page, and the event stream it listens to. Neither is a path of the product. */
const SCRIPT = "/dev/reload.js";
const RELOADS = "/dev/reloads";

const print = (text) => console.error(`== ${text}`);

// The server

/** The running server, or the promise of one: requests wait for it. */
let server = start();

async function start() {
  // The standard output of the executable names the port that the system chose.
  const child = spawn(executable, ["--listen", "127.0.0.1:0", "--data", data], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended.then(() => [""])]);
  const address = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
  if (!address) throw new Error("The server did not start.");
  return { child, ended, port: Number(address[1]) };
}

async function stop() {
  const running = await server.catch(() => undefined);
  running?.child.kill("SIGTERM");
  await running?.ended;
}

// The proxy

const pages = new Set();

const proxy = createServer(async (asked, answer) => {
  if (asked.url === SCRIPT) {
    answer.writeHead(200, { "content-type": "text/javascript" });
    return answer.end(`new EventSource("${RELOADS}").onmessage = () => location.reload();\n`);
  }
  if (asked.url === RELOADS) {
    answer.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    pages.add(answer);
    return answer.on("close", () => pages.delete(answer));
  }
  try {
    // Pages are requested uncompressed, because a line is added to them.
    const headers = { ...asked.headers, "accept-encoding": "identity" };
    const forwarded = request({ host: "127.0.0.1", port: (await server).port, method: asked.method, path: asked.url, headers });
    answer.on("close", () => forwarded.destroy());
    asked.pipe(forwarded);
    const [response] = await once(forwarded, "response");
    if (!response.headers["content-type"]?.startsWith("text/html")) {
      answer.writeHead(response.statusCode, response.headers);
      return response.pipe(answer);
    }
    const html = Buffer.concat(await response.toArray()).toString();
    delete response.headers["content-length"];
    answer.writeHead(response.statusCode, response.headers);
    answer.end(html.replace("</head>", `<script src="${SCRIPT}" defer></script></head>`));
  } catch (error) {
    answer.writeHead(502, { "content-type": "text/plain" });
    answer.end(`${error.message}\n`);
  }
});

// WebSockets are forwarded byte by byte.
proxy.on("upgrade", async (asked, socket, head) => {
  socket.on("error", () => socket.destroy());
  const upstream = connect((await server).port, "127.0.0.1", () => {
    const headers = asked.rawHeaders.flatMap((name, index) => (index % 2 ? [] : [`${name}: ${asked.rawHeaders[index + 1]}\r\n`]));
    upstream.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
    upstream.write(head);
    socket.pipe(upstream).pipe(socket);
  });
  upstream.on("error", () => socket.destroy());
  socket.on("close", () => upstream.destroy());
});

// The loop

let changed = false;
let building = false;

async function rebuild() {
  changed = true;
  if (building) return;
  building = true;
  while (changed) {
    await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
    changed = false;
    const began = performance.now();
    const build = spawn("bash", ["-ec", ". bin/tools && build_dev"], { stdio: "inherit" });
    const [code] = await once(build, "exit");
    if (changed) continue;
    if (code !== 0) {
      print("The build failed; the last good one runs on.");
      continue;
    }
    server = stop().then(start);
    await server.catch((error) => print(error.message));
    for (const page of pages) page.write("data: reload\n\n");
    print(`Rebuilt in ${((performance.now() - began) / 1_000).toFixed(1)} s`);
  }
  building = false;
}

for (const source of SOURCES) {
  try {
    watch(source, { recursive: true }, rebuild);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => stop().finally(() => process.exit(0)));
await server;
proxy.listen(Number(port), "127.0.0.1", () => print(`Running on http://localhost:${port}, reloads on every change; Ctrl-C ends it`));
