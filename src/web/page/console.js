// The auctioneer's console: what is on sale now, large, and one button for each thing to do. A
// hammer and a void name the bid that was on this screen for long enough to be read.

import { el, foreign, mark, show, write } from "./dom.js";
import { twoPress } from "./bidding.js";
import { respond } from "./announce.js";
import { Closing, priceOf, reserveOf } from "./lot.js";
import { OwnList } from "./own.js";
import { texts as t } from "./texts.js";

const SEEN_AFTER_MS = 500;
const NEWS_SHOWN = 12;
const TITLE_SHOWN = 32;

/** A title that fits a button; the whole of it is in the list beside. */
function short(title) {
  const letters = [...title];
  return letters.length > TITLE_SHOWN ? `${letters.slice(0, TITLE_SHOWN).join("")}…` : title;
}

/** The newest news, in words. */
export class News {
  constructor(app) {
    this.app = app;
    this.list = el("ol", { class: "news", reversed: true });
    this.none = el("p", { class: "note" }, t.newsNone);
    this.element = el("div", {}, this.none, this.list);
    this.newest = null;
  }

  update() {
    const { news } = this.app.store;
    const newest = news.at(-1)?.seq ?? -1;
    if (newest === this.newest) return;
    this.newest = newest;
    show(this.none, news.length === 0);
    this.list.replaceChildren(...news.slice(-NEWS_SHOWN).reverse().map((one) =>
      el("li", {}, el("time", {}, this.app.time(one.at)), " ", foreign(this.app.newsText(one)))));
  }
}

export class ConsoleView {
  constructor(app) {
    this.app = app;
    this.chosen = null;
    this.seen = new Map();
    this.heading = el("h1", { tabindex: "-1" }, t.views.console);
    this.title = el("h2", { class: "big-title" });
    this.price = el("span", { class: "price huge" });
    this.priceLabel = el("span", { class: "label" });
    this.who = el("p", { class: "leader" });
    this.closing = new Closing(app);
    this.reserve = el("p", { class: "note" });
    this.list = el("ul", { class: "lot-list" });
    this.rows = new Map();
    this.news = new News(app);
    this.own = new OwnList(app);
    this.buttons();
    this.forms();
    this.element = el("div", { class: "console" },
      el("div", { class: "stage" }, this.heading,
        el("section", { class: "panel", "aria-label": t.console.current },
          this.title, el("div", { class: "price-line" }, this.priceLabel, this.price), this.who, this.closing.element, this.reserve,
          el("div", { class: "acts" }, this.openNext, this.warn, this.hammer, this.pass, this.pause, this.resume),
          el("p", { class: "note" }, app.isAuctioneer() ? t.console.seen : t.console.clerk)),
        el("section", { class: "panel" }, this.sayForm, app.isAuctioneer() ? this.voidForm : null,
          el("div", { class: "fixed" }, el("p", { class: "note" }, t.console.others), this.closeSale))),
      el("aside", { class: "side" },
        el("section", { class: "panel" }, el("h2", {}, t.console.lots), this.list),
        el("section", { class: "panel" }, el("h2", {}, t.ownActs), this.own.element),
        el("section", { class: "panel" }, el("h2", {}, t.news), this.news.element)));
  }

  // ---- What is on sale ----

  isLive(lot) {
    return lot && (lot.state === "open" || lot.state === "paused");
  }

  /** The one that was chosen or opened last, else the first that is open. */
  current() {
    const lots = this.app.store.lots;
    const opened = [...this.app.store.news].reverse().find((news) => news.what === "opened" && this.isLive(lots.get(news.lot)));
    for (const id of [this.chosen, opened?.lot]) if (this.isLive(lots.get(id))) return lots.get(id);
    return [...lots.values()].find((lot) => this.isLive(lot)) ?? null;
  }

  nextPending() {
    return [...this.app.store.lots.values()].find((lot) => lot.state === "pending") ?? null;
  }

