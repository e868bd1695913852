// @ts-check
// One room over one WebSocket. What is sent arrives once, what arrives is in order, and a lost
// connection comes back. Of the browser it knows three events: offline, online and visible.

/** @typedef {{ id: string, name: string }} Person */
/** @typedef {{ seq: number, id: string, user: Person, to?: Person, text: string, sent_at: string }} Message */
/** @typedef {"waiting" | "sent" | "stored" | "failed"} ItemState */
/** @typedef {{ id: string, text: string, to: Person | null, state: ItemState, error: string }} Item */
/** @typedef {{ messages: Message[], more: boolean }} Page */
/** @typedef {{ after?: number, before?: number }} Query */

const ANSWER_MS = 10_000; // for a welcome, and for any frame after a ping
const STABLE_MS = 5_000; // a connection that lasted this long ends a series of attempts
const GAP_MS = 300; // two processes may publish out of order
const RETRY_MS = 2_000;
const TYPING_MS = 3_000;
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const MAX_EARLY = 500; // messages kept until those before them come; others are asked for again
const OUTBOX_SHARE = 0.75; // of the burst; pings and syncs need the rest

const isTemporary = (error) => ["rate_limited", "unavailable"].includes(error.cause);

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers hide it on plain http, other than on localhost.
  return "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) => {
    const random = crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (Number(digit) / 4));
    return (Number(digit) ^ random).toString(16);
  });
}

/** Messages in the order of their seq, each once. It asks for those that are missing. */
class MessageLog {
  isReady = false; // has its first page
  hasOlder = false;
  newest = 0;
  #oldest = 0;
  #known = 0; // the newest seq that the server spoke of
  #early = /** @type {Map<number, Message>} */ (new Map());
  #timer = 0;
  #isAsking = false;

  /**
   * @param {(query: Query) => Promise<Page>} fetch
   * @param {(messages: Message[], isFirstPage: boolean) => void} show
   */
  constructor(fetch, show) {
    Object.assign(this, { fetch, show });
    this.fetch = fetch;
    this.show = show;
  }

  /** Forget everything: the next page is the first. */
  reset(known = 0) {
    this.isReady = this.hasOlder = false;
    this.#known = known;
    this.#early.clear();
  }

  /** Take the page that follows a welcome. @param {Page} page */
  join(page) {
    if (this.isReady) return this.#extend(page);
    this.isReady = true;
    this.hasOlder = page.more;
    this.newest = page.messages.at(-1)?.seq ?? this.#known;
    this.#oldest = page.messages[0]?.seq ?? this.newest + 1;
    this.show(page.messages, true);
    this.#applyEarly();
  }

