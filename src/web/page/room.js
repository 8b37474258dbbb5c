// The room: one lot at a time, for a projector. Nothing to press.

import { el, foreign, show, write } from "./dom.js";
import { Closing, priceOf, reserveOf } from "./lot.js";
import { texts as t } from "./texts.js";

const SAID_MS = 12_000;
const RESULTS_MAX = 200;

export class RoomView {
  constructor(app) {
    this.app = app;
    this.heading = el("h1", { tabindex: "-1" });
    this.number = el("p", { class: "room-number" });
    this.priceLabel = el("span", { class: "label" });
    this.price = el("span", { class: "price room-price" });
    this.who = el("p", { class: "room-who" });
    this.ask = el("p", { class: "room-ask" });
    this.reserve = el("p", { class: "room-ask" });
    this.closing = new Closing(app);
    this.said = el("p", { class: "room-said" });
    this.results = el("div", { class: "panel scroll", tabindex: "0", role: "region", "aria-label": t.room.results });
    this.stage = el("div", { class: "room-stage" }, el("div", { class: "price-line" }, this.priceLabel, this.price), this.who, this.ask, this.reserve, this.closing.element);
    this.element = el("div", { class: "room" }, this.number, this.heading, this.stage, this.said, this.results);
  }

  /** What the room looks at: the lot that staff opened last, else the one that closes first. */
  current() {
    const { lots, news } = this.app.store;
    const live = [...lots.values()].filter((lot) => lot.state === "open" || lot.state === "paused");
    const byStaff = live.filter((lot) => lot.manual);
    const opened = [...news].reverse().find((one) => one.what === "opened" && byStaff.some((lot) => lot.id === one.lot));
    if (opened) return lots.get(opened.lot);
    const end = (lot) => lot.ends_at ?? Number.MAX_SAFE_INTEGER;
    return live.sort((a, b) => end(a) - end(b))[0] ?? null;
  }

  update() {
    const { app } = this;
    const lots = [...app.store.lots.values()];
    const lot = this.current();
    const pending = lots.find((one) => one.state === "pending");
    const over = lots.length > 0 && lots.every((one) => one.state === "closed");
    const shown = lot ?? (over ? null : pending ?? null);
    write(this.number, shown ? (lot ? t.lot(shown.id) : `${t.room.next}: ${t.lot(shown.id)}`) : app.store.hello.title);
    const title = shown ? shown.title : over ? t.room.over : t.room.waiting;
    if (this.title !== title) {
      this.title = title;
      this.heading.replaceChildren(foreign(title));
    }
    show(this.stage, Boolean(shown));
    if (shown) {
      const [label, price] = priceOf(app, shown);
      write(this.priceLabel, label);
      write(this.price, price);
      write(this.who, shown.who ? t.room.bidBy(t.who(shown.who)) : t.noBid);
      write(this.ask, lot ? `${t.room.askNow}: ${app.money(shown.ask)}` : "");
      write(this.reserve, reserveOf(shown));
      this.closing.update(shown);
    }
    this.updateResults(lots.filter((one) => one.state === "closed"), over);
    this.tick();
  }

  updateResults(closed, over) {
    show(this.results, over);
    const now = over ? closed.length : -1;
    if (now === this.resultsShown) return;
    this.resultsShown = now;
    if (!over) return;
    this.results.replaceChildren(el("table", {}, el("caption", {}, t.room.results),
      el("thead", {}, el("tr", {}, ...t.room.columns.map((name) => el("th", { scope: "col" }, name)))),
      el("tbody", {}, ...closed.slice(0, RESULTS_MAX).map((lot) => el("tr", {},
        el("td", {}, lot.id), el("th", { scope: "row" }, foreign(lot.title)),
        el("td", {}, lot.who ? t.who(lot.who) : t.outcomes[lot.outcome]),
        el("td", { class: "number" }, lot.outcome === "sold" ? this.app.money(lot.price) : "–"))))));
  }

  tick() {
    const lot = this.current();
    if (lot) this.closing.update(lot);
    const said = [...this.app.store.news].reverse().find((one) => one.what === "said");
    const now = this.app.clock.now();
    const isMeant = said && lot && (!said.lot || said.lot === lot.id);
    const fresh = isMeant && now !== null && now - said.at < SAID_MS;
    write(this.said, fresh ? said.text : "");
    show(this.said, Boolean(fresh));
  }
}
