// The square part of a picture that is shown. No state, no DOM.

/** A square within a picture, in its pixels. */
export interface Part {
  /** The picture's width. */
  width: number;
  /** The picture's height. */
  height: number;
  left: number;
  top: number;
  side: number;
}

/** The largest zoom: what is shown is a quarter of the shorter side. */
export const MAX_ZOOM = 4;

/** As much of a picture as fits into a square, from its middle. */
export function whole(width: number, height: number): Part {
  const side = Math.min(width, height);
  return { width, height, left: (width - side) / 2, top: (height - side) / 2, side };
}

/** The part, moved by this many pixels, as far as there is picture. */
export function moved(part: Part, x: number, y: number): Part {
  const within = (begin: number, length: number) => Math.max(0, Math.min(begin, length - part.side));
  return { ...part, left: within(part.left + x, part.width), top: within(part.top + y, part.height) };
}

/** The part around the same middle, at another zoom: 1 shows all of the shorter side. */
export function zoomed(part: Part, zoom: number): Part {
  const side = Math.min(part.width, part.height) / Math.max(1, Math.min(zoom, MAX_ZOOM));
  const grown = { ...part, side, left: part.left + (part.side - side) / 2, top: part.top + (part.side - side) / 2 };
  return moved(grown, 0, 0);
}

/** The part as the server takes it: left, top, width and height, as fractions of the picture's sides. Rounded down, so
 * that it never ends beyond the picture. */
export function fractions({ width, height, left, top, side }: Part): string {
  const fraction = (value: number, of: number) => (Math.floor((value / of) * 1e6) / 1e6).toString();
  return [fraction(left, width), fraction(top, height), fraction(side, width), fraction(side, height)].join();
}
