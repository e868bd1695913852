// @ts-check
// The echo page: each text goes through a WebSocket and comes back.

import { ReconnectingSocket } from "../realtime/socket.js";

const PING = "";
const ANSWER_TO_PING = "You said: ";

const form = /** @type {HTMLFormElement} */ (document.querySelector("#form"));
const input = /** @type {HTMLInputElement} */ (document.querySelector("#text"));
const button = /** @type {HTMLButtonElement} */ (document.querySelector("button"));
const log = /** @type {HTMLElement} */ (document.querySelector("#log"));
const status = /** @type {HTMLElement} */ (document.querySelector("#state"));

const path = document.querySelector("main")?.dataset.socket ?? "";
const address = new URL(path, location.href.replace(/^http/, "ws"));
const socket = new ReconnectingSocket(() => address, PING);

socket.on("state", ({ state }) => {
  const isConnected = state === "connected";
  button.disabled = !isConnected;
  const { connected = "", lost = "", refused = "" } = status.dataset;
  if (isConnected) status.textContent = connected.replace("{address}", String(address));
  else status.textContent = state === "refused" ? refused : lost;
});

socket.on("message", (text) => {
  if (text !== ANSWER_TO_PING) show(text, "server");
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.state !== "connected") return;
  socket.send(input.value);
  show(input.value, "mine");
  form.reset();
});

/**
 * @param {string} text
 * @param {"mine" | "server"} author
 */
function show(text, author) {
  const line = document.createElement("li");
  line.className = author;
  line.dir = "auto"; // the direction of its own first letter
  line.textContent = text;
  log.append(line);
  line.scrollIntoView({ block: "nearest" });
}

socket.connect();
