// @ts-check
// An event target whose listeners get the event's detail alone.

/** @template {Record<string, any>} Events the detail of each type of event */
export class Emitter extends EventTarget {
  /**
   * Call a function with the detail of each event of a type.
   *
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {(detail: Events[Type]) => void} listener
   */
  on(type, listener) {
    this.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail));
  }

  /**
   * @template {keyof Events & string} Type
   * @param {Type} type
   * @param {Events[Type]} detail
   */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
