// A deploy of another build: the same program behind a proxy that gives every name of the build another one. So paths of
// the build before are gone, as they are after an update, and nothing else has changed.

import { createServer, type IncomingMessage, request, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { gunzipSync } from "node:zlib";
import { type Campfire, freePort } from "./campfire.ts";

/** Types in which the names of a build occur. */
const TEXTS = /^(text\/html|text\/javascript|text\/css)/;

export interface Deploy {
  /** The id of the build, as its pages have it. */
  readonly build: string;
  /** Ends the proxy. The program goes on. */
  end(): Promise<void>;
}

/** Restarts Campfire as another build, at the same address. */
export async function deployAnother(campfire: Campfire): Promise<Deploy> {
  const page = await (await fetch(`${campfire.url}/session/new`)).text();
  const [, folder] = /\/assets\/([0-9a-f]{16})\/boot\.js/.exec(page) ?? [];
  const script = await (await fetch(`${campfire.url}/service-worker.js`)).text();
  const [, build] = /id:"([0-9a-f]{16})"/.exec(script) ?? [];
  if (!folder || !build) throw new Error("the build has no scripts");
  const names = [folder, build].map((name) => [name, [...name].reverse().join("")] as const);
  const renamed = (text: string) => names.reduce((text, [before, after]) => text.replaceAll(before, after), text);
  const original = (text: string) => names.reduce((text, [before, after]) => text.replaceAll(after, before), text);

  await campfire.kill();
  const port = await freePort();
  await campfire.run([], port);
  const server = createServer((incoming, outgoing) => {
    if (names.some(([before]) => incoming.url?.includes(before))) return void outgoing.writeHead(404).end();
    const headers = { ...incoming.headers, "accept-encoding": "gzip" };
    // Its pages differ from those of the build before.
    delete headers["if-none-match"];
    const { method } = incoming;
    const asked = request({ port, host: "127.0.0.1", method, path: original(incoming.url ?? "/"), headers }, (answer) => {
      void pass(answer).then(
        ([body, headers]) => outgoing.writeHead(answer.statusCode ?? 500, headers).end(body),
        () => outgoing.destroy(),
      );
    });
    asked.on("error", () => outgoing.destroy());
    incoming.pipe(asked);
  });
  const pass = async (answer: IncomingMessage) => {
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const headers = Object.fromEntries(Object.entries(answer.headersDistinct).map(([name, values]) => [name, values?.map(renamed) ?? []]));
    if (!TEXTS.test(answer.headers["content-type"] ?? "") || body.length === 0) return [body, headers] as const;
    const text = answer.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body;
    for (const name of ["content-encoding", "content-length", "transfer-encoding", "etag"]) delete headers[name];
    return [Buffer.from(renamed(text.toString())), headers] as const;
  };
  // The live connection, as it is.
  server.on("upgrade", (incoming, socket, head) => {
    const upstream = connect(port, "127.0.0.1", () => {
      const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
      for (let at = 0; at < incoming.rawHeaders.length; at += 2) lines.push(`${incoming.rawHeaders[at]}: ${incoming.rawHeaders[at + 1]}`);
      upstream.write(`${lines.join("\r\n")}\r\n\r\n`);
      upstream.write(head);
      socket.pipe(upstream).pipe(socket);
    });
    for (const end of [socket, upstream]) end.on("error", () => [socket, upstream].forEach((other) => other.destroy()));
  });
  await listen(server, campfire.port);
  return {
    build: renamed(build),
    end: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server.address() as AddressInfo));
  });
}
