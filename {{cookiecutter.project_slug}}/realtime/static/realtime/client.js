// @ts-check
// One room over one WebSocket. What is sent arrives once, what arrives is in order, and a lost
// connection comes back. Of the browser it knows three events: offline, online and visible.

/** @typedef { { id: string, name: string } } Person */
/** @typedef { { seq: number, id: string, user: Person, to?: Person, text: string, sent_at: string } } Message */
/** @typedef { { id: string, text: string, to: Person | null, state: string, error: string } } Item */

const ANSWER_MS = 10_000; // for any frame, once one was asked for
const GIVE_UP_MS = 60_000; // for the answer itself, while other frames come
const STABLE_MS = 5_000; // a connection that lasted this long ends a series of attempts
const GAP_MS = 300; // two processes may publish out of order
const RETRY_MS = 2_000;
const TYPING_MS = 3_000;
const MIN_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 30_000;
const MAX_EARLY = 500; // messages kept until those before them come; others are asked for again
const TEMPORARY = ["rate_limited", "unavailable"];
const LOST = { type: "system.error", code: "lost", detail: "there is no connection" };
const SILENT = { type: "system.error", code: "silent", detail: "the server does not answer" };

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Browsers hide it on plain http, other than on localhost.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4}).(.{3}).(.{3})(.{12})/, "$1-$2-4$3-8$4-$5");
}

/** Messages in the order of their seq, each once. It asks for those that are missing. */
class MessageLog {
  isReady = false; // has its first page
  isVoid = false; // another log has taken its place
  hasOlder = false;
  newest = 0;
  #oldest = 0;
  #known = 0; // the newest seq that the server spoke of
  #early = /** @type {Map<number, Message>} */ (new Map());
  #isCatchingUp = false;

  constructor(fetch, show) {
    this.fetch = fetch;
    this.show = show;
  }

  /** Take the page that follows a welcome. */
  join({ messages, more }) {
    if (this.isReady) return this.#apply(messages);
    this.isReady = true;
    this.hasOlder = more;
    this.#oldest = messages[0]?.seq ?? this.#known + 1;
    this.newest = this.#oldest - 1;
    this.#apply(messages, true);
  }

