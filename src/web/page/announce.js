// What a screen reader says. Being outbid and being refused interrupt at once; everything else
// waits its turn, and of much news only the newest is read.

const POLITE_EVERY_MS = 4_000;
const CLEAR_MS = 8_000;

const region = (id) => document.getElementById(id);
let waiting = [];
let next = 0;
let timer = null;

/** Reads a text at once. */
export function interrupt(text) {
  const alert = region("assertive");
  alert.textContent = "";
  // A text that follows itself is read again only after a gap.
  setTimeout(() => { alert.textContent = text; }, 30);
  setTimeout(() => { if (alert.textContent === text) alert.textContent = ""; }, CLEAR_MS);
}

/** Reads a text when there is time; `key` replaces an older text about the same thing. */
export function mention(text, key = text) {
  waiting = waiting.filter((said) => said.key !== key);
  waiting.push({ key, text });
  if (waiting.length > 3) waiting.shift();
  if (!timer) timer = setTimeout(flush, Math.max(150, next - performance.now()));
}

/** Answers what was just pressed, before the news that wait. */
export function respond(text) {
  waiting = [];
  clearTimeout(timer);
  waiting.push({ key: text, text });
  timer = setTimeout(flush, 50);
}

function flush() {
  timer = null;
  next = performance.now() + POLITE_EVERY_MS;
  region("polite").textContent = waiting.map((said) => said.text).join(" ");
  waiting = [];
}
