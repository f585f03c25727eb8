import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeBrowser, pathsIn } from "./fakes.ts";
import { joined, takeShared } from "./share.ts";

/** The query that a share leads to. */
async function shared(texts: Record<string, string>, files: File[] = []) {
  const body = new FormData();
  for (const [name, text] of Object.entries(texts)) body.set(name, text);
  for (const file of files) body.append("files", file);
  const answer = await takeShared(new Request("https://campfire.example/share", { method: "POST", body }));
  assert.equal(answer.status, 303);
  return Object.fromEntries(new URL(answer.headers.get("location") ?? "").searchParams);
}

test("what is shared becomes one text, and a link that is in the text already is not repeated", () => {
  const link = "https://a.example";
  assert.equal(joined(["Title", `see ${link}`, link]), `Title\nsee ${link}`);
  assert.equal(joined([" ", "", link]), link);
  assert.equal(joined([]), "");
});

test("files are kept with their text until a room is chosen, in place of those from before", async () => {
  fakeBrowser();
  await shared({}, [new File(["old"], "old.txt"), new File(["old"], "older.txt")]);
  const query = await shared({ text: "see" }, [new File(["new"], "a\nb.txt")]);
  assert.deepEqual(query, { files: "a b.txt" });
  assert.deepEqual(await caches.keys(), ["shared/nobody"]);
  assert.deepEqual(await pathsIn("shared/nobody"), ["/shared/text", "/shared/0"]);
});

test("a short text goes by the URL, a long one is kept", async () => {
  fakeBrowser();
  assert.deepEqual(await shared({ title: "A", text: "b" }), { text: "A\nb" });
  const text = "long ".repeat(1_000);
  assert.deepEqual(await shared({ text }), { files: `${text.slice(0, 60)}…` });
  assert.equal(await (await caches.match("/shared/text"))?.text(), text.trim());
});

test("what does not fit leaves nothing behind, and the text goes on", async () => {
  fakeBrowser().maxBytes = 1_000;
  const query = await shared({ text: "see" }, [new File(["x".repeat(600)], "one"), new File(["x".repeat(600)], "two")]);
  assert.deepEqual(query, { missed: "1", text: "see" });
  assert.deepEqual(await caches.keys(), []);
});

test("what is larger than a share may be is not kept", async () => {
  fakeBrowser();
  const query = await shared({ text: "see" }, [new File([new Uint8Array(200_000_001)], "film.mp4")]);
  assert.deepEqual(query, { missed: "1", text: "see" });
  assert.deepEqual(await caches.keys(), []);
});
