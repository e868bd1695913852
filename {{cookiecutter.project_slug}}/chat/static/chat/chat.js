// @ts-check
// The page of a room: what the client tells, as elements. Texts go into textContent alone.

import { RealtimeClient } from "../realtime/client.js";

const COUNTED = 200; // characters before the limit, from which on they are counted
const TYPING_SHOWN_MS = 5_000;

/** @type {(selector: string, parent?: ParentNode) => any} */
const find = (selector, parent = document) => parent.querySelector(selector);
const copy = (template) => find(template).content.firstElementChild.cloneNode(true);

const client = new RealtimeClient(find("[data-socket]").dataset.socket);
const input = find("#text");
const directPanel = find("#direct");
const title = document.title;
const typists = new Map(); // by id: a name, and until when it is shown
let recipient = null; // a person, or null for everyone

const isYou = (person) => person.id === client.you?.id;
const isUser = (person) => person.id.startsWith("user-");
const isolate = (name) => `\u2068${name}\u2069`; // keeps its direction within a sentence of another

function drawPerson(line, person) {
  find(".avatar", line).textContent = Array.from(person.name)[0];
  find(".avatar", line).dataset.colour = person.id.charCodeAt(person.id.length - 1) % 6;
  find(".name", line).textContent = person.name;
  // A guest may choose any name, so the page says who is one.
  const mark = find(".mark", line);
  if (mark) mark.textContent = person.id.startsWith("guest-") ? "(guest)" : "";
  line.classList.toggle("mine", isYou(person));
}

function drawMessage({ user, to, text, sent_at = new Date().toISOString() }) {
  const line = copy("#message");
  const sentAt = new Date(sent_at);
  const dateStyle = sentAt.toDateString() === new Date().toDateString() ? undefined : "medium";
  drawPerson(line, user);
  if (to) find(".to", line).textContent = `to ${isYou(to) ? "you" : isolate(to.name)}`;
  find("time", line).dateTime = sent_at;
  find("time", line).textContent = sentAt.toLocaleString([], { dateStyle, timeStyle: "short" });
  find(".text", line).textContent = text;
  line.dataset.people = `${user.id} ${to?.id}`;
  return line;
}