  /** The server has messages up to this seq, of which this may be the last. */
  expect(seq, message = null) {
    if (message && this.#early.size < MAX_EARLY) this.#early.set(seq, message);
    this.#known = Math.max(this.#known, seq);
    if (this.isReady) this.#apply([]);
  }

  /** Load the page before the oldest message. @returns {Promise<Message[]>} */
  async older() {
    const { messages, more } = await this.fetch({ before: this.#oldest });
    this.#oldest = messages[0]?.seq ?? 0;
    this.hasOlder = more;
    return messages;
  }

  #apply(messages, isFirstPage = false) {
    if (this.isVoid) return;
    const next = messages.filter(({ seq }) => seq > this.newest);
    let seq = next.at(-1)?.seq ?? this.newest;
    while (this.#early.has(seq + 1)) next.push(this.#early.get(++seq));
    for (const early of this.#early.keys()) if (early <= seq) this.#early.delete(early);
    this.newest = seq;
    if (next.length > 0) this.show(next, isFirstPage);
    if (this.newest < this.#known) this.#catchUp();
  }

  async #catchUp() {
    if (this.#isCatchingUp) return;
    this.#isCatchingUp = true;
    await sleep(GAP_MS);
    while (!this.isVoid && this.newest < this.#known) {
      const firstEarly = Math.min(...this.#early.keys(), this.#known + 1);
      const page = await this.fetch({ after: this.newest }).catch(() => null);
      if (page === null) break; // the next message, pong or welcome leads back here
      // Where there are none, what lay before the early ones is deleted.
      if (page.messages.length === 0) this.newest = Math.max(this.newest, firstEarly - 1);
      this.#apply(page.messages);
    }
    this.#isCatchingUp = false;
  }
}

/**
 * Its events: "state" { state, code, reason }: connecting, connected, reconnecting, offline, or
 * refused, which is the end. "reset": all messages are void, the newest follow. "messages"
 * { messages, isDirect, isFirstPage }: in order, each once. "item": an Item of the outbox, which is
 * pending, stored or failed. "presence": all Persons who are here. "typing": a Person who types.
 */
export class RealtimeClient extends EventTarget {
  you = /** @type {Person | null} */ (null);
  limits = { text_length: Infinity, burst: 1 };
  state = "connecting";
  outbox = /** @type {Map<string, Item>} */ (new Map());
  retry = (id) => this.#submit(this.outbox.get(id));
  discard = (id) => this.outbox.delete(id);
  room = this.#newLog(false);
  direct = this.#newLog(true);
  #members = /** @type {Map<string, Person>} */ (new Map());
  #waiting = /** @type {(() => void)[]} */ ([]); // to ask, until others are answered
  #answers = /** @type {Map<string, (answer: any) => void>} */ (new Map());
  #socket = /** @type {WebSocket | null} */ (null);
  #epoch = "";
  #heartbeatMs = 0;
  #isPinging = false;
  #welcomedAt = 0;
  #attempts = 0;
  #timer = 0; // to connect again, or to ping
  #deadline = 0; // for any frame to come
  #typedAt = -Infinity;
  #fail = (item, error) => this.#change(item, { state: "failed", error });
  #change = (item, changes) => this.#emit("item", Object.assign(item, changes));
  #emit = (type, detail) => this.dispatchEvent(new CustomEvent(type, { detail }));
  #handlers = {
    "chat.welcome": (frame) => this.#enter(frame),
    "chat.history": (frame) => (frame.direct ? this.direct : this.room).join(frame),
    "chat.message": (frame) => this.room.expect(frame.seq, frame),
    "chat.direct": (frame) => this.direct.expect(frame.seq, frame),
    "chat.typing": (frame) => frame.user.id !== this.you?.id && this.#emit("typing", frame.user),
    "presence.diff": (frame) => this.#updateMembers(frame.joins, frame.leaves),
    "system.pong": (frame) => {
      this.room.expect(frame.seq);
      this.direct.expect(frame.direct_seq);
    },
    "system.disconnect": (frame) => this.#lose(frame.code, frame.reason, frame.retry_in_ms),
  };

  constructor(/** @type {string} */ path) {
    super();
    this.address = new URL(path, location.href.replace(/^http/, "ws"));
    addEventListener("offline", () => this.#socket && this.#lose(0, "offline"));
    addEventListener("online", () => this.#look());
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
  }

  /** @param {string} type @param {(detail: any) => void} listener */
  on(type, listener) {
    this.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
  }

  connect() {
    const seqs = `after=${this.room.newest}&direct_after=${this.direct.newest}`;
    this.address.search = this.room.isReady ? `epoch=${this.#epoch}&${seqs}` : "";
    const socket = (this.#socket = new WebSocket(this.address));
    socket.onmessage = (event) => socket === this.#socket && this.#receive(JSON.parse(event.data));
    socket.onclose = (event) => socket === this.#socket && this.#lose(event.code, event.reason);
    this.#expectFrame();
  }

  /** Say it to all, or to one person. @param {string} text @param {Person | null} to */
  say(text, to = null) {
    const wellFormed = text.replace(/\p{Cs}/gu, "\ufffd"); // halves of pairs are no text
    const item = { id: newId(), text: wellFormed, to, state: "pending", error: "" };
    this.outbox.set(item.id, item);
    this.#submit(item);
  }

  /** Tell the room that you type. Call it at each key. */
  typing() {
    const now = performance.now();
    if (this.state !== "connected" || now - this.#typedAt < TYPING_MS) return;
    this.#typedAt = now;
    this.#send({ type: "chat.typing" });
  }

  #receive(frame) {
    clearTimeout(this.#deadline);
    this.#deadline = 0;
    if (this.#isPinging) this.#pingIn(this.#heartbeatMs);
    (this.#answers.get(frame.ref) ?? this.#handlers[frame.type])?.(frame);
  }

  #enter(frame) {
    // Another login, in another tab: what was said and is unsent here is not that person's.
    if (this.you && this.you.id !== frame.you.id) return this.#lose(4001, "another login");
    ({ you: this.you, epoch: this.#epoch, limits: this.limits } = frame);
    this.#heartbeatMs = frame.heartbeat * 1000;
    this.#welcomedAt = performance.now();
    if (!frame.recovered) {
      this.#emit("reset");
      this.room.isVoid = this.direct.isVoid = true;
      [this.room, this.direct] = [this.#newLog(false), this.#newLog(true)];
    }
    this.#handlers["system.pong"](frame); // it names the same seqs
    this.#updateMembers(frame.members, [...this.#members.values()]);
    this.#setState("connected");
    this.#pingIn(this.#heartbeatMs);
    for (const item of this.outbox.values()) if (item.state === "pending") this.#submit(item);
  }

  #updateMembers(joins, leaves) {
    const isHere = ({ id, name }) => this.#members.get(id)?.name === name; // not renamed meanwhile
    for (const person of leaves) if (isHere(person)) this.#members.delete(person.id);
    for (const person of joins) {
      this.#members.set(person.id, person);
      if (person.id === this.you?.id) this.you = person; // under a new name
    }
    this.#emit("presence", [...this.#members.values()]);
  }

  /** To be called by events: in hidden tabs, timers set by timers run but once a minute. */
  #pingIn(ms) {
    this.#isPinging = false;
    this.#schedule(ms, () => {
      this.#isPinging = true;
      this.#send({ type: "system.ping" });
      this.#expectFrame();
    });
  }

  /** Without any frame in time the connection is dead. To be called when one was asked for. */
  #expectFrame() {
    this.#deadline ||= setTimeout(() => this.#lose(0, "no answer"), ANSWER_MS);
  }

  /** Close the socket, and come back as the code says. */
  #lose(code, reason, retryInMs = 0) {
    this.#socket?.close();
    this.#socket = null;
    clearTimeout(this.#timer);
    clearTimeout(this.#deadline);
    this.#deadline = 0;
    for (const answer of this.#answers.values()) answer(LOST);
    if (code >= 4000 && code < 4100) {
      this.#setState("refused", code, reason);
      for (const item of this.outbox.values()) if (item.state === "pending") this.#fail(item, reason);
      return;
    }
    const isStable = performance.now() - this.#welcomedAt > STABLE_MS;
    if (isStable && this.state === "connected") this.#attempts = 0;
    const isAtOnce = code >= 4200 && code < 4300 && this.#attempts === 0;
    const limit = Math.min(MAX_BACKOFF_MS, MIN_BACKOFF_MS * 2 ** this.#attempts++);
    this.#schedule(Math.max(retryInMs, isAtOnce ? 0 : Math.random() * limit), () => this.connect());
    this.#setState(navigator.onLine ? "reconnecting" : "offline");
  }

  /** Online again, or looked at again, where timers may have slept. */
  #look() {
    if (this.state === "connected") this.#pingIn(0);
    if (this.#socket || this.state === "refused") return;
    this.#attempts = 0;
    this.connect();
  }

  #schedule(ms, action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, ms);
  }

  #setState(state, code = 0, reason = "") {
    if (state !== this.state) this.#emit("state", { state: (this.state = state), code, reason });
  }

  #send(frame) {
    this.#socket?.send(JSON.stringify(frame));
  }

  /** Send a frame, and again after a temporary error. Returns the answer.
   * What is too early waits at the server; not too much does, since pings wait behind it. */
  async #ask(frame, ref = newId()) {
    const socket = this.state === "connected" ? this.#socket : null;
    for (;;) {
      if (this.#answers.size >= this.limits.burst) {
        await new Promise((resolve) => this.#waiting.push(() => resolve(null)));
      }
      if (!socket || socket !== this.#socket) {
        this.#waiting.shift()?.(); // which is lost as well, or may ask
        throw new Error(LOST.detail, { cause: LOST.code });
      }
      let timer = 0;
      const answer = await new Promise((resolve) => {
        this.#answers.set(ref, resolve);
        timer = setTimeout(resolve, GIVE_UP_MS, SILENT);
        socket.send(JSON.stringify({ ...frame, ref }));
        this.#expectFrame();
      });
      clearTimeout(timer);
      this.#answers.delete(ref);
      this.#waiting.shift()?.();
      if (answer.type !== "system.error") return answer;
      if (!TEMPORARY.includes(answer.code)) throw new Error(answer.detail, { cause: answer.code });
      await sleep(RETRY_MS * (1 + Math.random()));
    }
  }

  #newLog(isDirect) {
    const fetch = (query) => this.#ask({ type: "chat.sync", direct: isDirect, ...query });
    return new MessageLog(fetch, (messages, isFirstPage) => {
      for (const { id, user } of messages) if (user.id === this.you?.id) this.outbox.delete(id);
      this.#emit("messages", { messages, isDirect, isFirstPage });
    });
  }

  async #submit(item) {
    const { id, text, to } = item;
    this.#change(item, { state: "pending", error: "" });
    try {
      const frame = to ? { type: "chat.direct", to: to.id } : { type: "chat.send" };
      const { seq } = await this.#ask({ ...frame, id, text }, id);
      if (this.outbox.delete(id)) this.#change(item, { state: "stored" }); // else seen by now
      (to ? this.direct : this.room).expect(seq);
    } catch (/** @type {any} */ error) {
      if (error.cause === LOST.code && this.state !== "refused") return; // the next welcome retries
      if (this.outbox.has(id)) this.#fail(item, error.message);
    }
  }
}
