// The page at "/": one WebSocket, opened again whenever it was lost.

const form = document.querySelector("#form");
const input = document.querySelector("#text");
const log = document.querySelector("#log");
const state = document.querySelector("#state");

const address = new URL("/ws/echo/", location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";

let socket;
let attempts = 0;

function show(text, author) {
  const line = document.createElement("li");
  line.className = author;
  line.textContent = text;
  log.append(line);
  line.scrollIntoView({ block: "nearest" });
}

function connect() {
  socket = new WebSocket(address);
  socket.addEventListener("open", () => {
    attempts = 0;
    state.textContent = `Connected to ${address}`;
    form.querySelector("button").disabled = false;
  });
  socket.addEventListener("message", (event) => show(event.data, "server"));
  socket.addEventListener("close", () => {
    // Random, so that a restarted server is not met by all its pages at once.
    const wait = Math.random() * Math.min(30_000, 1_000 * 2 ** attempts++);
    state.textContent = "Connection lost. Reconnecting…";
    form.querySelector("button").disabled = true;
    setTimeout(connect, wait);
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(input.value);
  show(input.value, "mine");
  form.reset();
});

connect();
