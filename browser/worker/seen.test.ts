import assert from "node:assert/strict";
import { test } from "node:test";
import { isToBeKept } from "./seen.ts";

const answer = (headers: Record<string, string>, status = 200) => new Response("x", { status, headers });

test("a picture is kept if it is new, not too large, and may be kept", () => {
  const kept = answer({ etag: '"1"' });
  assert.ok(isToBeKept(answer({ etag: '"1"' }), undefined));
  assert.ok(isToBeKept(answer({ etag: '"2"' }), kept));
  assert.ok(isToBeKept(answer({}), answer({})), "without a tag nothing says that it is the same");
  assert.ok(!isToBeKept(answer({ etag: '"1"' }), kept));
  assert.ok(!isToBeKept(answer({ "content-length": "5000001" }), undefined));
  assert.ok(!isToBeKept(answer({ "cache-control": "private, no-store" }), undefined));
  assert.ok(!isToBeKept(answer({}, 404), undefined));
});
