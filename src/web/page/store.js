// What the page knows: a copy of what the bridge told, and what was pressed here and never reached
// the bridge. The latter is kept in the tab until somebody takes it away: a bid is never lost
// silently, and never sent later by itself.

const KEPT = "gavel-unsent";
const KEPT_MAX = 100;

export class Store {
  constructor() {
    this.hello = null;
    this.lots = new Map();
    this.own = new Map();
    this.news = [];
    this.link = { state: "checking" };
    this.ledger = null;
    this.alarms = [];
    this.steps = new Map();
    this.ready = false;
    this.up = false;
    const kept = load();
    this.unsent = kept.unsent;
    this.dismissed = new Set(kept.dismissed);
  }

  /** The bridge begins anew: what it told before may be past. */
  begin(hello) {
    this.hello = hello;
    this.lots.clear();
    this.own.clear();
    this.steps.clear();
    this.news = [];
    this.alarms = [];
    this.ready = false;
  }

  /** Everything of ours, the newest first: what the bridge knows, and what never reached it. */
  everything() {
    const known = [...this.own.values()].reverse();
    const ids = new Set(known.map((own) => own.id));
    const unsent = this.unsent.filter((own) => !ids.has(own.id)).reverse();
    return [...unsent, ...known].filter((own) => !own.id || !this.dismissed.has(own.id));
  }

  /** Takes away what was not sent, once somebody has seen it. */
  dismiss(own) {
    this.dismissed.add(own.id);
    this.unsent = this.unsent.filter((kept) => kept.id !== own.id);
    this.save();
  }

  /** Our newest bid on a lot. */
  lastOn(lot) {
    return this.everything().find((own) => own.kind === "bid" && own.lot === lot) ?? null;
  }

  /** Keeps what was asked until the bridge has answered for it. */
  keep(own) {
    this.unsent.push(own);
    this.save();
  }

  /** The bridge knows it now, or somebody has taken it away. */
  forget(id) {
    const before = this.unsent.length;
    this.unsent = this.unsent.filter((own) => own.id !== id);
    if (this.unsent.length !== before) this.save();
  }

  save() {
    try {
      const kept = { of: location.host, unsent: this.unsent.slice(-KEPT_MAX), dismissed: [...this.dismissed].slice(-KEPT_MAX) };
      sessionStorage.setItem(KEPT, JSON.stringify(kept));
    } catch {
      // Without storage it lives as long as the tab does.
    }
  }
}

function load() {
  const nothing = { unsent: [], dismissed: [] };
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    const fits = kept?.of === location.host && Array.isArray(kept.unsent) && Array.isArray(kept.dismissed);
    return fits ? kept : nothing;
  } catch {
    return nothing;
  }
}
