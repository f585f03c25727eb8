// Where names begin and which are the same, as the server has it (src/richtext/mentions.rs, scripts.rs): both are held to
// the cases in names.json.

/** The scripts that are written without blanks around names: there, a name begins anywhere. */
export const UNSPACED =
  "\\u0e00-\\u109f\\u1100-\\u11ff\\u1780-\\u17ff\\u2e80-\\u2fdf\\u3005-\\u3007\\u3040-\\u31ff\\u3400-\\u4dbf" +
  "\\u4e00-\\u9fff\\ua960-\\ua97f\\uac00-\\ud7ff\\uf900-\\ufaff\\uff66-\\uffdc\\u{1aff0}-\\u{1b16f}\\u{20000}-\\u{3ffff}";

/** What is typed of a name, up to the end of the text: after an `@` that is not within a word, as in an e-mail address. */
const TYPED_NAME = new RegExp(`(?:^|[^\\p{L}\\p{N}\\p{M}]|[${UNSPACED}])\\p{M}*@([^@\\n]{0,40})$`, "u");

/** What was typed after the last `@`, if a name can begin there. A name may have several words. */
export function typedName(before: string): string | undefined {
  const typed = TYPED_NAME.exec(before)?.[1];
  return typed === undefined || /\s{2}|^\s/.test(typed) ? undefined : typed;
}

/** A name in the form in which names are compared: `folding::name` on the server. */
export function foldName(name: string): string {
  return (
    plain(name)
      .normalize("NFKD")
      .replace(/\p{DI}/gu, "")
      // There and back, for letters that have several small forms.
      .toLowerCase()
      .toUpperCase()
      .toLowerCase()
      .replace(/i\u0307|ı/g, "i")
      .replaceAll("ς", "σ")
      .normalize("NFC")
      .replace(/\s+/g, " ")
  );
}

/** Quotes, apostrophes and dashes in their ASCII form. */
function plain(name: string): string {
  return name
    .replace(/[´ʹʻʼ‘-‛′‹›׳ꞌ\uff07]/g, "'")
    .replace(/[«»“-‟″״〝-〟]/g, '"')
    .replace(/[‐-―−־]/g, "-");
}
