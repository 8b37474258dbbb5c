// The line to the bridge: found again by itself, and honest about whether it stands.

const WAIT_MIN_MS = 250;
const WAIT_MAX_MS = 5_000;
const SILENCE_MS = 15_000;
const LATE_MS = 5_000;

export class Line {
  /** `heard` gets each message, `changed` is called when the line comes or goes. */
  constructor(heard, changed) {
    this.heard = heard;
    this.changed = changed;
    this.wait = WAIT_MIN_MS;
    this.up = false;
    this.looked = performance.now();
    this.open();
    setInterval(() => this.check(), 1_000);
  }

  open() {
    const socket = new WebSocket(`ws://${location.host}/socket`);
    this.socket = socket;
    this.last = performance.now();
    socket.addEventListener("open", () => {
      this.up = true;
      this.changed(true);
    });
    socket.addEventListener("message", (event) => {
      this.last = performance.now();
      this.wait = WAIT_MIN_MS;
      this.heard(JSON.parse(event.data));
    });
    socket.addEventListener("close", () => this.lost(socket));
  }

  lost(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    this.up = false;
    this.changed(false);
    setTimeout(() => this.open(), this.wait * (0.5 + Math.random() / 2));
    this.wait = Math.min(this.wait * 2, WAIT_MAX_MS);
  }

  /** A line that says nothing, not even the time, is lost. */
  check() {
    const now = performance.now();
    // A tab in the background, or a machine that slept, has not listened meanwhile.
    if (now - this.looked > LATE_MS) this.last = now;
    this.looked = now;
    if (this.up && performance.now() - this.last > SILENCE_MS) {
      const socket = this.socket;
      this.lost(socket);
      socket.close();
    }
  }

  /** Whether it was given to the line; what was not is the caller's to show. */
  say(message) {
    if (!this.up || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }
}
