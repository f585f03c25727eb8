// What other apps share with the installed one. The system sends it as a form; the worker keeps files until a room is
// chosen, where `browser/chat/shared.ts` puts them into the composer's tray. Texts alone go to the page by its URL.

import { cacheOfShared, knownPerson } from "./caches.ts";

export const SHARE = "/share";

/** As many as a message has. */
const MAX_FILES = 10;

export async function takeShared(request: Request): Promise<Response> {
  const query = new URLSearchParams();
  try {
    const form = await request.formData();
    const texts = ["title", "text", "url"].map((name) => [name, String(form.get(name) ?? "")] as const);
    const chosen = form.getAll("files").filter((file) => file instanceof File && file.size > 0) as File[];
    const files = chosen.slice(0, MAX_FILES);
    if (files.length > 0) {
      await keep(files, joined(texts.map(([, text]) => text)));
      // One name a line.
      query.set("files", files.map(({ name }) => name.replace(/\s/g, " ")).join("\n"));
    } else {
      for (const [name, text] of texts) if (text) query.set(name, text);
    }
  } catch {
    // The storage is full, or refused.
    query.set("missed", "1");
  }
  return Response.redirect(`${SHARE}?${query}`, 303);
}

async function keep(files: File[], text: string) {
  const name = cacheOfShared((await knownPerson()) ?? "nobody");
  await caches.delete(name);
  const cache = await caches.open(name);
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
