// The colour behind the initials of a person, as the server chooses it.

/** How many colours there are: `AVATAR_COLORS` of `src/model/avatars.rs`. */
const TINTS = 18;

/** The remainder of the CRC-32 of the id's digits: `avatar_tint`. */
export function avatarTint(id: number): number {
  let sum = -1;
  for (const digit of String(id)) {
    sum ^= digit.charCodeAt(0);
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
  }
  return (~sum >>> 0) % TINTS;
}
