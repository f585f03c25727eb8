// The scripts must take shared names from `names.ts`, where the Rust tests compare them with `app/src/names.rs`.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

/** The path of `browser/`, defined by `test.mjs`. */
declare const BROWSER_FOLDER: string;

const sources = readdirSync(BROWSER_FOLDER, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && file !== "names.ts")
  .map((file) => ({ file, code: withoutComments(readFileSync(join(BROWSER_FOLDER, file), "utf8")) }));

function withoutComments(code: string): string {
  return code.replace(/\/\*.*?\*\//gs, "").replace(/(^|\s)\/\/.*$/gm, "");
}

test("attributes are named in names.ts alone", () => {
  for (const { file, code } of sources) {
    assert.deepEqual(code.match(/\bdata-[a-z-]+|\.dataset\b/g) ?? [], [], file);
  }
});

test("every name is used", () => {
  const names = readFileSync(join(BROWSER_FOLDER, "names.ts"), "utf8");
  let group = "";
  let count = 0;
  for (const line of names.split("\n")) {
    group = /^export const enum (\w+)/.exec(line)?.[1] ?? group;
    const name = /^ {2}(\w+) = "/.exec(line)?.[1];
    if (!name) continue;
    count += 1;
    const isUsed = new RegExp(`\\b${group}\\.${name}\\b`);
    assert.ok(
      sources.some(({ code }) => isUsed.test(code)),
      `${group}.${name}`,
    );
  }
  assert.ok(count > 40, `${count} names were found`);
});