  /** Notes since when a lot's standing bid is on the screen. */
  look(lot) {
    const known = this.seen.get(lot.id);
    if (known && known.bid === lot.bid) return;
    this.seen.set(lot.id, { bid: lot.bid, price: lot.price, since: performance.now(), before: known?.bid ?? lot.bid });
  }

  /** The bid that a press means: the one before, while the new one cannot have been read. */
  seenBid(lot) {
    const known = this.seen.get(lot.id);
    if (!known) return lot.bid;
    return performance.now() - known.since < SEEN_AFTER_MS ? known.before : known.bid;
  }

  // ---- Buttons ----

  act(verb, lot, more = {}) {
    this.app.act(verb, lot?.id ?? null, more);
  }

  button(label, press, extra = {}) {
    return el("button", { type: "button", class: "act", onclick: press, ...extra }, label);
  }

  double(className, options) {
    const button = el("button", { type: "button", class: `act ${className}` });
    const press = twoPress(button, options);
    this.presses = [...(this.presses ?? []), press];
    return button;
  }

  live(state) {
    const lot = this.current();
    return this.app.isOnline() && lot && (!state || lot.state === state) ? lot : null;
  }

  buttons() {
    const { app } = this;
    const able = (button, is) => mark(button, "aria-disabled", !is);
    this.openNext = this.button("", () => { const lot = this.nextPending(); if (lot && app.isOnline()) { this.chosen = lot.id; this.act("open", lot); } }, { class: "act main" });
    this.warn = this.button(t.console.warn, () => { const lot = this.live("open"); if (lot) this.act("warn", lot); });
    this.pause = this.button(t.console.pause, () => { const lot = this.live("open"); if (lot) this.act("pause", lot); });
    this.resume = this.button(t.console.resume, () => { const lot = this.live("paused"); if (lot) this.act("resume", lot); });
    const sold = (lot) => lot && lot.bid !== null && lot.reserve_met !== false;
    this.hammer = this.double("main", {
      offer: () => { const lot = this.live(); return sold(lot) && app.isAuctioneer() ? { key: `${lot.id}/${lot.bid}`, lot } : null; },
      label: () => { const lot = this.current(); return sold(lot) ? t.console.hammer(app.money(lot.price), t.who(lot.who)) : t.console.hammerNone; },
      armedLabel: ({ lot }) => t.console.hammerAgain(app.money(lot.price), lot.bid),
      armedSaid: ({ lot }) => t.console.hammerAgain(app.money(lot.price), lot.bid),
      done: ({ lot }) => this.act("hammer", lot, { seen: this.seenBid(lot) }),
    });
    this.pass = this.double("", {
      offer: () => { const lot = this.live(); return lot && !sold(lot) && app.isAuctioneer() ? { key: `${lot.id}/${lot.bid}`, lot } : null; },
      label: () => t.console.pass,
      armedLabel: () => t.console.passAgain,
      armedSaid: () => t.console.passAgain,
      done: ({ lot }) => this.act("pass", lot, { seen: this.seenBid(lot) }),
    });
    this.closeSale = this.double("danger", {
      offer: () => (app.isOnline() && app.isAuctioneer() ? { key: "close" } : null),
      label: () => t.console.closeSale,
      armedLabel: () => t.console.closeSaleAgain,
      armedSaid: () => t.console.closeSaleAgain,
      done: () => this.act("close-sale", null),
    });
    this.refreshButtons = () => {
      const next = this.nextPending();
      write(this.openNext, next ? t.console.openNext(next.id, short(next.title)) : t.console.nothingPending);
      able(this.openNext, next && app.isOnline());
      able(this.warn, this.live("open"));
      able(this.pause, this.live("open"));
      able(this.resume, this.live("paused"));
      for (const press of this.presses) press.refresh();
    };
  }