  /** @param {Message} message */
  receive(message) {
    if (this.#early.size < MAX_EARLY) this.#early.set(message.seq, message);
    this.expect(message.seq);
  }

  /** There is a message with this seq. @param {number} seq */
  expect(seq) {
    this.#known = Math.max(this.#known, seq);
    if (this.isReady) this.#applyEarly();
  }

  /** Load the page before the oldest message. Fails when the connection does. */
  async older() {
    const page = await this.fetch({ before: this.#oldest });
    this.#oldest = page.messages[0]?.seq ?? 0;
    this.hasOlder = page.more;
    return page.messages;
  }

  stopAsking() {
    clearTimeout(this.#timer);
    this.#timer = 0;
  }

  #extend(page) {
    this.#apply(page.messages.filter((message) => message.seq > this.newest));
    if (page.more) this.#askIn(0);
    else this.#applyEarly();
  }

  #applyEarly() {
    const inOrder = [];
    for (let seq = this.newest, next; (next = this.#early.get(++seq)); ) inOrder.push(next);
    this.#apply(inOrder);
    for (const seq of this.#early.keys()) if (seq <= this.newest) this.#early.delete(seq);
    if (this.newest < this.#known) this.#askIn(GAP_MS);
    else this.stopAsking();
  }

  #apply(messages) {
    if (messages.length === 0) return;
    this.newest = messages.at(-1).seq;
    this.show(messages, false);
  }

  #askIn(ms) {
    if (!this.#isAsking) this.#timer ||= setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    this.#timer = 0;
    this.#isAsking = true;
    const firstEarly = Math.min(...this.#early.keys(), this.#known + 1);
    const page = await this.fetch({ after: this.newest }).catch((error) => error);
    this.#isAsking = false;
    if (page instanceof Error) return isTemporary(page) && this.#askIn(RETRY_MS);
    // Where there are none, what lay before the early ones is deleted.
    if (page.messages.length === 0) this.newest = Math.max(this.newest, firstEarly - 1);
    this.#extend(page);
  }
}

/**
 * Its events, with what they carry:
 * - state: { state, code, reason }. The states: connecting, connected, reconnecting, offline, and
 *   refused, which is the end and has a code.
 * - reset: forget all messages, the newest ones follow.
 * - messages: { messages, isDirect, isFirstPage }, in order, each once.
 * - item: an Item of the outbox that is new or has changed.
 * - presence: all Persons who are here. typing: the Person who types.
 */
export class RealtimeClient extends EventTarget {
  you = /** @type {Person | null} */ (null);
  limits = { text_length: Infinity, rate: 1, burst: 1 };
  state = "idle";
  room = this.#newLog(false);
  direct = this.#newLog(true);
  outbox = /** @type {Map<string, Item>} */ (new Map());
  #members = /** @type {Map<string, Person>} */ (new Map());
  #answers = /** @type {Map<number, (answer: any) => void>} */ (new Map());
  #lastRef = 0;
  #socket = /** @type {WebSocket | null} */ (null);
  #epoch = "";
  #heartbeatMs = 0;
  #isPinging = false;
  #welcomedAt = Infinity;
  #attempts = 0;
  #timer = 0; // to connect again, to give up, or to ping
  #outboxTimer = 0;
  #paidUntil = 0; // each frame costs time; the server lets us have a burst of it in advance
  #typedAt = -Infinity;

  /** @param {string} path */
  constructor(path) {
    super();
    this.address = new URL(path, location.href.replace(/^http/, "ws"));
    addEventListener("offline", () => this.#goOffline());
    addEventListener("online", () => this.#check());
    document.addEventListener("visibilitychange", () => document.hidden || this.#check());
  }

  /** @param {string} type @param {(detail: any) => void} listener */
  on(type, listener) {
    this.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
  }

  connect() {
    if (this.state === "idle") this.#setState("connecting");
    if (this.room.isReady) this.address.search = this.#position();
    const socket = (this.#socket = new WebSocket(this.address));
    socket.onmessage = (event) => socket === this.#socket && this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#lose(event.code, event.reason);
    this.#schedule(ANSWER_MS, () => this.#lose(0, "no answer"));
  }

  /** Say it to all, or to one person. @param {string} text @param {Person | null} to */
  say(text, to = null) {
    const item = { id: newId(), text, to };
    this.outbox.set(item.id, item);
    this.#change(item, "waiting");
  }

  /** Send a failed item again. @param {string} id */
  retry(id) {
    this.#change(this.outbox.get(id), "waiting");
  }

  /** @param {string} id */
  discard(id) {
    this.outbox.delete(id);
  }

  /** Tell the room that you type. Call it as often as you like. */
  typing() {
    const now = performance.now();
    if (this.state !== "connected" || now - this.#typedAt < TYPING_MS) return;
    this.#typedAt = now;
    this.#send({ type: "chat.typing" });
  }

  // The connection

  #receive(frame) {
    if (this.#isPinging) this.#pingLater();
    const answer = this.#answers.get(frame.ref);
    if (answer) return answer(frame);
    switch (frame.type) {
      case "chat.welcome":
        return this.#enter(frame);
      case "chat.history":
        return (frame.direct ? this.direct : this.room).join(frame);
      case "chat.message":
        return this.room.receive(frame);
      case "chat.direct":
        return this.direct.receive(frame);
      case "chat.typing":
        return frame.user.id === this.you?.id || this.#emit("typing", frame.user);
      case "presence.diff":
        return this.#updateMembers(frame);
      case "system.pong":
        this.room.expect(frame.seq);
        return this.direct.expect(frame.direct_seq);
      case "system.disconnect":
        return this.#lose(frame.code, frame.reason, frame.retry_in_ms);
    }
  }

  #enter(frame) {
    const isSomebodyElse = this.you !== null && this.you.id !== frame.you.id;
    Object.assign(this, { you: frame.you, limits: frame.limits });
    if (isSomebodyElse) {
      // Logged in or out in another tab: what is unsent is not the new person's to say.
      for (const item of this.outbox.values()) this.#change(item, "failed", `You are now ${this.you.name}`);
      this.room.isReady = false;
      if (frame.recovered) return this.#lose(4200, "");
    }
    this.#epoch = frame.epoch;
    this.#welcomedAt = performance.now();
    this.#paidUntil = 0;
    this.#heartbeatMs = frame.heartbeat * 1000;
    this.#members = new Map(frame.members.map((person) => [person.id, person]));
    if (!frame.recovered) {
      this.room.reset(frame.seq);
      this.direct.reset(frame.direct_seq);
      this.#emit("reset");
    }
    this.#pingLater();
    this.#setState("connected");
    this.#emit("presence", [...this.#members.values()]);
    this.#sendOutbox();
  }

  #updateMembers({ joins, leaves }) {
    // Somebody who changes their name leaves and joins under the same id.
    for (const { id, name } of leaves) {
      if (this.#members.get(id)?.name === name) this.#members.delete(id);
    }
    for (const person of joins) this.#members.set(person.id, person);
    this.#emit("presence", [...this.#members.values()]);
  }

  #pingLater() {
    // Set from a message and not by an interval: browsers slow down the timers of hidden tabs
    // that were set by timers, to one in a minute.
    this.#isPinging = false;
    this.#schedule(this.#heartbeatMs, () => this.#ping());
  }

  #ping() {
    this.#isPinging = true;
    this.#send({ type: "system.ping" });
    this.#schedule(ANSWER_MS, () => this.#lose(0, "no answer"));
  }

  /** Close, and come back as the code says. */
  #lose(code, reason, retryInMs = 0) {
    if (performance.now() - this.#welcomedAt > STABLE_MS) this.#attempts = 0;
    this.#close();
    if (code >= 4000 && code < 4100) return this.#setState("refused", code, reason);
    const isAtOnce = code >= 4200 && code < 4300 && this.#attempts === 0;
    const limit = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** this.#attempts++);
    const backoff = isAtOnce ? 0 : Math.random() * limit;
    this.#schedule(Math.max(backoff, retryInMs), () => this.connect());
    this.#setState(navigator.onLine ? "reconnecting" : "offline");
  }

  #close() {
    const socket = this.#socket;
    this.#socket = null;
    this.#welcomedAt = Infinity;
    this.#isPinging = false;
    clearTimeout(this.#timer);
    clearTimeout(this.#outboxTimer);
    this.room.stopAsking();
    this.direct.stopAsking();
    socket?.close();
    for (const answer of this.#answers.values()) answer(LOST);
  }
}
