// Lost connections and crashes of the server: no message is lost or duplicated.

import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Campfire } from "./campfire.ts";
import { expect, test } from "./people.ts";

test("messages written offline are sent in order once the connection is back", async ({ twoPeople: { ada, bob } }) => {
  ada.forgiveLostConnections();
  await ada.write("before");
  await expect(bob.message("before")).toBeVisible();
  await ada.page.context().setOffline(true);
  await expect(ada.page.getByText("Reconnecting…")).toBeVisible();
  for (const text of ["first", "second", "third"]) await ada.write(text);
  await expect(ada.message("first").getByText("Waiting for the connection…")).toBeVisible();
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(3);
  await ada.page.context().setOffline(false);
  await expect(bob.message("third")).toBeVisible();
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(0);
  await expect(ada.page.getByText("Reconnecting…")).toHaveCount(0);
  expect(await bob.texts()).toEqual(["before", "first", "second", "third"]);
  expect(await ada.texts()).toEqual(["before", "first", "second", "third"]);
});

test("no message is lost or duplicated when the server is killed repeatedly", async ({ campfire, twoPeople: { ada, bob } }) => {
  for (const person of [ada, bob]) person.forgiveLostConnections();
  const expected: string[] = [];
  for (let round = 1; round <= 3; round++) {
    for (const person of [ada, bob]) {
      expected.push(`${person.name} ${round}`);
      await person.write(`${person.name} ${round}`);
    }
    await campfire.kill();
    for (const person of [ada, bob]) {
      expected.push(`${person.name} ${round} while it is down`);
      await person.write(`${person.name} ${round} while it is down`);
      await expect(person.message(`${person.name} ${round} while it is down`)).toBeVisible();
    }
    await campfire.run();
    for (const person of [ada, bob]) {
      await expect(person.page.locator(".message--outgoing")).toHaveCount(0, { timeout: 30_000 });
      await expect(person.page.locator(".message")).toHaveCount(expected.length, { timeout: 30_000 });
    }
  }
  const seen = await ada.texts();
  expect(await bob.texts()).toEqual(seen);
  expect([...seen].sort()).toEqual([...expected].sort());
  const ofAda = seen.filter((text) => text.startsWith("Ada"));
  expect(ofAda).toEqual(expected.filter((text) => text.startsWith("Ada")));
  await ada.page.reload();
  expect(await ada.texts()).toEqual(seen);
});

test("unsent messages survive closing the page", async ({ campfire, twoPeople: { ada, bob } }) => {
  ada.forgiveLostConnections();
  bob.forgiveLostConnections();
  await campfire.kill();
  await ada.write("written while the server was down");
  await expect(ada.message("written while").getByText("Waiting for the connection…")).toBeVisible();
  await ada.page.goto("about:blank");
  await campfire.run();
  await ada.goto("/");
  await expect(bob.message("written while the server was down")).toBeVisible({ timeout: 30_000 });
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(0);
  expect(await ada.texts()).toEqual(["written while the server was down"]);
});

test("edits and deletions made during a disconnection arrive without a reload", async ({ twoPeople: { ada, bob } }) => {
  bob.forgiveLostConnections();
  for (const text of ["kept", "to be edited", "to be deleted"]) await ada.write(text);
  await expect(bob.message("to be deleted")).toBeVisible();
  await bob.page.evaluate(() => Object.assign(window, { sameDocument: true }));
  await bob.page.context().setOffline(true);
  await expect(bob.page.getByText("Reconnecting…")).toBeVisible();

  await ada.choose(ada.message("to be edited"), "Edit");
  await expect(ada.composer).toHaveValue("to be edited");
  await ada.composer.fill("edited meanwhile");
  await ada.page.keyboard.press("Enter");
  await expect(ada.message("edited meanwhile")).toBeVisible();
  await ada.choose(ada.message("to be deleted"), "Delete");
  // Hidden immediately, deleted when the time to undo is over.
  await expect(ada.page.locator(".message", { hasText: "to be deleted" })).toHaveCount(0);
  await ada.write("new meanwhile");
  await expect(ada.page.locator(".message--outgoing")).toHaveCount(0);

  await bob.page.context().setOffline(false);
  await expect(bob.message("new meanwhile")).toBeVisible();
  expect(await bob.texts()).toEqual(["kept", "edited meanwhile", "new meanwhile"]);
  expect(await bob.page.evaluate(() => "sameDocument" in window)).toBe(true);
});