  forms() {
    const { app } = this;
    const say = el("input", { id: "say", autocomplete: "off", maxlength: "200" });
    this.sayForm = el("form", { class: "field", onsubmit: (event) => {
      event.preventDefault();
      const text = say.value.trim();
      if (!text) return;
      this.act("say", null, { text });
      if (app.isOnline()) say.value = "";
    } }, el("label", { for: "say" }, t.console.say), el("div", { class: "row" }, say, el("button", { class: "second" }, t.console.saySend)));
    const reason = el("input", { id: "reason", autocomplete: "off", maxlength: "200", "aria-describedby": "reason-note" });
    const note = el("p", { class: "note", id: "reason-note" });
    const voiding = this.double("danger", {
      offer: () => { const lot = this.live(); return lot && lot.bid !== null ? { key: `${lot.id}/${lot.bid}`, lot } : null; },
      label: () => t.console.void,
      armedLabel: ({ lot }) => t.console.voidAgain(app.money(lot.price)),
      armedSaid: ({ lot }) => t.console.voidAgain(app.money(lot.price)),
      done: ({ lot }) => {
        const text = reason.value.trim();
        write(note, text ? "" : t.console.reasonNeeded);
        mark(reason, "aria-invalid", !text && "true");
        if (!text) { respond(t.console.reasonNeeded); reason.focus(); return; }
        this.act("void", lot, { seen: this.seenBid(lot), text });
        reason.value = "";
      },
    });
    this.voidForm = el("div", { class: "field" }, el("label", { for: "reason" }, t.console.reason), el("div", { class: "fixed" }, reason, voiding), note);
  }

  // ---- Showing ----

  update() {
    const { app } = this;
    const lot = this.current();
    for (const one of app.store.lots.values()) if (this.isLive(one)) this.look(one);
    this.title.replaceChildren(...(lot ? [el("span", { class: "number" }, t.lot(lot.id)), " ", foreign(lot.title)] : [t.console.none]));
    const [label, price] = lot ? priceOf(app, lot) : ["", ""];
    write(this.priceLabel, label);
    write(this.price, price);
    write(this.who, !lot ? "" : lot.who ? `${t.who(lot.who)} · ${t.console.bidNumber(lot.bid)} · ${t.bids(lot.bids)}` : t.noBid);
    write(this.reserve, lot ? reserveOf(lot) : "");
    show(this.closing.element, Boolean(lot));
    if (lot) this.closing.update(lot);
    this.refreshButtons();
    this.updateList(lot);
    this.own.update();
    this.news.update();
  }

  updateList(current) {
    const elements = [...this.app.store.lots.values()].slice(0, 300).map((lot) => {
      const now = JSON.stringify([lot.state, lot.price, lot.outcome, lot.who, current?.id === lot.id]);
      const old = this.rows.get(lot.id);
      if (old?.now === now) return old.element;
      const element = this.row(lot, current?.id === lot.id);
      this.rows.set(lot.id, { now, element });
      return element;
    });
    const same = elements.length === this.list.children.length && elements.every((element, index) => this.list.children[index] === element);
    if (!same) this.list.replaceChildren(...elements);
  }

  row(lot, isCurrent) {
    const state = lot.state === "closed" ? t.outcomes[lot.outcome] : t.states[lot.state];
    const price = lot.price === null ? "" : ` · ${this.app.money(lot.price)}`;
    const choose = !this.isLive(lot) ? null : isCurrent ? el("strong", {}, t.console.chosen)
      : el("button", { type: "button", class: "second quiet", onclick: () => { this.chosen = lot.id; this.app.render(); } }, t.console.choose);
    return el("li", { "data-state": lot.state }, el("span", {}, el("span", { class: "number" }, t.lot(lot.id)), " ", foreign(lot.title)), el("span", { class: "note" }, `${state}${price}`), choose);
  }

  tick() {
    const lot = this.current();
    if (lot) this.closing.update(lot);
    // The bid that a press means changes with time, not only with news.
  }
}
