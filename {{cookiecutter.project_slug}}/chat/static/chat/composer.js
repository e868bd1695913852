// @ts-check
// Where the user writes: to the room, or to one person.

import { find, words } from "./page.js";

/** @import { ChatClient } from "./client.js" */
/** @import { Person } from "./log.js" */

const COUNTED = 200; // characters before the limit, from which on they are counted

export class Composer {
  #client;
  /** @type {Person | null} */
  #recipient = null; // null for the room
  /** @type {HTMLTextAreaElement} */
  #input = find("#text");

  /** @param {ChatClient} client */
  constructor(client) {
    this.#client = client;
    /** @type {HTMLFormElement} */
    const form = find("#composer");
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit();
    };
    this.#input.onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    };
    this.#input.oninput = () => {
      this.#check();
      if (this.#recipient === null) client.typing();
    };
    find("#everyone").onclick = () => this.writeTo(null);
  }

  /** @param {Person | null} person one person, or null for the room */
  writeTo(person) {
    this.#recipient = person;
    find("#recipient").hidden = person === null;
    find("#recipient-name").textContent = person?.name ?? "";
    this.#input.focus();
  }

  #submit() {
    if (!this.#check()) return;
    this.#client.say(this.#input.value.trim(), this.#recipient);
    this.#input.value = "";
    this.#check();
  }

  /** Show how much room is left, if little, and return whether the text may be sent. */
  #check() {
    const text = this.#input.value.trim();
    const left = this.#client.limits.text_length - Array.from(text).length; // as Python counts
    const count = left < 0 ? words("too-many", { count: -left }) : words("left", { count: left });
    find("#counter").textContent = left < COUNTED ? count : "";
    this.#input.setAttribute("aria-invalid", String(left < 0));
    return left >= 0 && text !== "" && this.#client.you !== null;
  }
}