test("after more changes than are sent one by one the page loads its data again", async ({ twoPeople: { ada, bob } }) => {
  bob.forgiveLostConnections();
  await bob.page.evaluate(() => Object.assign(window, { sameDocument: true }));
  await bob.page.context().setOffline(true);
  await expect(bob.page.getByText("Reconnecting…")).toBeVisible();
  const path = new URL(ada.page.url()).pathname;
  for (let number = 1; number <= 210; number++) {
    await ada.page.request.post(`${ada.campfire.url}${path}/messages`, { form: { body: `message number ${number}` }, maxRedirects: 0 });
  }
  await bob.page.context().setOffline(false);
  await expect(bob.message("message number 210")).toBeVisible();
  await expect(bob.page.locator(".message")).toHaveCount(40);
  expect(await bob.page.evaluate(() => "sameDocument" in window)).toBe(true);
  await ada.write("and live again");
  await expect(bob.message("and live again")).toBeVisible();
});

test("a message that cannot be stored shows that, and can be discarded or retried", async ({ twoPeople: { ada, bob } }) => {
  await ada.makeClosedRoom("Makers", ["Bob"]);
  await bob.roomLink("Makers").click();
  await expect(bob.page.getByRole("heading", { name: "Makers" })).toBeVisible();
  // The server answers as if the id had been used before.
  await bob.page.route("**/api/messages/post", (route) =>
    route.fulfill({ status: 409, headers: { serverfnerror: "error" }, contentType: "application/json", body: '{"conflict":"Used before."}' }),
  );
  await bob.write("too late");
  await expect(bob.message("too late").getByText("Not sent.")).toBeVisible();
  await bob.message("too late").getByRole("button", { name: "Discard" }).click();
  await expect(bob.message("too late")).toHaveCount(0);
  await bob.write("again");
  await expect(bob.message("again").getByText("Not sent.")).toBeVisible();
  await bob.page.unroute("**/api/messages/post");
  await bob.message("again").getByRole("button", { name: "Try again" }).click();
  await expect(ada.message("again")).toBeVisible();
  await expect(bob.page.getByText("Not sent.")).toHaveCount(0);
  bob.complaints.splice(0, bob.complaints.length, ...bob.complaints.filter((text) => !text.includes("status of 409")));
});

test("the server shuts down within ten seconds, and sockets reconnect after the restart", async ({ campfire, twoPeople: { ada, bob } }) => {
  for (const person of [ada, bob]) person.forgiveLostConnections();
  expect(await campfire.stop()).toBeLessThan(10_000);
  await expect(ada.page.getByText("Reconnecting…")).toBeVisible();
  await campfire.run();
  await ada.write("back again");
  await expect(bob.message("back again")).toBeVisible({ timeout: 30_000 });
});

/** A TCP proxy that can stop forwarding without closing connections, as mobile networks do. */
class SilentNetwork {
  private silent = false;
  private readonly sockets = new Set<Socket>();
  private readonly server = createServer((near) => {
    const far = connect(this.campfire.port, "127.0.0.1");
    for (const [from, to] of [[near, far], [far, near]] as const) {
      this.sockets.add(from);
      from.on("data", (data) => this.silent || to.write(data));
      from.on("end", () => this.silent || to.end());
      from.on("error", () => to.destroy());
    }
  });

  private constructor(private readonly campfire: Campfire) {}

  static async before(campfire: Campfire): Promise<{ network: SilentNetwork; url: string }> {
    const network = new SilentNetwork(campfire);
    await new Promise<void>((resolve) => network.server.listen(0, "127.0.0.1", resolve));
    const { port } = network.server.address() as AddressInfo;
    return { network, url: `http://localhost:${port}` };
  }

  fallSilent() {
    this.silent = true;
  }

  /** New connections are forwarded again; old ones stay silent. */
  recover() {
    for (const socket of this.sockets) socket.removeAllListeners("data");
    this.silent = false;
  }

  close() {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

test("a silent connection is detected within ten seconds and replaced", async ({ campfire, person }) => {
  const ada = await person("Ada");
  await ada.setUp();
  await ada.live();
  const { network, url } = await SilentNetwork.before(campfire);
  const bob = await person("Bob");
  bob.forgiveLostConnections();
  await bob.join((await ada.invitation()).replace(campfire.url, url));
  await bob.live();
  await ada.write("before");
  await expect(bob.message("before")).toBeVisible();

  network.fallSilent();
  const fellSilent = Date.now();
  await ada.write("during the silence");
  await expect(bob.page.getByText("Reconnecting…")).toBeVisible({ timeout: 15_000 });
  // Ten seconds, one second between two checks, and a margin for a busy machine.
  expect(Date.now() - fellSilent).toBeLessThan(15_000);
  network.recover();
  await expect(bob.message("during the silence")).toBeVisible({ timeout: 30_000 });
  await expect(bob.page.getByText("Reconnecting…")).toHaveCount(0);
  await bob.write("heard you");
  await expect(ada.message("heard you")).toBeVisible();
  network.close();
});
