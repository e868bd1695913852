// @ts-check
// Questions and answers over one connection. A question is a frame with a `ref`, which its answer repeats.

const GIVE_UP_MS = 60_000; // for the answer itself, while other frames arrive
const RETRY_MS = 2_000; // up to twice as long
const TEMPORARY = ["rate_limited", "unavailable"];

/** @typedef { { type: string, ref?: string, [field: string]: any } } Frame */

/** Why a question has no answer. */
export class RequestError extends Error {
  /**
   * @param {string} code that of the frame `system.error`; or "lost", when the connection ended
   *   before the answer; or "silent", when the server does not answer
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.name = "RequestError";
    this.code = code;
  }
}

export const lostConnection = () => new RequestError("lost", "there is no connection");

export class Requests {
  /** @type {Map<string, { resolve: (answer: Frame) => void, reject: (error: Error) => void }>} */
  #pending = new Map();
  /** @type {(() => void)[]} */
  #queue = [];
  #send;
  #limit;
  #isClosed = false;

  /**
   * @param {(frame: Frame) => void} send
   * @param {number} limit how many questions may wait for their answers. The server reads no faster
   *   than it allows, and pings wait behind what it has not read.
   */
  constructor(send, limit) {
    this.#send = send;
    this.#limit = limit;
  }

  /**
   * Send a frame, again after a temporary error, until it is answered.
   *
   * @param {Frame} frame
   * @param {string} ref
   * @returns {Promise<Frame>} the answer
   * @throws {RequestError}
   */
  async ask(frame, ref = newId()) {
    for (;;) {
      const answer = await this.#askOnce(frame, ref);
      if (answer.type !== "system.error") return answer;
      if (!TEMPORARY.includes(answer.code)) throw new RequestError(answer.code, answer.detail);
      await sleep(RETRY_MS * (1 + Math.random()));
    }
  }

  /**
   * @param {Frame} frame from the server
   * @returns {boolean} whether it answers a question
   */
  answer(frame) {
    const question = this.#pending.get(frame.ref ?? "");
    question?.resolve(frame);
    return question !== undefined;
  }

  /** End all questions, and those to come, with an error: the connection is lost. */
  close() {
    this.#isClosed = true;
    for (const { reject } of this.#pending.values()) reject(lostConnection());
    for (const resume of this.#queue) resume();
  }

  /**
   * @param {Frame} frame
   * @param {string} ref
   * @returns {Promise<Frame>}
   */
  async #askOnce(frame, ref) {
    if (this.#pending.size >= this.#limit && !this.#isClosed) {
      await new Promise((resolve) => this.#queue.push(() => resolve(null)));
    }
    if (this.#isClosed) throw lostConnection();
    let timer;
    try {
      return await new Promise((resolve, reject) => {
        this.#pending.set(ref, { resolve, reject });
        const silent = new RequestError("silent", "the server does not answer");
        timer = setTimeout(reject, GIVE_UP_MS, silent);
        this.#send({ ...frame, ref });
      });
    } finally {
      clearTimeout(timer);
      this.#pending.delete(ref);
      this.#queue.shift()?.();
    }
  }
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** @returns {string} a random UUID */
export function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers hide it on plain http, other than on localhost.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})(.{12})/, "$1-$2-4$3-8$4-$5");
}
