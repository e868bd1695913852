// @ts-check
// A client of consumers that speak in frames: see realtime/frame_consumer.py.

import { Emitter } from "./emitter.js";
import { lostConnection, Requests } from "./requests.js";
import { ReconnectingSocket } from "./socket.js";

/** @import { Frame, RequestError } from "./requests.js" */
/** @import { State, StateChange } from "./socket.js" */

const PING = JSON.stringify({ type: "system.ping" });

/**
 * Its events: "state" (a StateChange), and each frame that answers no question, by its type.
 *
 * The first frame on a connection says that the socket may stay. It may tell the seconds between two
 * pings as `heartbeat`, and how many questions may wait for their answers as `limits.burst`.
 *
 * @extends Emitter<{ state: StateChange, [type: `${string}.${string}`]: any }>
 */
export class FrameClient extends Emitter {
  #socket;
  /** @type {Requests | null} */
  #requests = null; // of this connection, once the server has let it in

  /** @param {() => URL} address returns where to connect, at each attempt anew */
  constructor(address) {
    super();
    this.#socket = new ReconnectingSocket(address, PING, { isReadyAtOpen: false });
    this.#socket.on("message", (text) => this.#receive(JSON.parse(text)));
    this.#socket.on("state", (change) => {
      if (change.state !== "connected") this.#closeRequests();
      this.emit("state", change);
    });
  }

  /** @returns {State} */
  get state() {
    return this.#socket.state;
  }

  /** Open the socket. Call it once; later connections are made by themselves. */
  connect() {
    this.#socket.connect();
  }

  /**
   * Send a frame that needs no answer. Without a connection it is dropped.
   *
   * @param {Frame} frame
   */
  send(frame) {
    this.#socket.send(JSON.stringify(frame));
  }

  /**
   * Send a frame, again after a temporary error, until it is answered.
   *
   * @param {Frame} frame
   * @param {string} [ref] names the question; a random one by default
   * @returns {Promise<Frame>} the answer
   * @throws {RequestError} its `code` is "lost" without a connection
   */
  async ask(frame, ref) {
    if (this.#requests === null) throw lostConnection();
    return this.#requests.ask(frame, ref);
  }

  /**
   * Stop for good, as if the server had refused the socket.
   *
   * @param {number} code a close code from 4000 to 4099
   * @param {string} reason
   */
  refuse(code, reason) {
    this.#socket.lose(code, reason);
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (frame.type === "system.disconnect") {
      this.#socket.lose(frame.code, frame.reason, frame.retry_in_ms);
      return;
    }
    if (this.#requests === null) this.#begin(frame);
    if (this.#requests?.answer(frame)) return;
    this.emit(/** @type {`${string}.${string}`} */ (frame.type), frame);
  }

  /** @param {Frame} frame the first one */
  #begin({ heartbeat, limits }) {
    this.#requests = new Requests((frame) => {
      this.send(frame);
      this.#socket.expectMessage();
    }, limits?.burst ?? 1);
    this.#socket.ready(heartbeat && heartbeat * 1000);
  }

  #closeRequests() {
    this.#requests?.close();
    this.#requests = null;
  }
}
