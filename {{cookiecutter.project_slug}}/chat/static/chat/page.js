// @ts-check
// Elements and words of the page.

/** @import { Person } from "./log.js" */

/**
 * Return the first element that fits a selector. It has to be there.
 *
 * @template {Element} [Type=HTMLElement]
 * @param {string} selector
 * @param {ParentNode} parent
 * @returns {Type}
 */
export function find(selector, parent = document) {
  const found = parent.querySelector(selector);
  if (found === null) throw new Error(`no ${selector} on this page`);
  return /** @type {any} */ (found);
}

/**
 * Return a copy of the element in a `<template>`.
 *
 * @param {string} template a selector
 * @returns {HTMLElement}
 */
export function copy(template) {
  /** @type {HTMLTemplateElement} */
  const found = find(template);
  return /** @type {any} */ (found.content.firstElementChild).cloneNode(true);
}

/**
 * Return a text of the page's `<template id="words">`, which the server has translated.
 *
 * @param {string} name
 * @param {Record<string, string | number>} values of its `{placeholders}`
 */
export function words(name, values = {}) {
  /** @type {HTMLTemplateElement} */
  const all = find("#words");
  const text = find(`[data-name="${name}"]`, all.content).textContent ?? "";
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

const { lang } = document.documentElement;

/** The language of the page's words, for lists and dates, as the browser's country writes them. */
export const language = navigator.languages.find((tag) => tag.split("-")[0] === lang) ?? lang;

/**
 * Return a name that keeps its direction within a sentence of another one.
 *
 * @param {string} name
 */
export const isolate = (name) => `\u2068${name}\u2069`;

/**
 * Show who a line is about. Texts go into textContent alone.
 *
 * @param {HTMLElement} line
 * @param {Person} person
 * @param {boolean} isYou
 */
export function drawPerson(line, person, isYou) {
  const avatar = find(".avatar", line);
  avatar.textContent = Array.from(person.name)[0] ?? "";
  avatar.dataset.colour = String(person.id.charCodeAt(person.id.length - 1) % 6);
  find(".name", line).textContent = person.name;
  // A guest may choose any name, so the page says who is one.
  const mark = line.querySelector(".mark");
  if (mark) mark.textContent = person.id.startsWith("guest-") ? words("guest") : "";
  line.classList.toggle("mine", isYou);
}
