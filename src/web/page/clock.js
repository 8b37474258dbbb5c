// Official time, by the sample whose way there and back was shortest: half of that is how far it
// can be off. Samples grow old, since the two clocks drift apart.

const KEEP_MS = 120_000;
const DRIFT = 0.0001;
const SLACK_MS = 50;

export class HouseClock {
  constructor() {
    this.samples = [];
    this.asked = new Map();
    this.next = 1;
  }

  /** Begins a sample; the number goes to the bridge and comes back. */
  ask() {
    const ask = this.next++;
    this.asked.set(ask, performance.now());
    if (this.asked.size > 20) this.asked.delete(this.asked.keys().next().value);
    return ask;
  }

  /** Ends it. */
  answer(ask, official) {
    const sent = this.asked.get(ask);
    if (sent === undefined) return;
    this.asked.delete(ask);
    const now = performance.now();
    const there = (now - sent) / 2;
    // A machine that slept has stopped one of the two clocks: what was measured before is past.
    const best = this.best();
    const apart = best ? Math.abs(official - (sent + there) - best.offset) : 0;
    if (best && apart > best.error + there + SLACK_MS) this.samples = [];
    this.samples.push({ at: now, offset: official - (sent + there), error: there });
    this.samples = this.samples.filter((sample) => now - sample.at < KEEP_MS).slice(-40);
  }

  best() {
    const now = performance.now();
    const error = (sample) => sample.error + (now - sample.at) * DRIFT;
    return this.samples.reduce((best, sample) => (!best || error(sample) < error(best) ? sample : best), null);
  }

  /** Official time in ms, or null before the first sample. */
  now() {
    const best = this.best();
    return best ? performance.now() + best.offset : null;
  }

  /** How far it can be off, in whole ms. */
  error() {
    const best = this.best();
    return best ? Math.max(1, Math.ceil(best.error + (performance.now() - best.at) * DRIFT)) : null;
  }
}

/** `1:02:03`, `2:03`, and tenths in the last ten seconds. Rounds up: it never says 0 too early. */
export function left(ms) {
  if (ms <= 0) return "0:00";
  const tenths = Math.ceil(ms / 100);
  if (tenths < 100) return `0:0${(tenths / 10).toFixed(1)}`;
  const all = Math.ceil(ms / 1000);
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds)}` : `${minutes}:${two(seconds)}`;
}

/** A span as `[number, unit]` pairs that a language can say: `[[1, "hour"], [30, "minute"]]`. */
export function spanParts(ms) {
  const all = Math.ceil(ms / 1000);
  const parts = [[Math.floor(all / 3600), "hour"], [Math.floor(all / 60) % 60, "minute"], [all % 60, "second"]];
  const told = parts.filter(([count]) => count > 0);
  return told.length > 0 ? told : [[0, "second"]];
}
