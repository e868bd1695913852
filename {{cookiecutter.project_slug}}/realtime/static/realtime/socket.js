// @ts-check
// A WebSocket that is opened again whenever it was lost, and that notices a dead connection.

import { Backoff } from "./backoff.js";
import { Emitter } from "./emitter.js";

const PING_MS = 25_000; // the server closes a socket that sends nothing for 60 s
const ANSWER_MS = 10_000; // until any message arrives, once one was asked for
const STABLE_MS = 5_000; // a connection that lasted this long ends a series of failures

/** @typedef {"connecting" | "connected" | "reconnecting" | "offline" | "refused"} State */

/**
 * @typedef {object} StateChange
 * @property {State} state
 * @property {number} code the close code when the state is "refused", else 0
 * @property {string} reason of that close code
 */

/**
 * Its events: "message" (the text), and "state" (a StateChange). "refused" is the end: the server
 * closed the socket with a code from 4000 to 4099, after which no attempt can succeed.
 *
 * @extends Emitter<{ message: string, state: StateChange }>
 */
export class ReconnectingSocket extends Emitter {
  /** @type {State} */
  state = "connecting";
  #address;
  #ping;
  #isReadyAtOpen;
  #pingMs = PING_MS;
  #isPinging = false; // a ping was sent, and no message has arrived since
  #readyAt = -Infinity;
  #backoff = new Backoff();
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {number | undefined} */
  #timer; // to connect again, or to ping
  /** @type {number | undefined} */
  #deadline; // for any message to arrive

  /**
   * @param {() => URL} address returns where to connect, at each attempt anew
   * @param {string} ping what to send as a heartbeat; the server has to answer it
   * @param {object} options
   * @param {boolean} [options.isReadyAtOpen] false for a server that first decides whether the
   *   socket may stay: call `ready` when it has said so
   */
  constructor(address, ping, { isReadyAtOpen = true } = {}) {
    super();
    this.#address = address;
    this.#ping = ping;
    this.#isReadyAtOpen = isReadyAtOpen;
    addEventListener("offline", () => this.#socket && this.lose(0, "offline"));
    addEventListener("online", () => this.#wake());
    document.addEventListener("visibilitychange", () => document.hidden || this.#wake());
  }

  /** Open the socket. Call it once; later connections are made by themselves. */
  connect() {
    const socket = new WebSocket(this.#address());
    const isCurrent = () => socket === this.#socket;
    socket.onopen = () => isCurrent() && this.#isReadyAtOpen && this.ready();
    socket.onmessage = (event) => isCurrent() && this.#receive(event.data);
    socket.onclose = (event) => isCurrent() && this.lose(event.code, event.reason);
    this.#socket = socket;
    this.expectMessage();
  }

  /**
   * Note that the server has let the socket in.
   *
   * @param {number} pingMs milliseconds between two pings
   */
  ready(pingMs = this.#pingMs) {
    this.#pingMs = pingMs;
    this.#readyAt = performance.now();
    this.#clearDeadline();
    this.#setState("connected");
    this.#pingIn(pingMs);
  }

  /**
   * Send a message, while connected. Otherwise it is dropped.
   *
   * @param {string} text
   */
  send(text) {
    if (this.state === "connected") this.#socket?.send(text);
  }

  /** Reconnect unless a message arrives in time. Call it after sending what has to be answered. */
  expectMessage() {
    this.#deadline ??= setTimeout(() => this.lose(0, "no answer"), ANSWER_MS);
  }

  /**
   * Close the socket, and reconnect when the range of the close code allows it: never from 4000 to
   * 4099, at once from 4200 to 4299, after a backoff otherwise.
   *
   * @param {number} code
   * @param {string} reason
   * @param {number} retryInMs wait at least this long
   */
  lose(code, reason, retryInMs = 0) {
    this.#socket?.close();
    this.#socket = null;
    clearTimeout(this.#timer);
    this.#clearDeadline();
    if (code >= 4000 && code < 4100) {
      this.#setState("refused", code, reason);
      return;
    }
    const isStable = performance.now() - this.#readyAt > STABLE_MS;
    if (isStable && this.state === "connected") this.#backoff.reset();
    const isAtOnce = code >= 4200 && code < 4300 && this.#backoff.isFresh;
    const wait = this.#backoff.next();
    this.#schedule(() => this.connect(), Math.max(retryInMs, isAtOnce ? 0 : wait));
    this.#setState(navigator.onLine ? "reconnecting" : "offline");
  }

  /** @param {string} text */
  #receive(text) {
    this.#clearDeadline();
    if (this.#isPinging) this.#pingIn(this.#pingMs);
    this.emit("message", text);
  }

  /**
   * Call it from events alone: browsers delay a timer that another timer has set, in a hidden tab,
   * to once a minute. So the answer to a ping sets the timer for the next one.
   *
   * @param {number} ms
   */
  #pingIn(ms) {
    this.#isPinging = false;
    this.#schedule(() => {
      this.#isPinging = true;
      this.send(this.#ping);
      this.expectMessage();
    }, ms);
  }

  /** The browser is online again, or the page is visible again, and timers may have slept. */
  #wake() {
    if (this.state === "connected") this.#pingIn(0);
    if (this.#socket || this.state === "refused") return;
    this.#backoff.reset();
    this.connect();
  }

  /**
   * @param {() => void} action
   * @param {number} ms
   */
  #schedule(action, ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(action, ms);
  }

  #clearDeadline() {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  /**
   * @param {State} state
   * @param {number} code
   * @param {string} reason
   */
  #setState(state, code = 0, reason = "") {
    if (state === this.state) return;
    this.state = state;
    this.emit("state", { state, code, reason });
  }
}