/** A log on the page: the room's, or that of the direct messages. */
class Conversation {
  #isAtEnd = true;
  #scrollToEnd = () => (this.scroller.scrollTop = this.scroller.scrollHeight);
  #group = (line) => {
    const before = line?.previousElementSibling?.dataset.people;
    line?.classList.toggle("continued", line.dataset.people === before);
  };
  #unsentLine = (id) => find(`[data-id="${id}"]`, this.unsent);

  /** @param {Element} root @param {() => any} log the client's, another one after each reset */
  constructor(root, log) {
    this.log = log;
    this.scroller = find(".scroller", root);
    this.older = find(".older", root);
    this.list = find(".log", root);
    this.unsent = find(".unsent", root); // lines until their message comes
    this.jump = find(".jump", root);
    this.older.onclick = () => this.loadOlder();
    this.jump.onclick = this.#scrollToEnd;
    this.scroller.onscroll = () => this.noteScroll();
    // A keyboard on the screen, or a long text, takes some of its height.
    new ResizeObserver(() => this.#isAtEnd && this.#scrollToEnd()).observe(this.scroller);
  }

  noteScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this.#isAtEnd = scrollHeight - scrollTop - clientHeight < 50;
    if (this.#isAtEnd) this.jump.hidden = true;
    if (scrollTop < 50 && this.log().hasOlder) this.loadOlder();
  }

  clear() {
    this.list.replaceChildren();
    for (const line of this.unsent.querySelectorAll("[data-state=stored]")) line.remove();
  }

  append(messages) {
    const lines = messages.map(drawMessage);
    this.list.append(...lines);
    lines.forEach(this.#group);
    for (const { id } of messages) this.#unsentLine(id)?.remove();
    this.older.hidden = !this.log().hasOlder;
    this.jump.hidden = this.#isAtEnd;
    if (this.#isAtEnd) this.#scrollToEnd();
  }

  async loadOlder() {
    if (this.older.disabled) return;
    this.older.disabled = true;
    const log = this.log();
    const messages = await log.older().catch(() => []); // the connection may be lost
    this.older.disabled = false;
    if (log !== this.log()) return; // all has been started over meanwhile
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    const lines = messages.map(drawMessage);
    const first = this.list.firstElementChild;
    this.list.prepend(...lines);
    [...lines, first].forEach(this.#group);
    this.older.hidden = !log.hasOlder;
    this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
  }

  showItem({ id, state, error, to, text }) {
    let line = this.#unsentLine(id);
    if (!line) {
      line = drawMessage({ user: client.you, to, text });
      find(".retry", line).onclick = () => client.retry(id);
      find(".discard", line).onclick = () => client.discard(id) && line.remove();
      this.unsent.append(line);
      this.#scrollToEnd();
    }
    Object.assign(line.dataset, { id, state });
    find(".reason", line).textContent = error && `Not sent: ${error}`;
  }
}

const room = new Conversation(find("#room"), () => client.room);
const direct = new Conversation(directPanel, () => client.direct);

client.on("reset", () => [room, direct].forEach((conversation) => conversation.clear()));
client.on("item", (item) => (item.to ? direct : room).showItem(item));

client.on("messages", ({ messages, isDirect, isFirstPage }) => {
  (isDirect ? direct : room).append(messages);
  for (const { user } of messages) typists.delete(user.id);
  showTyping();
  if (isFirstPage) return;
  if (isDirect) find("#news").hidden = directPanel.open;
  if (document.hidden) document.title = `● ${title}`;
});

client.on("state", ({ state, code }) => {
  const all = find("#states").content;
  const text = find(`[data-state="${code || state}"]`, all) ?? find("[data-state=refused]", all);
  find("#state").replaceChildren(text.cloneNode(true));
});

client.on("presence", (people) => {
  people.sort((one, other) => one.name.localeCompare(other.name));
  find("#members").replaceChildren(...people.map(drawMember));
  find("#count").textContent = people.length;
  directPanel.hidden = !isUser(client.you);
});

client.on("typing", ({ id, name }) => {
  typists.set(id, { name, until: Date.now() + TYPING_SHOWN_MS });
  setTimeout(showTyping, TYPING_SHOWN_MS);
  showTyping();
});

function showTyping() {
  const current = [...typists.values()].filter(({ until }) => until > Date.now());
  const names = new Intl.ListFormat("en").format(current.map(({ name }) => isolate(name)));
  find("#typing").textContent = names && `${names} ${current.length > 1 ? "are" : "is"} typing…`;
}

function drawMember(person) {
  const canWrite = isUser(client.you) && isUser(person) && !isYou(person);
  const line = copy(canWrite ? "#addressee" : "#member");
  drawPerson(line, person);
  if (canWrite) find("button", line).onclick = () => writeTo(person);
  return line;
}

function writeTo(person) {
  recipient = person;
  find("#recipient").hidden = person === null;
  find("#recipient-name").textContent = person?.name;
  input.focus();
}

/** Show how much is left, if little, and return whether the text may be sent. */
function checkText() {
  const length = Array.from(input.value.trim()).length; // in code points, as Python counts
  const left = client.limits.text_length - length;
  const words = left < 0 ? `${-left} too many` : `${left} left`;
  find("#counter").textContent = left < COUNTED ? words : "";
  input.setAttribute("aria-invalid", String(left < 0));
  return left >= 0 && input.value.trim() !== "" && client.you !== null;
}

input.form.onsubmit = (event) => {
  event.preventDefault();
  if (!checkText()) return;
  client.say(input.value.trim(), recipient);
  input.value = "";
  checkText();
};
input.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  input.form.requestSubmit();
};
input.oninput = () => {
  checkText();
  if (recipient === null) client.typing();
};
find("#everyone").onclick = () => writeTo(null);
directPanel.ontoggle = () => (find("#news").hidden = true);
document.addEventListener("visibilitychange", () => (document.title = title));
addEventListener("beforeunload", (event) => client.outbox.size > 0 && event.preventDefault());
for (const panel of document.querySelectorAll("details")) panel.open = innerWidth > 768;
client.connect();
