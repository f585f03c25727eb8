// Starts browsers of other engines than Chromium's. Both are driven by WebDriver, so that the same tests drive both:
// Firefox by geckodriver, and MiniBrowser, the browser of WebKitGTK, by WebKitWebDriver.
//
// Firefox also speaks WebDriver BiDi without geckodriver. WebKitGTK does not, and the tests would need a client for each.

import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Builder, Capabilities, type WebDriver } from "selenium-webdriver";
import LogInspector from "selenium-webdriver/bidi/logInspector.js";
import { freePort } from "../campfire.ts";

export type EngineName = "firefox" | "webkit";

export interface BrowserOptions {
  /** `false` blocks the scripts of pages; those of the driver run all the same. */
  readonly scripts?: boolean;
  /** The width of a phone; in Firefox also a finger in place of the mouse, which WebKitGTK has no setting for. */
  readonly phone?: boolean;
}

const SCREEN = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844 };

/** What MiniBrowser prints about errors and warnings in pages. */
const COMPLAINT = /^CONSOLE\b.*\b(ERROR|WARN)/;

/** A browser with a window, and the driver that controls it. */
export class Browser {
  /** The errors and warnings of pages that the browser reported. */
  readonly complaints: string[] = [];
  private readonly processes: ChildProcess[] = [];
  private session: WebDriver | undefined;

  private constructor(
    readonly engine: EngineName,
    private readonly folder: string,
  ) {}

  static async open(engine: EngineName, options: BrowserOptions = {}): Promise<Browser> {
    const browser = new Browser(engine, await mkdtemp(join(tmpdir(), "campfire-browser-")));
    try {
      const url = engine === "firefox" ? await browser.startGeckodriver() : await browser.startWebKitWebDriver();
      const capabilities = engine === "firefox" ? ofFirefox(options) : ofWebKit(options);
      browser.session = await new Builder().usingServer(url).withCapabilities(new Capabilities(capabilities)).build();
      if (engine === "firefox") await browser.listen();
      await browser.resize(options.phone ? PHONE : SCREEN);
    } catch (error) {
      await browser.close();
      throw error;
    }
    return browser;
  }

  get driver(): WebDriver {
    if (!this.session) throw new Error("The browser is closed.");
    return this.session;
  }

  async close(): Promise<void> {
    await this.session?.quit().catch(() => {});
    this.session = undefined;
    for (const process of this.processes.reverse()) await end(process);
    await rm(this.folder, { recursive: true, force: true });
  }

  private async startGeckodriver(): Promise<string> {
    const [port, bidi] = [await freePort(), await freePort()];
    const args = ["--port", String(port), "--websocket-port", String(bidi), "--profile-root", this.folder];
    return this.startDriver("geckodriver", args, port, process.env);
  }

  /** A screen of its own keeps the focus in the browser's window. */
  private async startWebKitWebDriver(): Promise<string> {
    const screen = this.start("Xvfb", ["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"], process.env);
    const display = await firstLine(screen);
    // The narrowest window is as wide as its toolbar, and a phone is narrower.
    await mkdir(join(this.folder, "gtk-3.0"));
    await writeFile(join(this.folder, "gtk-3.0", "gtk.css"), "* { min-width: 0; padding: 0; margin: 0; font-size: 1px; }");
    const port = await freePort();
    const environment = { ...process.env, DISPLAY: `:${display}`, XDG_CONFIG_HOME: this.folder };
    return this.startDriver("WebKitWebDriver", [`--port=${port}`], port, environment);
  }

  /** Resolves to the driver's URL once it answers there. */
  private async startDriver(command: string, args: string[], port: number, environment: NodeJS.ProcessEnv): Promise<string> {
    const driver = this.start(command, args, environment);
    const url = `http://127.0.0.1:${port}`;
    while (!(await fetch(`${url}/status`).catch(() => undefined))?.ok) {
      if (driver.pid === undefined || driver.exitCode !== null) throw new Error(`${command} did not start.`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return url;
  }

  /** Starts a process that lives no longer than the browser; browsers print to the output of their driver. */
  private start(command: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
    const child = spawn(command, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    child.on("error", (error) => this.complaints.push(String(error)));
    for (const output of [child.stdout, child.stderr]) {
      createInterface({ input: output }).on("line", (line) => {
        if (COMPLAINT.test(line)) this.complaints.push(line);
        if (process.env.ENGINE_OUTPUT) console.error(line);
      });
    }
    this.processes.push(child);
    return child;
  }

  /** Firefox prints its own errors among those of pages, so that its output says nothing. */
  private async listen(): Promise<void> {
    const log = await LogInspector(this.driver);
    await log.onLog(({ level, text }) => ["error", "warn"].includes(level) && this.complaints.push(`${level}: ${text}`));
  }

  /** Makes the page this large. */
  private async resize({ width, height }: typeof SCREEN): Promise<void> {
    if (this.engine === "firefox") {
      // A window is wider than a phone.
      const bidi = await this.driver.getBidi();
      const context = await this.driver.getWindowHandle();
      await bidi.send({ method: "browsingContext.setViewport", params: { context, viewport: { width, height } } });
    } else {
      const window = this.driver.manage().window();
      await window.setRect({ width, height });
      const frame = height - (await this.driver.executeScript<number>("return innerHeight"));
      await window.setRect({ width, height: height + frame });
    }
  }
}

function ofFirefox({ scripts = true, phone = false }: BrowserOptions) {
  return {
    browserName: "firefox",
    webSocketUrl: true,
    unhandledPromptBehavior: "ignore",
    "moz:firefoxOptions": {
      binary: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
      args: ["-headless"],
      prefs: {
        "javascript.enabled": scripts,
        // The scale of many laptops: a pixel of a page is not one of the screen, and positions have fractions.
        "layout.css.devPixelsPerPx": "1.25",
        // 1 is a coarse pointer that cannot hover, 6 a fine one that can.
        "ui.primaryPointerCapabilities": phone ? 1 : 6,
        "ui.allPointerCapabilities": phone ? 1 : 6,
      },
    },
  };
}

function ofWebKit({ scripts = true }: BrowserOptions) {
  const args = ["--automation", "--enable-write-console-messages-to-stdout=true", `--enable-javascript=${scripts}`];
  return { browserName: "MiniBrowser", unhandledPromptBehavior: "ignore", "webkitgtk:browserOptions": { args } };
}

async function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout! }).once("line", resolve);
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${child.spawnfile} ended with ${code}.`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill();
  await exited;
}
