// Where both scripts find the parts of the chat's page.

import { find } from "./dom.ts";

/** Whether the page is used with fingers: there is no hover, and focus in a field opens an on-screen keyboard. */
export const isTouch = () => matchMedia("(pointer: coarse)").matches;

/** Where messages are written. */
export const composerField = () => find<HTMLTextAreaElement>(".composer textarea");

/** The scrolling list of messages. */
export const timeline = () => find(".timeline");
