// @ts-check
// Messages that the user has sent and the log does not show yet.

import { newId } from "../realtime/requests.js";

/** @import { RequestError } from "../realtime/requests.js" */
/** @import { Person } from "./log.js" */

/**
 * @typedef {object} Item
 * @property {string} id that of the message
 * @property {string} text
 * @property {Person | null} to one person, or null for the room
 * @property {"pending" | "stored" | "failed"} state
 * @property {RequestError | null} error when it failed
 */

export class Outbox {
  #items = /** @type {Map<string, Item>} */ (new Map());
  #refusal = /** @type {RequestError | null} */ (null);
  #deliver;
  #show;

  /**
   * @param {(item: Item) => Promise<void>} deliver sends an item, and throws a RequestError
   * @param {(item: Item) => void} show is called at each change of an item
   */
  constructor(deliver, show) {
    this.#deliver = deliver;
    this.#show = show;
  }

  get isEmpty() {
    return this.#items.size === 0;
  }

  /**
   * @param {string} text
   * @param {Person | null} to one person, or null for the room
   */
  add(text, to) {
    const wellFormed = text.replace(/\p{Cs}/gu, "\ufffd"); // halves of pairs are no text
    /** @type {Item} */
    const item = { id: newId(), text: wellFormed, to, state: "pending", error: null };
    this.#items.set(item.id, item);
    this.#submit(item);
  }

  /**
   * Send an item that failed once more.
   *
   * @param {string} id
   */
  retry(id) {
    const item = this.#items.get(id);
    if (item) this.#submit(item);
  }

  /**
   * Forget an item, since its message has arrived or the user gave it up.
   *
   * @param {string} id
   */
  remove(id) {
    this.#items.delete(id);
  }

  /** Send what is pending, on a new connection. The server stores an id once. */
  resend() {
    for (const item of this.#pending()) this.#submit(item);
  }

  /**
   * Give up what is pending and what is still to come: there will be no other connection.
   *
   * @param {RequestError} error
   */
  close(error) {
    this.#refusal = error;
    for (const item of this.#pending()) this.#change(item, "failed", error);
  }

  #pending() {
    return [...this.#items.values()].filter(({ state }) => state === "pending");
  }

  /** @param {Item} item */
  async #submit(item) {
    if (this.#refusal) {
      this.#change(item, "failed", this.#refusal);
      return;
    }
    this.#change(item, "pending");
    try {
      await this.#deliver(item);
      if (this.#items.delete(item.id)) this.#change(item, "stored"); // else the log shows it by now
    } catch (caught) {
      const error = /** @type {RequestError} */ (caught);
      if (error.code !== "lost" && this.#items.has(item.id)) this.#change(item, "failed", error);
    }
  }

  /**
   * @param {Item} item
   * @param {Item["state"]} state
   * @param {RequestError | null} error
   */
  #change(item, state, error = null) {
    item.state = state;
    item.error = error;
    this.#show(item);
  }
}
