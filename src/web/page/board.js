// All lots, to look through and to bid on.

import { el, foreign, mark, show, write } from "./dom.js";
import { BidBox } from "./bidding.js";
import { Closing, Standing, priceOf, reserveOf } from "./lot.js";
import { OwnList } from "./own.js";
import { News } from "./console.js";
import { texts as t } from "./texts.js";

const PAGE = 60;

class Card {
  constructor(app, lot) {
    this.app = app;
    this.id = lot.id;
    this.standing = new Standing();
    this.closing = new Closing(app);
    this.priceLabel = el("span", { class: "label" });
    this.price = el("span", { class: "price" });
    this.more = el("p", { class: "note" });
    this.box = app.canBid() ? new BidBox(app, lot.id) : null;
    this.element = el("li", { class: "card" },
      el("h2", {}, el("a", { href: `#lot=${encodeURIComponent(lot.id)}` }, el("span", { class: "number" }, t.lot(lot.id)), " ", foreign(lot.title))),
      app.canBid() ? this.standing.element : null,
      el("div", { class: "price-line" }, this.priceLabel, this.price),
      this.more, this.closing.element, this.box?.element ?? null);
  }

  update(lot) {
    mark(this.element, "data-state", lot.state);
    mark(this.element, "data-standing", this.app.canBid() ? lot.standing : null);
    this.standing.update(lot);
    const [label, price] = priceOf(this.app, lot);
    write(this.priceLabel, label);
    write(this.price, price);
    const parts = [lot.who ? t.who(lot.who) : t.noBid, lot.bids > 0 ? t.bids(lot.bids) : "", reserveOf(lot)];
    write(this.more, parts.filter(Boolean).join(" · "));
    this.closing.update(lot);
    this.box?.update();
  }
}

export class BoardView {
  constructor(app) {
    this.app = app;
    this.cards = new Map();
    this.filter = "all";
    this.limit = PAGE;
    this.heading = el("h1", { tabindex: "-1" });
    this.search = el("input", { id: "search", type: "search", autocomplete: "off", oninput: () => this.update() });
    this.buttons = Object.entries(t.filters).filter(([key]) => app.canBid() || key !== "mine").map(([key, word]) =>
      el("button", { type: "button", "data-filter": key, onclick: () => { this.filter = key; this.limit = PAGE; this.update(); } }, word));
    this.list = el("ul", { class: "cards" });
    this.none = el("p", { class: "note" }, t.nothingFound);
    this.more = el("button", { type: "button", class: "second", onclick: () => { this.limit += PAGE; this.update(); } });
    this.own = new OwnList(app);
    this.news = new News(app);
    this.element = el("div", { class: "board" },
      el("div", { class: "lots" }, this.heading,
        el("div", { class: "tools" },
          el("div", { class: "field" }, el("label", { for: "search" }, t.search), this.search),
          el("div", { class: "filters", role: "group", "aria-label": t.filter }, ...this.buttons)),
        this.none, this.list, this.more),
      el("aside", { class: "side", "aria-label": t.own },
        app.canBid() ? el("section", { class: "panel" }, el("h2", {}, t.own), this.own.element) : null,
        el("section", { class: "panel" }, el("h2", {}, t.news), this.news.element)));
  }

  fits(lot) {
    if (this.filter === "open" && lot.state !== "open" && lot.state !== "paused") return false;
    if (this.filter === "closed" && lot.state !== "closed") return false;
    if (this.filter === "mine" && lot.standing === "out") return false;
    const wanted = this.search.value.trim().toLowerCase();
    return wanted === "" || lot.id.toLowerCase() === wanted || lot.title.toLowerCase().includes(wanted);
  }

  update() {
    const { app } = this;
    write(this.heading, app.store.hello.title);
    for (const button of this.buttons) mark(button, "aria-pressed", button.dataset.filter === this.filter ? "true" : "false");
    const fitting = [...app.store.lots.values()].filter((lot) => this.fits(lot));
    const shown = fitting.slice(0, this.limit);
    show(this.none, shown.length === 0);
    const elements = shown.map((lot) => {
      if (!this.cards.has(lot.id)) this.cards.set(lot.id, new Card(app, lot));
      const card = this.cards.get(lot.id);
      card.update(lot);
      return card.element;
    });
    const same = elements.length === this.list.children.length && elements.every((element, index) => this.list.children[index] === element);
    if (!same) this.list.replaceChildren(...elements);
    const rest = fitting.length - shown.length;
    show(this.more, rest > 0);
    write(this.more, t.more(Math.min(rest, PAGE)));
    this.own.update();
    this.news.update();
  }

  tick() {
    for (const lot of this.app.store.lots.values()) {
      if (lot.state === "open" && lot.ends_at !== null) this.cards.get(lot.id)?.closing.update(lot);
    }
  }
}
