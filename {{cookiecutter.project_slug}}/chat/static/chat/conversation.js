// @ts-check
// A log on the page: the room's, or that of the direct messages.

import { copy, drawPerson, find, isolate, language, words } from "./page.js";

/** @import { ChatClient } from "./client.js" */
/** @import { Message, MessageLog, Person } from "./log.js" */
/** @import { Item } from "./outbox.js" */
/** @import { RequestError } from "../realtime/requests.js" */

const EDGE_PX = 50; // this near to an end of the log counts as being there
const WORDED_ERRORS = ["internal", "refused", "silent", "too_long"]; // others come with words from the server

export class Conversation {
  #client;
  #log;
  #scroller;
  #older;
  #list;
  #unsent;
  #jump;
  #isAtEnd = true;

  /**
   * @param {Element} root
   * @param {ChatClient} client
   * @param {() => MessageLog} log returns the client's, another one after each reset
   */
  constructor(root, client, log) {
    this.#client = client;
    this.#log = log;
    this.#scroller = find(".scroller", root);
    /** @type {HTMLButtonElement} */
    this.#older = find(".older", root);
    this.#list = find(".log", root);
    this.#unsent = find(".unsent", root); // lines until their message arrives
    this.#jump = find(".jump", root);
    this.#older.onclick = () => this.#loadOlder();
    this.#jump.onclick = () => this.#scrollToEnd();
    this.#scroller.onscroll = () => this.#noteScroll();
    // A keyboard on the screen, or a long text, takes some of its height.
    const observer = new ResizeObserver(() => this.#isAtEnd && this.#scrollToEnd());
    observer.observe(this.#scroller);
  }

  /** Remove all messages: the newest follow. What is unsent stays. */
  clear() {
    this.#list.replaceChildren();
    for (const line of this.#unsent.querySelectorAll("[data-state=stored]")) line.remove();
  }

  /** @param {Message[]} messages the next ones */
  append(messages) {
    const lines = messages.map((message) => this.#draw(message));
    this.#list.append(...lines);
    lines.forEach(group);
    for (const { id } of messages) this.#unsentLine(id)?.remove();
    this.#older.hidden = !this.#log().hasOlder;
    this.#jump.hidden = this.#isAtEnd;
    if (this.#isAtEnd) this.#scrollToEnd();
  }

  /** @param {Item} item that has changed */
  showItem(item) {
    const line = this.#unsentLine(item.id) ?? this.#addUnsent(item);
    const { state, error } = item;
    line.dataset.state = state;
    find(".reason", line).textContent = error && words("not-sent", { reason: reasonOf(error) });
  }

  /** @param {Item} item */
  #addUnsent({ id, to, text }) {
    const user = /** @type {Person} */ (this.#client.you);
    const line = this.#draw({ user, to, text, sent_at: new Date().toISOString() });
    line.dataset.id = id;
    find(".retry", line).onclick = () => this.#client.outbox.retry(id);
    find(".discard", line).onclick = () => {
      this.#client.outbox.remove(id);
      line.remove();
    };
    this.#unsent.append(line);
    this.#scrollToEnd();
    return line;
  }

  /**
   * @param {string} id
   * @returns {HTMLElement | null}
   */
  #unsentLine(id) {
    return this.#unsent.querySelector(`[data-id="${id}"]`);
  }

  /** @param {Pick<Message, "user" | "text" | "sent_at"> & { to?: Person | null }} message */
  #draw({ user, to, text, sent_at }) {
    const line = copy("#message");
    drawPerson(line, user, this.#isYou(user));
    if (to) {
      const isToYou = this.#isYou(to);
      find(".to", line).textContent = isToYou
        ? words("to-you")
        : words("to-person", { name: isolate(to.name) });
    }
    /** @type {HTMLTimeElement} */
    const time = find("time", line);
    time.dateTime = sent_at;
    time.textContent = shortTime(new Date(sent_at));
    find(".text", line).textContent = text;
    line.dataset.people = to ? `${user.id} ${to.id}` : user.id;
    return line;
  }

  /** @param {Person} person */
  #isYou(person) {
    return person.id === this.#client.you?.id;
  }

  #scrollToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
  }

  #noteScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < EDGE_PX;
    if (this.#isAtEnd) this.#jump.hidden = true;
    if (scrollTop < EDGE_PX && this.#log().hasOlder) this.#loadOlder();
  }

  async #loadOlder() {
    if (this.#older.disabled) return;
    this.#older.disabled = true;
    const log = this.#log();
    const messages = await log.older().catch(() => []); // the connection may be lost
    this.#older.disabled = false;
    if (log !== this.#log()) return; // the server started over meanwhile
    const fromEnd = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    const lines = messages.map((message) => this.#draw(message));
    const first = /** @type {HTMLElement | null} */ (this.#list.firstElementChild);
    this.#list.prepend(...lines);
    for (const line of lines) group(line);
    if (first) group(first);
    this.#older.hidden = !log.hasOlder;
    this.#scroller.scrollTop = this.#scroller.scrollHeight - fromEnd;
  }
}

/**
 * Mark a line that has the people of the one before it, and so needs no name of its own.
 *
 * @param {HTMLElement} line
 */
function group(line) {
  const before = /** @type {HTMLElement | null} */ (line.previousElementSibling);
  line.classList.toggle("continued", line.dataset.people === before?.dataset.people);
}

/** @param {Date} sentAt */
function shortTime(sentAt) {
  const isToday = sentAt.toDateString() === new Date().toDateString();
  return sentAt.toLocaleString(language, {
    dateStyle: isToday ? undefined : "medium",
    timeStyle: "short",
  });
}

/** @param {RequestError} error */
function reasonOf({ code, message }) {
  return WORDED_ERRORS.includes(code) ? words(code) : message;
}
