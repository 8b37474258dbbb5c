// Bidding: one big button that asks for a second press on the same spot, another amount for those
// who want one, and under both what became of the last bid.

import { el, mark, show, write } from "./dom.js";
import { interrupt, respond } from "./announce.js";
import { texts as t } from "./texts.js";

const ARMED_MS = 6_000;
const TOO_QUICK_MS = 350;

/**
 * Makes a button need two presses. `offer` says what a press means now, or null; `sameOffer`
 * whether what was armed is still meant; `done` does it. A double click is one press.
 */
export function twoPress(button, { offer, label, armedLabel, armedSaid, changed, done }) {
  let armed = null;
  let timer = null;
  const disarm = () => {
    armed = null;
    clearTimeout(timer);
    mark(button, "data-armed", false);
  };
  button.addEventListener("click", () => {
    const now = offer();
    if (!now) return;
    if (!armed) {
      armed = { offer: now, at: performance.now() };
      mark(button, "data-armed", true);
      timer = setTimeout(() => { disarm(); refresh(); }, ARMED_MS);
      if (armedSaid) respond(armedSaid(now));
      refresh();
      return;
    }
    if (performance.now() - armed.at < TOO_QUICK_MS) return;
    const meant = armed.offer;
    disarm();
    done(meant);
    refresh();
  });
  button.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && armed) { disarm(); refresh(); }
    // A key that is held down presses once.
    if (event.repeat && (event.key === "Enter" || event.key === " ")) event.preventDefault();
  });
  function refresh() {
    const now = offer();
    if (armed && (!now || now.key !== armed.offer.key)) {
      disarm();
      if (now && changed) interrupt(changed(now));
    }
    mark(button, "aria-disabled", !now);
    write(button, armed ? armedLabel(armed.offer) : label(now));
  }
  return { refresh, disarm };
}

/** Why nobody can bid on a lot from here now; null if one can. */
export function bar(app, lot) {
  if (!app.isOnline()) return "offline";
  if (lot.we_sell) return "seller";
  if (lot.state !== "open") return lot.state;
  if (lot.standing === "leading" && lot.reserve_met !== false) return "leading";
  return null;
}

/** The box for one lot. */
export class BidBox {
  constructor(app, id, { full = false } = {}) {
    this.app = app;
    this.id = id;
    this.button = el("button", { class: "bid", type: "button" });
    this.status = el("div", { class: "bid-status" });
    this.press = twoPress(this.button, {
      offer: () => this.offer(),
      label: (now) => (now ? t.bidNow(app.money(now.amount)) : this.barred()),
      armedLabel: (armed) => t.pressAgain(app.money(armed.amount)),
      armedSaid: (now) => t.pressAgainSaid(app.money(now.amount), this.title()),
      changed: (now) => t.askChanged(app.money(now.amount)),
      done: (meant) => app.bid(this.id, meant.amount),
    });
    this.element = el("div", { class: "bid-box" }, this.button);
    if (full) this.element.append(this.other());
    this.element.append(this.status);
    this.shown = "";
  }

  lot() {
    return this.app.store.lots.get(this.id);
  }

  title() {
    return this.lot()?.title ?? t.lot(this.id);
  }

  barred() {
    const why = this.lot() ? bar(this.app, this.lot()) : "offline";
    return t.cannotBid[why ?? "offline"];
  }

  offer() {
    const lot = this.lot();
    return lot && bar(this.app, lot) === null ? { key: `${lot.ask}`, amount: lot.ask } : null;
  }

