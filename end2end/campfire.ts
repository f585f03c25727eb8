// A server for each test: the real executable on an empty folder, which a test can kill and restart.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const executable = process.env.CAMPFIRE_EXECUTABLE;

export class Campfire {
  private process: ChildProcess | undefined;
  private readonly log: string[] = [];

  private constructor(
    readonly folder: string,
    readonly port: number,
  ) {}

  /** Starts Campfire on an empty folder and waits until it answers. */
  static async start(): Promise<Campfire> {
    const folder = await mkdtemp(join(tmpdir(), "campfire-"));
    const campfire = new Campfire(folder, await freePort());
    await campfire.run();
    return campfire;
  }

  get url(): string {
    return `http://localhost:${this.port}`;
  }

  /** Starts it again on the same folder and port, or another one. */
  async run(options: string[] = [], port = this.port): Promise<void> {
    if (!executable) throw new Error("CAMPFIRE_EXECUTABLE names no executable: run bin/test.");
    const listen = `127.0.0.1:${port}`;
    const child = spawn(executable, ["--listen", listen, "--data", join(this.folder, "data"), ...options], {
      stdio: ["ignore", "pipe", "pipe"],
      // Tests write faster than people do, and have pages of their own to link to and push services of their own.
      env: { ...process.env, CAMPFIRE_WRITES_PER_SECOND: "0", CAMPFIRE_PREVIEW_NETWORKS: "127.0.0.1/32", CAMPFIRE_PUSH_NETWORKS: "127.0.0.1/32" },
    });
    this.process = child;
    child.stderr?.on("data", (data) => this.log.push(String(data)));
    const lines = createInterface({ input: child.stdout! });
    await new Promise<void>((resolve, reject) => {
      lines.on("line", (line) => line.startsWith("Campfire is listening on http://") && resolve());
      child.once("exit", (code) => reject(new Error(`Campfire ended with ${code}\n${this.log.join("")}`)));
    });
  }

  /** Joins by the invitation link without a browser. Resolves to the status. */
  async join(link: string, name: string): Promise<number> {
    // Addresses are of ASCII, whatever the name is.
    const local = [...name.normalize("NFD")].filter((character) => character <= "~").join("").trim().replaceAll(/ +/g, ".");
    const body = new URLSearchParams({ name, email_address: `${local || crypto.randomUUID()}@example.com`, password: "correct horse" });
    return (await fetch(link, { method: "POST", body, redirect: "manual" })).status;
  }

  /** Kills it, as a crash would. */
  async kill(): Promise<void> {
    await this.end("SIGKILL");
  }

  /** Stops it without ending it: connections are accepted, and nothing is answered. */
  pause() {
    this.process?.kill("SIGSTOP");
  }

  /** Lets it go on. */
  goOn() {
    this.process?.kill("SIGCONT");
  }

  /** Sends SIGTERM and waits for the exit. Resolves to how long that took, in milliseconds. */
  async stop(): Promise<number> {
    const asked = Date.now();
    await this.end("SIGTERM");
    return Date.now() - asked;
  }

  /** Kills it and removes its folder. */
  async remove(): Promise<void> {
    await this.end("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (!child || child.exitCode !== null) return;
    const exited = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await exited;
  }
}

/** A TCP port that nothing listens at. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
