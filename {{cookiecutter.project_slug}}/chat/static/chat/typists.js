// @ts-check
// The people who are typing. A name is removed when it has not been renewed for some seconds.

/** @import { Person } from "./log.js" */

const SHOWN_MS = 5_000;

export class Typists {
  #people = /** @type {Map<string, { name: string, until: number }>} */ (new Map());
  #show;

  /** @param {(names: string[]) => void} show is called when the names may have changed */
  constructor(show) {
    this.#show = show;
  }

  /** @param {Person} person */
  add({ id, name }) {
    this.#people.set(id, { name, until: Date.now() + SHOWN_MS });
    setTimeout(() => this.#update(), SHOWN_MS);
    this.#update();
  }

  /** @param {Person[]} people whose messages have arrived */
  remove(people) {
    for (const { id } of people) this.#people.delete(id);
    this.#update();
  }

  #update() {
    const typing = [...this.#people.values()].filter(({ until }) => until > Date.now());
    this.#show(typing.map(({ name }) => name));
  }
}
