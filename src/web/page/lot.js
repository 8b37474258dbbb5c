// One lot: how it stands, when it closes and what extends it, its steps, and the box to bid.

import { el, foreign, mark, show, write } from "./dom.js";
import { left, spanParts } from "./clock.js";
import { BidBox } from "./bidding.js";
import { Steps } from "./steps.js";
import { texts as t } from "./texts.js";

/** How we stand on a lot: a key of `texts.standing`. */
export function standingOf(lot) {
  if (lot.state !== "closed") return lot.standing;
  if (lot.standing === "leading") return "won";
  return lot.standing === "out" ? "missed" : "lost";
}

/** Word, shape and colour together, so that none of them is needed. */
export class Standing {
  constructor() {
    this.shape = el("span", { class: "shape", "aria-hidden": "true" });
    this.word = el("span");
    this.element = el("span", { class: "standing" }, this.shape, this.word);
  }

  update(lot) {
    const now = standingOf(lot);
    mark(this.element, "data-standing", now);
    write(this.shape, t.standing[now].shape);
    write(this.word, t.standing[now].word);
  }
}

/** When it ends, in words and ticking. */
export class Closing {
  constructor(app) {
    this.app = app;
    this.label = el("span", { class: "label" });
    this.value = el("span", { class: "left" });
    this.element = el("div", { class: "closing" }, this.label, " ", this.value);
  }

  update(lot) {
    const [label, value, soon] = this.words(lot);
    write(this.label, label);
    write(this.value, value);
    mark(this.element, "data-soon", soon);
  }

  words(lot) {
    const { app } = this;
    if (lot.state === "closed") return [t.outcomes[lot.outcome] ?? t.states.closed, lot.closed_at ? app.time(lot.closed_at) : "", false];
    if (lot.state === "pending") return [t.states.pending, lot.opens_at ? t.opensAt(app.time(lot.opens_at)) : "", false];
    if (lot.state === "paused") return [t.states.paused, lot.left_ms === null ? "" : t.pausedLeft(left(lot.left_ms)), false];
    if (lot.ends_at === null) {
      if (lot.manual) return [t.states.open, t.manualEnd, false];
      return [t.states.open, lot.runs_ms ? t.firstBidStarts(t.span(spanParts(lot.runs_ms))) : t.noEnd, false];
    }
    const now = app.clock.now();
    if (now === null) return [t.closesIn, t.closesAt(app.time(lot.ends_at)), false];
    const ms = lot.ends_at - now;
    return ms > 0 ? [t.closesIn, left(ms), ms < 30_000] : [t.closing, "", true];
  }
}

/** What extends the end, and what does not. */
export function softClose(app, lot) {
  const parts = [];
  if (lot.soft_window_ms > 0 && lot.soft_extend_ms > 0 && !lot.manual) {
    parts.push(t.softClose(t.span(spanParts(lot.soft_window_ms)), t.span(spanParts(lot.soft_extend_ms))));
    if (lot.hard_end) parts.push(t.hardEnd(app.time(lot.hard_end)));
  } else if (!lot.manual) {
    parts.push(t.noSoftClose);
  }
  if (lot.extensions > 0) parts.push(`${t.extended(lot.extensions)}.`);
  return parts.join(" ");
}

/** Word for the reserve, where there is one to say. */
export function reserveOf(lot) {
  if (lot.reserve_met === true) return t.reserve.met;
  if (lot.reserve_met === false) return t.reserve.notMet;
  if (lot.has_reserve) return t.reserve.hidden;
  return lot.without_reserve ? t.reserve.without : "";
}

/** Price or start, as a pair of label and amount. */
export function priceOf(app, lot) {
  if (lot.price === null) return [t.startsAt, app.money(lot.start)];
  return [lot.outcome === "sold" ? t.hammerPrice : t.price, app.money(lot.price)];
}

/** The whole page of one lot. */
export class LotView {
  constructor(app, id) {
    this.app = app;
    this.id = id;
    this.heading = el("h1", { tabindex: "-1" });
    this.title = foreign("");
    this.standing = new Standing();
    this.closing = new Closing(app);
    this.priceLabel = el("span", { class: "label" });
    this.price = el("span", { class: "price" });
    this.leader = el("p", { class: "leader" });
    this.soft = el("p", { class: "note" });
    this.facts = el("dl", { class: "facts" });
    this.steps = new Steps(app, id);
    this.box = app.canBid() ? new BidBox(app, id, { full: true }) : null;
    this.heading.append(el("span", { class: "number" }, t.lot(id)), " ", this.title);
    this.element = el("article", { class: "lot-view" },
      el("p", {}, el("a", { href: "#" }, `← ${t.back}`)),
      this.heading,
      el("div", { class: "columns" },
        el("section", { class: "panel now" },
          app.canBid() ? this.standing.element : null,
          el("div", { class: "price-line" }, this.priceLabel, this.price),
          this.leader, this.closing.element, this.soft, this.box?.element ?? null),
        el("section", { class: "panel" }, this.steps.element, this.facts)));
    app.askSteps(id);
  }

  update() {
    const { app } = this;
    const lot = app.store.lots.get(this.id);
    show(this.element, Boolean(lot));
    if (!lot) return;
    write(this.title, lot.title);
    this.standing.update(lot);
    const [label, price] = priceOf(app, lot);
    write(this.priceLabel, label);
    write(this.price, price);
    write(this.leader, lot.who ? `${lot.state === "closed" ? t.winner : t.leader}: ${t.who(lot.who)}` : t.noBid);
    write(this.soft, softClose(app, lot));
    this.closing.update(lot);
    this.box?.update();
    this.steps.update();
    this.updateFacts(lot);
  }

  updateFacts(lot) {
    const { app } = this;
    const facts = [
      [t.ask, lot.state === "closed" ? "" : app.money(lot.ask)],
      [t.estimate, lot.estimate ? `${app.money(lot.estimate[0])} – ${app.money(lot.estimate[1])}` : ""],
      [t.seller, lot.seller ?? ""],
      ["", reserveOf(lot)],
      [t.increments, lot.increments.map(([from, step]) => (lot.increments.length === 1 ? app.money(step) : t.incrementRow(app.money(from), app.money(step)))).join("; ")],
    ].filter(([, value]) => value !== "");
    const now = JSON.stringify(facts);
    if (now === this.factsShown) return;
    this.factsShown = now;
    this.facts.replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name || t.reserveLabel), el("dd", {}, foreign(value)))));
  }

  tick() {
    const lot = this.app.store.lots.get(this.id);
    if (lot) this.closing.update(lot);
  }
}
