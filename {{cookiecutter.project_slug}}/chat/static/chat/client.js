// @ts-check
// One room over one WebSocket. Each message sent is stored once, each that arrives is shown in order.

import { FrameClient } from "../realtime/client.js";
import { Emitter } from "../realtime/emitter.js";
import { RequestError } from "../realtime/requests.js";
import { MessageLog } from "./log.js";
import { Outbox } from "./outbox.js";

/** @import { Frame } from "../realtime/requests.js" */
/** @import { StateChange } from "../realtime/socket.js" */
/** @import { Message, Page, Person } from "./log.js" */
/** @import { Item } from "./outbox.js" */

const TYPING_MS = 3_000;

/**
 * @typedef {object} Arrival
 * @property {Message[]} messages the next ones, in order
 * @property {boolean} isDirect whether they are direct messages, not the room's
 * @property {boolean} isFirstPage whether they are what the server had before this page asked
 */

/**
 * The events of a ChatClient, with their details.
 *
 * @typedef {object} ChatEvents
 * @property {StateChange} state
 * @property {null} reset all messages are void, the newest follow
 * @property {Arrival} messages
 * @property {Item} item of the outbox, which has changed
 * @property {Person[]} presence all who are here
 * @property {Person} typing one who types
 */

/** @extends Emitter<ChatEvents> */
export class ChatClient extends Emitter {
  /** @type {Person | null} */
  you = null;
  limits = { text_length: Infinity };
  room = this.#newLog(false);
  direct = this.#newLog(true);
  outbox = new Outbox(
    (item) => this.#deliver(item),
    (item) => this.emit("item", item),
  );
  #address;
  #frames = new FrameClient(() => this.#addressToResume());
  #epoch = "";
  #members = /** @type {Map<string, Person>} */ (new Map());
  #typedAt = -Infinity;

  /** @param {string} path of the room's WebSocket */
  constructor(path) {
    super();
    this.#address = new URL(path, location.href.replace(/^http/, "ws"));
    const frames = this.#frames;
    frames.on("chat.welcome", (frame) => this.#enter(frame));
    frames.on("chat.history", (frame) => (frame.direct ? this.direct : this.room).join(frame));
    frames.on("chat.message", (frame) => this.room.expect(frame.seq, frame));
    frames.on("chat.direct", (frame) => this.direct.expect(frame.seq, frame));
    frames.on("chat.typing", ({ user }) => user.id !== this.you?.id && this.emit("typing", user));
    frames.on("presence.diff", ({ joins, leaves }) => this.#updateMembers(joins, leaves));
    frames.on("system.pong", (frame) => this.#expect(frame));
    frames.on("state", (change) => {
      const { state, reason } = change;
      if (state === "refused") this.outbox.close(new RequestError("refused", reason));
      this.emit("state", change);
    });
  }

  /** Open the socket. Call it once; later connections are made by themselves. */
  connect() {
    this.#frames.connect();
  }

  /**
   * Send a message.
   *
   * @param {string} text
   * @param {Person | null} to one person, or null for the room
   */
  say(text, to = null) {
    this.outbox.add(text, to);
  }

  /** Tell the room that the user types. Call it at each key. */
  typing() {
    const now = performance.now();
    if (this.#frames.state !== "connected" || now - this.#typedAt < TYPING_MS) return;
    this.#typedAt = now;
    this.#frames.send({ type: "chat.typing" });
  }

  #addressToResume() {
    const seqs = `after=${this.room.newest}&direct_after=${this.direct.newest}`;
    this.#address.search = this.room.isReady ? `epoch=${this.#epoch}&${seqs}` : "";
    return this.#address;
  }

  /** @param {Frame} welcome */
  #enter(welcome) {
    // Another login, in another tab: what was said and is unsent here is not that person's.
    if (this.you && this.you.id !== welcome.you.id) {
      this.#frames.refuse(4001, "another login");
      return;
    }
    this.you = welcome.you;
    this.limits = welcome.limits;
    this.#epoch = welcome.epoch;
    if (!welcome.recovered) this.#startOver();
    this.#expect(welcome);
    this.#updateMembers(welcome.members, [...this.#members.values()]);
    this.outbox.resend();
  }

  #startOver() {
    this.emit("reset", null);
    this.room.isReplaced = true;
    this.direct.isReplaced = true;
    this.room = this.#newLog(false);
    this.direct = this.#newLog(true);
  }

  /** @param {Frame} frame names the newest message of both logs */
  #expect({ seq, direct_seq }) {
    this.room.expect(seq);
    this.direct.expect(direct_seq);
  }

  /**
   * @param {Person[]} joins
   * @param {Person[]} leaves
   */
  #updateMembers(joins, leaves) {
    for (const { id, name } of leaves) {
      if (this.#members.get(id)?.name === name) this.#members.delete(id); // else renamed meanwhile
    }
    for (const person of joins) {
      this.#members.set(person.id, person);
      if (person.id === this.you?.id) this.you = person; // under a new name
    }
    this.emit("presence", [...this.#members.values()]);
  }

  /**
   * @param {boolean} isDirect
   * @returns {MessageLog}
   */
  #newLog(isDirect) {
    return new MessageLog(
      async (query) => {
        const answer = await this.#frames.ask({ type: "chat.sync", direct: isDirect, ...query });
        return /** @type {Frame & Page} */ (answer);
      },
      (messages, isFirstPage) => {
        for (const { id, user } of messages) {
          if (user.id === this.you?.id) this.outbox.remove(id);
        }
        this.emit("messages", { messages, isDirect, isFirstPage });
      },
    );
  }

  /** @param {Item} item */
  async #deliver({ id, text, to }) {
    const frame = to ? { type: "chat.direct", to: to.id } : { type: "chat.send" };
    const { seq } = await this.#frames.ask({ ...frame, id, text }, id);
    (to ? this.direct : this.room).expect(seq);
  }
}
