// What other apps share with the installed one. The system sends it as a form; the worker keeps files until a room is
// chosen, where `browser/chat/shared.ts` puts them into the composer's tray. Short texts alone go to the page by its URL.

import { cacheOfShared, deleteKinds, knownPerson, NOBODY } from "./caches.ts";

export const SHARE = "/share";

/** As many as a message has. */
const MAX_FILES = 10;

/** The most that is kept of one share: more than most messages carry, and little beside what browsers allow. */
const MAX_BYTES = 200_000_000;

/** The longest text in a URL, in bytes: some proxies take 8 KB, and each byte may become three. */
const MAX_URL_BYTES = 2_000;

export async function takeShared(request: Request): Promise<Response> {
  const query = new URLSearchParams();
  let text = "";
  try {
    const form = await request.formData();
    text = joined(["title", "text", "url"].map((name) => String(form.get(name) ?? "")));
    const chosen = form.getAll("files").filter((file) => file instanceof File && file.size > 0) as File[];
    const files = chosen.slice(0, MAX_FILES);
    if (files.length > 0 || new Blob([text]).size > MAX_URL_BYTES) {
      await keep(files, text);
      // One name a line; a text alone has its beginning for a name.
      const names = files.length > 0 ? files.map(({ name }) => name) : [`${text.slice(0, 60)}…`];
      query.set("files", names.map((name) => name.replace(/\s/g, " ")).join("\n"));
      text = "";
    }
  } catch {
    // Too much, or the storage is full, or refused. What there is of it would fill it for nothing.
    await deleteKinds("shared").catch(() => {});
    query.set("missed", "1");
  }
  if (text) query.set("text", text.slice(0, MAX_URL_BYTES));
  return Response.redirect(`${SHARE}?${query}`, 303);
}

async function keep(files: File[], text: string) {
  await deleteKinds("shared");
  if (files.reduce((bytes, { size }) => bytes + size, 0) > MAX_BYTES) throw new Error("too large");
  const cache = await caches.open(cacheOfShared((await knownPerson()) ?? NOBODY));
  if (text) await cache.put("/shared/text", new Response(text));
  for (const [number, file] of files.entries()) {
    const headers = { "content-type": file.type, "x-name": encodeURIComponent(file.name) };
    await cache.put(`/shared/${number}`, new Response(file, { headers }));
  }
}

/** The parts as one text. Some apps put the link into the text as well. */
export function joined(parts: string[]): string {
  const lines: string[] = [];
  for (const part of parts.map((part) => part.trim())) {
    if (part && !lines.some((line) => line.includes(part))) lines.push(part);
  }
  return lines.join("\n");
}
