import assert from "node:assert/strict";
import { test } from "node:test";
import { joined } from "./share.ts";

test("what is shared becomes one text, and a link that is in the text already is not repeated", () => {
  const link = "https://a.example";
  assert.equal(joined(["Title", `see ${link}`, link]), `Title\nsee ${link}`);
  assert.equal(joined([" ", "", link]), link);
  assert.equal(joined([]), "");
});
