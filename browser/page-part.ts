// A part of another page of this site: lists and the picker are fetched as whole pages, which also work without
// scripts, and only the part that is needed is taken.

/** The element of this id in the page at the URL. Rejects if the page cannot be loaded. */
export async function fetchPart(url: string | URL, id: string): Promise<HTMLElement | null> {
  const response = await fetch(url, { headers: { "x-requested-with": "fetch" } });
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return parseHtml(await response.text()).getElementById(id);
}

/** A document of its own; scripts in it do not run. */
export function parseHtml(html: string): Document {
  return new DOMParser().parseFromString(html, "text/html");
}
