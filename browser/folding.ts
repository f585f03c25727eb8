// Which texts are the same for filters: case, accents and width do not count, as in `src/folding.rs`, which has the whole
// of it. A filter may show a row more than the server would.

/** Combining accents of Latin, Greek, Cyrillic, Hebrew and Arabic, the tatweel, and invisible characters. */
const OVERLOOKED =
  /[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f\u00ad\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]/g;

/** Letters and punctuation that do not decompose into what they are read as. */
const PLAIN: Readonly<Record<string, string>> = {
  ł: "l",
  ø: "o",
  đ: "d",
  ð: "d",
  ħ: "h",
  ŧ: "t",
  æ: "ae",
  œ: "oe",
  þ: "th",
  ß: "ss",
  ς: "σ",
  ٱ: "ا",
  ة: "ه",
  ھ: "ه",
  ہ: "ه",
  ى: "ي",
  ی: "ي",
  ک: "ك",
  "‘": "'",
  "’": "'",
  ʼ: "'",
  "‐": "-",
  "–": "-",
  "—": "-",
};
/** Katakana that have a hiragana, which is 96 code points before. */
const KATAKANA = /[\u30a1-\u30f6\u30fd\u30fe]/g;
const NOT_PLAIN = new RegExp(`[${Object.keys(PLAIN).join("")}]`, "g");

/** The text as filters compare it. Capitals are taken first: only they make one of ı and i. */
export function fold(text: string): string {
  const plain = text.normalize("NFKD").replace(OVERLOOKED, "").toUpperCase().toLowerCase();
  const hiragana = plain.replace(KATAKANA, (letter) => String.fromCharCode(letter.charCodeAt(0) - 96));
  return hiragana.replace(NOT_PLAIN, (letter) => PLAIN[letter] ?? letter);
}
