import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { foldName, typedName } from "./names.ts";

declare const BROWSER_FOLDER: string;

interface Cases {
  readonly begins: readonly string[];
  readonly does_not_begin: readonly string[];
  readonly same: readonly (readonly [string, string])[];
  readonly different: readonly (readonly [string, string])[];
}

const cases = JSON.parse(readFileSync(`${BROWSER_FOLDER}/chat/completions/names.json`, "utf8")) as Cases;

test("names begin where the server finds them", () => {
  for (const before of cases.begins) assert.equal(typedName(`${before}@Ada`), "Ada", before);
  for (const before of cases.does_not_begin) assert.equal(typedName(`${before}@Ada`), undefined, before);
});

test("names are the same that the server takes for the same", () => {
  for (const [name, typed] of cases.same) assert.equal(foldName(name), foldName(typed), `${name} ${typed}`);
  for (const [name, typed] of cases.different) assert.notEqual(foldName(name), foldName(typed), `${name} ${typed}`);
});
