// What a key means, whatever the keyboard's layout and input method. No state.

type Keys = Pick<KeyboardEvent, "key" | "code" | "shiftKey">;

/**
 * The character of a key, for comparison with that of a shortcut. A key with a letter that is not Latin (Cyrillic, Greek,
 * Hebrew, Arabic, …), or with two of them as the Arabic لا, gives the character that a US keyboard has at its place.
 */
export function latinKey({ key, code, shiftKey }: Keys): string {
  // The names of keys are in ASCII, too: Enter, Dead.
  if (key <= "~") return key;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return shiftKey ? letter : letter.toLowerCase();
  if (code === "Slash") return shiftKey ? "?" : "/";
  return key;
}

/**
 * Whether an input method is using the key. Safari reports Enter, which ends a composition, after `compositionend`: only
 * its legacy code 229 tells that it was for the input method.
 */
export function isComposing({ isComposing, keyCode }: Pick<KeyboardEvent, "isComposing" | "keyCode">): boolean {
  return isComposing || keyCode === 229;
}
