// What can be sent of the outbox without its page.

import type { Unsent } from "../worker/protocol.ts";

/** A message of the outbox, as the WASM keeps it (`app/src/outbox.rs`). */
export interface Waiting extends Omit<Unsent, "files" | "as_message" | "reply_to" | "answering"> {
  as_message?: boolean;
  reply?: { message_id: number } | null;
  answering?: Unsent["answering"];
  files?: { key: string | null }[];
  failed?: string | null;
  gone?: string | null;
}

/**
 * The messages that can be sent, in the order of writing. One whose files have not arrived holds back the later ones of
 * its room, so that they stay in order, as in the WASM.
 */
export function sendable(waiting: Waiting[]): Unsent[] {
  const heldRooms: number[] = [];
  return waiting
    .filter(({ failed, gone }) => !failed && !gone)
    .sort((one, other) => (one.client_message_id < other.client_message_id ? -1 : 1))
    .flatMap(({ room_id, client_message_id, body, as_message = false, files = [], reply, answering = null }) => {
      const keys = files.flatMap(({ key }) => key || []);
      if (keys.length < files.length) heldRooms.push(room_id);
      const reply_to = reply?.message_id ?? null;
      if (heldRooms.includes(room_id)) return [];
      return { room_id, client_message_id, body, as_message, reply_to, answering, files: keys };
    });
}