  /** Another amount: the same two presses, on its own button. */
  other() {
    const { app } = this;
    const fieldId = `other-${this.id}`;
    const input = el("input", { id: fieldId, inputmode: "decimal", autocomplete: "off", "aria-describedby": `${fieldId}-note` });
    const note = el("p", { class: "note", id: `${fieldId}-note` });
    const go = el("button", { type: "button", class: "second" });
    const typed = () => app.currency.read(input.value);
    let isDone = false;
    const offer = () => {
      const lot = this.lot();
      const amount = typed();
      if (!lot || bar(app, lot) !== null || amount === null) return null;
      return { key: `${amount}`, amount };
    };
    this.otherPress = twoPress(go, {
      offer,
      label: () => t.otherGo,
      armedLabel: (armed) => t.otherAgain(app.money(armed.amount)),
      armedSaid: (now) => t.pressAgainSaid(app.money(now.amount), this.title()),
      done: (meant) => {
        // A bid typed while the line is down comes here too, and is listed as not sent.
        app.bid(this.id, meant.amount);
        input.value = "";
        isDone = true;
      },
    });
    go.addEventListener("click", () => {
      // The press that bids has emptied the field; that is no wrong amount.
      if (isDone) { isDone = false; return; }
      const lot = this.lot();
      const amount = typed();
      if (!lot) return;
      if (amount === null) tell(t.notAnAmount(app.currency.decimal(lot.ask)));
      else if (bar(app, lot) === "offline") { app.bid(this.id, amount); input.value = ""; tell(""); }
      else if (amount < lot.ask) tell(t.belowAsk(app.money(lot.ask)));
      else tell("");
    });
    const tell = (text) => {
      write(note, text);
      mark(input, "aria-invalid", text !== "");
      if (text) respond(text);
    };
    input.addEventListener("input", () => { tell(""); this.otherPress.refresh(); });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") { event.preventDefault(); go.click(); go.focus(); }
    });
    this.otherPress.refresh();
    return el("div", { class: "other" }, el("label", { for: fieldId }, t.otherAmount), el("div", { class: "fixed" }, input, go), note);
  }

  update() {
    this.press.refresh();
    this.otherPress?.refresh();
    mark(this.button, "data-bar", this.lot() ? bar(this.app, this.lot()) : "offline");
    const own = this.app.store.lastOn(this.id);
    const now = own ? JSON.stringify([own.key, own.id, own.state, own.text, own.seq, bar(this.app, this.lot() ?? {})]) : "";
    if (now === this.shown) return;
    this.shown = now;
    this.status.replaceChildren(...(own ? ownState(this.app, own) : []));
    show(this.status, Boolean(own));
  }
}

/** What became of a bid or act: shape, word, and what one can do about it. */
export function ownState(app, own, { named = false } = {}) {
  const { shape, word } = t.ownStates[own.state];
  const badge = el("span", { class: `state ${own.state}` }, el("span", { class: "shape", "aria-hidden": "true" }, shape), word);
  const what = el("span", { class: "what" }, named ? app.nameOf(own) : own.kind === "bid" ? app.money(own.amount) : "");
  const parts = [el("p", { class: "own-line" }, badge, " ", what, own.seq !== null && own.seq !== undefined ? el("span", { class: "note" }, ` · ${t.entry(own.seq)}`) : null)];
  const words = own.state === "unknown" ? t.ownUnknown : app.whyOf(own);
  if (own.state === "held") {
    const lot = app.store.lots.get(own.lot);
    parts.push(el("p", {}, t.held(app.money(own.amount), lot?.title ?? own.lot, app.money(lot?.ask ?? own.amount))));
    parts.push(el("div", { class: "row" },
      el("button", { type: "button", class: "second danger", onclick: () => app.confirm(own.id) }, t.heldYes(app.money(own.amount))),
      el("button", { type: "button", class: "second", onclick: () => app.cancel(own.id) }, t.heldNo)));
  } else if (words && own.state !== "accepted") {
    parts.push(el("p", { class: "note" }, el("bdi", {}, words)));
  }
  if (own.state === "not-sent") {
    const row = el("div", { class: "row" });
    if (own.kind === "bid") row.append(el("button", { type: "button", class: "second", onclick: () => app.again(own) }, t.bidAgain(app.money(own.amount))));
    row.append(el("button", { type: "button", class: "second quiet", onclick: () => app.dismiss(own) }, t.dismiss));
    parts.push(row);
  }
  return parts;
}
