// The page at "/": one WebSocket, opened again whenever it was lost.

const form = document.querySelector("#form");
const input = document.querySelector("#text");
const log = document.querySelector("#log");
const state = document.querySelector("#state");

const address = new URL(document.querySelector("main").dataset.socket, location.href);
address.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const HEARTBEAT_MS = 25_000; // the server closes a socket that sends nothing for 60 s
const HEARTBEAT_ANSWER = "You said: ";

let socket;
let attempts = 0;
let heartbeat;

function show(text, author) {
  const line = document.createElement("li");
  line.className = author;
  line.dir = "auto"; // the direction of its own first letter
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
    sendHeartbeatLater();
  });
  socket.addEventListener("message", (event) => {
    sendHeartbeatLater();
    if (event.data !== HEARTBEAT_ANSWER) show(event.data, "server");
  });
  socket.addEventListener("close", () => {
    clearTimeout(heartbeat);
    // Random, so that a restarted server is not met by all its pages at once.
    const wait = Math.random() * Math.min(30_000, 1_000 * 2 ** attempts++);
    state.textContent = "Connection lost. Reconnecting…";
    form.querySelector("button").disabled = true;
    setTimeout(connect, wait);
  });
}

// Called by events: browsers let a timer that a timer has set, in a hidden tab, wait for a minute.
function sendHeartbeatLater() {
  clearTimeout(heartbeat);
  heartbeat = setTimeout(() => socket.send(""), HEARTBEAT_MS);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(input.value);
  show(input.value, "mine");
  form.reset();
});

connect();
