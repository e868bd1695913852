// @ts-check
// The page of a room: shows what the client tells.

import { ChatClient } from "./client.js";
import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { copy, drawPerson, find, isolate, language, words } from "./page.js";
import { Typists } from "./typists.js";

/** @import { Person } from "./log.js" */

const client = new ChatClient(find("[data-socket]").dataset.socket ?? "");
/** @type {HTMLDetailsElement} */
const directPanel = find("#direct");
const news = find("#news"); // of direct messages
const title = document.title;

const room = new Conversation(find("#room"), client, () => client.room);
const direct = new Conversation(directPanel, client, () => client.direct);
const composer = new Composer(client);
const typists = new Typists(showTyping);

client.on("reset", () => {
  room.clear();
  direct.clear();
});

client.on("item", (item) => (item.to ? direct : room).showItem(item));

client.on("messages", ({ messages, isDirect, isFirstPage }) => {
  (isDirect ? direct : room).append(messages);
  typists.remove(messages.map(({ user }) => user));
  if (isFirstPage) return;
  if (isDirect) news.hidden = directPanel.open;
  if (document.hidden) document.title = `● ${title}`;
});

client.on("state", ({ state, code }) => {
  /** @type {HTMLTemplateElement} */
  const all = find("#states");
  const ofCode = all.content.querySelector(`[data-state="${code || state}"]`);
  const text = ofCode ?? find("[data-state=refused]", all.content);
  find("#state").replaceChildren(text.cloneNode(true));
});

client.on("presence", (people) => {
  people.sort((one, other) => one.name.localeCompare(other.name));
  find("#members").replaceChildren(...people.map(drawMember));
  find("#count").textContent = String(people.length);
  directPanel.hidden = !isUser(client.you);
});

client.on("typing", (person) => typists.add(person));

/** @param {string[]} names */
function showTyping(names) {
  const list = new Intl.ListFormat(language).format(names.map(isolate));
  const text = words(names.length > 1 ? "typing-many" : "typing-one", { names: list });
  find("#typing").textContent = names.length > 0 ? text : "";
}

/** @param {Person} person */
function drawMember(person) {
  const isYou = person.id === client.you?.id;
  const canWrite = isUser(client.you) && isUser(person) && !isYou;
  const line = copy(canWrite ? "#addressee" : "#member");
  drawPerson(line, person, isYou);
  if (canWrite) find("button", line).onclick = () => composer.writeTo(person);
  return line;
}

/** @param {Person | null} person */
function isUser(person) {
  return person?.id.startsWith("user-") ?? false;
}

directPanel.ontoggle = () => {
  news.hidden = true;
};
document.addEventListener("visibilitychange", () => {
  document.title = title;
});
addEventListener("beforeunload", (event) => client.outbox.isEmpty || event.preventDefault());
for (const panel of document.querySelectorAll("details")) panel.open = innerWidth > 768;
client.connect();
