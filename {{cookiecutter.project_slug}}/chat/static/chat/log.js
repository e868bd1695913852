// @ts-check
// The messages of a room, or the direct ones, in the order of their numbers.

import { sleep } from "../realtime/requests.js";

/**
 * @typedef {object} Person
 * @property {string} id such as "user-3" or "guest-0123456789abcdef"
 * @property {string} name
 */

/**
 * @typedef {object} Message
 * @property {number} seq counts up by one in each log
 * @property {string} id a UUID that the sender's client has made
 * @property {Person} user the author
 * @property {Person} [to] the recipient of a direct message
 * @property {string} text
 * @property {string} sent_at in ISO 8601
 */

/**
 * @typedef {object} Page
 * @property {Message[]} messages
 * @property {boolean} more whether the log goes on beyond it
 */

const GAP_MS = 300; // two processes may send out of order
const MAX_EARLY = 500; // messages kept until those before them arrive; others are asked for again

/** Shows each message once, in the order of `seq`, and asks for those that are missing. */
export class MessageLog {
  isReady = false; // has its first page
  isReplaced = false; // the server started over, and another log has taken its place
  hasOlder = false;
  newest = 0;
  #oldest = 0;
  #known = 0; // the newest seq that the server named
  #early = /** @type {Map<number, Message>} */ (new Map());
  #isCatchingUp = false;
  #fetch;
  #show;

  /**
   * @param {(query: { before: number } | { after: number }) => Promise<Page>} fetch
   * @param {(messages: Message[], isFirstPage: boolean) => void} show is given the next messages
   */
  constructor(fetch, show) {
    this.#fetch = fetch;
    this.#show = show;
  }

  /**
   * Take the page that follows a welcome.
   *
   * @param {Page} page
   */
  join({ messages, more }) {
    if (this.isReady) {
      this.#apply(messages);
      return;
    }
    this.isReady = true;
    this.hasOlder = more;
    this.#oldest = messages[0]?.seq ?? this.#known + 1;
    this.newest = this.#oldest - 1;
    this.#apply(messages, true);
  }

  /**
   * Note that the server has messages up to a number.
   *
   * @param {number} seq
   * @param {Message | null} message the one with this number, if it is at hand
   */
  expect(seq, message = null) {
    if (message && this.#early.size < MAX_EARLY) this.#early.set(seq, message);
    this.#known = Math.max(this.#known, seq);
    if (this.isReady) this.#apply([]);
  }

  /** Load the page before the oldest message. @returns {Promise<Message[]>} */
  async older() {
    const { messages, more } = await this.#fetch({ before: this.#oldest });
    this.#oldest = messages[0]?.seq ?? 0;
    this.hasOlder = more;
    return messages;
  }

  /**
   * @param {Message[]} messages
   * @param {boolean} isFirstPage
   */
  #apply(messages, isFirstPage = false) {
    if (this.isReplaced) return;
    const next = messages.filter(({ seq }) => seq > this.newest);
    const last = next.at(-1)?.seq ?? this.newest;
    next.push(...this.#followers(last));
    this.newest = next.at(-1)?.seq ?? this.newest;
    for (const seq of this.#early.keys()) {
      if (seq <= this.newest) this.#early.delete(seq);
    }
    if (next.length > 0) this.#show(next, isFirstPage);
    if (this.newest < this.#known) this.#catchUp();
  }

  /**
   * Yield the early messages that follow a number without a gap.
   *
   * @param {number} seq
   */
  *#followers(seq) {
    let next = this.#early.get(seq + 1);
    while (next !== undefined) {
      yield next;
      next = this.#early.get(next.seq + 1);
    }
  }

  async #catchUp() {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    await sleep(GAP_MS);
    while (!this.isReplaced && this.newest < this.#known) {
      const firstEarly = Math.min(...this.#early.keys(), this.#known + 1);
      const page = await this.#fetch({ after: this.newest }).catch(() => null);
      if (page === null) break; // the next message, pong or welcome leads back here
      // Where there are none, what lay before the early ones is deleted.
      if (page.messages.length === 0) this.newest = Math.max(this.newest, firstEarly - 1);
      this.#apply(page.messages);
    }
    this.#isCatchingUp = false;
  }
}
