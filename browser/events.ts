// Events between boot.js and chat.js. The two share no state, since each is a bundle of its own.

/** Dispatched at a message's menu: its items are needed now. They are there when `dispatchEvent` returns. */
export const FILL_MENU = "campfire:fill-menu";
