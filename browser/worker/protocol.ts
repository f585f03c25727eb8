// What pages (`browser/chat/worker.ts`) and the worker (`browser/worker/messages.ts`) say to each other.

/** A message as the server function that posts it takes it. */
export interface Unsent {
  room_id: number;
  client_message_id: string;
  body: string;
  /** The keys of its files, which have arrived. */
  files: string[];
  /** Whether it is a message although it begins like a command. */
  as_message: boolean;
  /** The message that it answers. */
  reply_to: number | null;
  /** The message in whose thread it is an answer, and whether the room shows it, too. */
  answering: { message_id: number; in_room: boolean } | null;
}

/** From a page. */
export type ToWorker =
  /** This room is in view: its page is to be kept as it is now. */
  | { kind: "keep"; path: string }
  /** A page of this build sees the worker wait, or that it has taken over. */
  | { kind: "waits"; build: string }
  /** The page of this person is hidden, with this left to send; or it is in view again, and sends by itself. */
  | { kind: "unsent"; person: string; messages: Unsent[] }
  /** The waiting worker is to take over: somebody has chosen the new version. */
  | { kind: "take-over" };

/** To a page. */
export type ToPage =
  /** The room could not be loaded, and a page of it is kept. */
  | { kind: "kept"; path: string }
  /** A notification was clicked: this page is to be opened. Answered by `app/src/push_device.rs`. */
  | { kind: "open"; path: string }
  /** A newer version than the page's is there. */
  | { kind: "newer" };
