import assert from "node:assert/strict";
import { test } from "node:test";

import { avatarTint } from "./tint.ts";

test("the colour is the one that the server chooses", () => {
  // The cases of src/model/avatars.rs.
  const tints = { 1: 11, 2: 13, 3: 7, 7: 6, 10: 15, 42: 8, 1234567890: 5 };
  for (const [id, tint] of Object.entries(tints)) assert.equal(avatarTint(Number(id)), tint, id);
});
