// @ts-check
// One room over one WebSocket. What is sent arrives once, what arrives is in order, and a lost
// connection comes back. It knows nothing of the page but offline, online and visible.

/** @typedef {{ id: string, name: string }} Person */
/** @typedef {{ seq: number, id: string, user: Person, to?: Person, text: string, sent_at: string }} Message */
/** @typedef {{ messages: Message[], more: boolean }} Page */
/** @typedef {"waiting" | "sent" | "stored" | "failed"} ItemState */
/** @typedef {{ id: string, text: string, to: Person | null, state: ItemState, error: string }} Item */
/** @typedef {"idle" | "connecting" | "connected" | "reconnecting" | "offline" | "refused"} State */

const ANSWER_MS = 10_000; // for a welcome, and for any frame after a ping
const STABLE_MS = 5_000; // a connection that lasted this long ends a series of attempts
const GAP_MS = 300; // two processes may publish out of order
const RETRY_MS = 2_000;
const TYPING_MS = 3_000;
const MAX_EARLY = 500; // messages; later ones are asked for again
const TEMPORARY = ["rate_limited", "unavailable"];

class FrameError extends Error {
  /** @param {string} code @param {string} detail */
  constructor(code, detail) {
    super(detail);
    this.code = code;
  }
}

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers hide it on plain http, other than on localhost.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** The server's limit on frames, counted here so that it is not met. */
class Pacer {
  rate = 1;
  burst = 1;
  #tokens = 1;
  #filledAt = 0;

  /** @param {{ rate: number, burst: number }} limits */
  start({ rate, burst }) {
    Object.assign(this, { rate, burst });
    this.#tokens = burst;
    this.#filledAt = performance.now();
  }

  spend(tokens = 1) {
    this.#fill();
    this.#tokens -= tokens;
  }

  /** How long to wait until a frame may go that leaves `reserve` others. */
  waitMs(reserve = 0) {
    this.#fill();
    return Math.max(0, ((reserve + 1 - this.#tokens) / this.rate) * 1000);
  }

  #fill() {
    const now = performance.now();
    this.#tokens = Math.min(this.burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.rate);
    this.#filledAt = now;
  }
}

/** Messages in the order of their seq, each once. It asks for those that are missing. */
class MessageLog {
  isReady = false; // has its first page
  hasOlder = false;
  newest = 0;
  #oldest = 0;
  #known = 0; // the newest seq that was spoken of
  /** @type {Map<number, Message>} */
  #early = new Map();
  /** @type {number | undefined} */
  #timer;
  #isAsking = false;
  /** @type {Promise<Message[]> | null} */
  #loading = null;
  #fetch;
  #show;

  /**
   * @param {(query: { after?: number, before?: number }) => Promise<Page>} fetch
   * @param {(messages: Message[], isFirst: boolean) => void} show
   */
  constructor(fetch, show) {
    this.#fetch = fetch;
    this.#show = show;
  }

  /** Forget everything, and wait for a first page. @param {number} known */
  reset(known = 0) {
    this.pause();
    this.#early.clear();
    this.isReady = this.hasOlder = false;
    this.newest = 0;
    this.#known = known;
  }

  pause() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The page that follows a welcome. @param {Page} page */
  join(page) {
    if (this.isReady) return this.#extend(page);
    this.isReady = true;
    this.hasOlder = page.more;
    this.newest = page.messages.at(-1)?.seq ?? this.#known;
    this.#oldest = page.messages[0]?.seq ?? this.newest + 1;
    this.#show(page.messages, true);
    this.#flush();
  }

  /** @param {Message} message */
  receive(message) {
    if (this.#early.size < MAX_EARLY) this.#early.set(message.seq, message);
    this.expect(message.seq);
  }

  /** The server spoke of this seq. @param {number} seq */
  expect(seq) {
    this.#known = Math.max(this.#known, seq);
    if (this.isReady) this.#flush();
  }

  /** Load the page before the oldest message. */
  older() {
    if (!this.hasOlder) return Promise.resolve([]);
    const older = this.#fetch({ before: this.#oldest }).then((page) => {
      this.#oldest = page.messages[0]?.seq ?? 0;
      this.hasOlder = page.more;
      return page.messages;
    });
    this.#loading ??= older.finally(() => (this.#loading = null));
    return this.#loading;
  }
}
