// @ts-check
// Exponential backoff with full jitter, so that a restarted server does not meet all clients at once.
// https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

const FIRST_MS = 500; // the longest wait after the first failure; each failure doubles it
const LONGEST_MS = 30_000;

export class Backoff {
  #failures = 0;

  /** Whether nothing has failed since the last reset. */
  get isFresh() {
    return this.#failures === 0;
  }

  /**
   * Count a failure.
   *
   * @returns {number} the milliseconds to wait before the next attempt
   */
  next() {
    const limit = Math.min(LONGEST_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    return Math.random() * limit;
  }

  /** Begin again with the shortest wait, after a success. */
  reset() {
    this.#failures = 0;
  }
}
