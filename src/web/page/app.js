// Joins the parts: what the bridge tells goes into the store, the store is shown, what is pressed
// goes to the bridge.

import { interrupt, mention, respond } from "./announce.js";
import { AuditView } from "./audit.js";
import { ownState } from "./bidding.js";
import { BoardView } from "./board.js";
import { HouseClock } from "./clock.js";
import { ConsoleView } from "./console.js";
import { el, mark, show, write } from "./dom.js";
import { LotView } from "./lot.js";
import { Currency } from "./money.js";
import { RoomView } from "./room.js";
import { Line } from "./socket.js";
import { Store } from "./store.js";
import { texts as t } from "./texts.js";

const NEWS_MAX = 200;
const SAMPLES_AT_FIRST = 5;
const SAMPLE_EVERY_MS = 5_000;
const TICK_MS = 100;
const CALM_TICK_MS = 1_000;

class App {
  constructor() {
    this.store = new Store();
    this.clock = new HouseClock();
    this.currency = new Currency(null, 0);
    this.view = null;
    this.viewKey = null;
    this.isDue = false;
    document.documentElement.lang = t.lang;
    document.documentElement.dir = t.dir;
    write(document.getElementById("skip"), t.skip);
    this.top = new Top(this);
    this.banners = document.getElementById("banners");
    this.main = document.getElementById("main");
    this.main.replaceChildren(el("p", { class: "note loading" }, t.loading));
    this.line = new Line((message) => this.hear(message), (up) => this.lineChanged(up));
    // The link's token is dead by now; it need not stay in the address bar.
    if (location.search) history.replaceState(null, "", location.pathname + location.hash);
    addEventListener("popstate", () => this.render());
    addEventListener("hashchange", () => this.render());
    document.addEventListener("click", (event) => this.follow(event));
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    setInterval(() => this.tick(), calm ? CALM_TICK_MS : TICK_MS);
    setInterval(() => this.sample(), SAMPLE_EVERY_MS);
  }

  // ---- Who, what, how it is said ----

  canBid() { return this.store.hello?.role === "bidder"; }
  isStaff() { return ["auctioneer", "clerk"].includes(this.store.hello?.role); }
  isAuctioneer() { return this.store.hello?.role === "auctioneer"; }
  isOnline() { return this.store.up && this.store.ready && this.store.link.state === "up"; }
  money(minor) { return this.currency.show(minor); }

  time(ms) {
    const at = new Date(ms);
    const today = at.toDateString() === new Date().toDateString();
    return today ? at.toLocaleTimeString() : at.toLocaleString();
  }

  titleOf(lot) {
    const title = this.store.lots.get(lot)?.title;
    return title ? `${t.lot(lot)} (${title})` : t.lot(lot);
  }

  nameOf(own) {
    const what = own.kind === "bid" ? this.money(own.amount) : own.verb ? t.acts[own.verb] : t.otherAct;
    return own.lot ? t.on(what, this.titleOf(own.lot)) : what;
  }

  whyOf(own) { return t.codes[own.code] ?? own.text ?? ""; }

  newsText(news) {
    const lot = news.lot ? this.titleOf(news.lot) : "";
    const at = news.ends_at ? this.time(news.ends_at) : "";
    switch (news.what) {
      case "bid": {
        const text = t.said.bid(news, lot, this.money(news.amount));
        return news.extended ? `${text}, ${t.said.extended(at)}` : text;
      }
      case "closed": return t.said.closed[news.outcome](news, lot, news.amount ? this.money(news.amount) : "");
      case "extended": return t.said["end-moved"](lot, at, news.reason);
      case "reissued": return t.said.reissued(news.name, news.reason);
      case "said": return t.said.said(t.roles[news.by], lot, news.text);
      case "sale-closed": return t.said["sale-closed"](news, news.hammer_total ? this.money(news.hammer_total) : "");
      case "paused": case "reserve-lowered": case "voided": return t.said[news.what](lot, news.reason);
      default: return t.said[news.what](lot);
    }
  }

  // ---- What the bridge tells ----

  lineChanged(up) {
    this.store.up = up;
    if (up) for (let i = 0; i < SAMPLES_AT_FIRST; i++) setTimeout(() => this.sample(), i * 120);
    this.render();
  }

  hear(message) {
    const { store } = this;
    switch (message.type) {
      case "hello":
        store.begin(message);
        this.currency = new Currency(message.currency, message.minor_digits);
        break;
      case "lots": for (const lot of message.lots) store.lots.set(lot.id, lot); break;
      case "own": this.hearOwn(message.own); break;
      case "news": this.hearNews(message.news); break;
      case "ready": store.ready = true; this.settle(); break;
      case "link": store.link = message; break;
      case "ledger": store.ledger = message; break;
      case "alarm": store.alarms.push(message.text); interrupt(message.text); break;
      case "time": this.clock.answer(message.ask, message.official); return;
      case "steps": store.steps.set(message.lot, message.steps); break;
      case "receipt": this.receive(message); break;
      default: return;
    }
    this.render();
  }

  hearOwn(own) {
    const before = this.store.own.get(own.key)?.state;
    this.store.own.set(own.key, own);
    if (own.id) this.store.forget(own.id);
    if (this.store.ready && before !== own.state) this.announceOwn(own);
  }

  announceOwn(own) {
    const name = this.nameOf(own);
    switch (own.state) {
      case "refused": interrupt(t.refusedSaid(name, this.whyOf(own))); break;
      case "not-sent": interrupt(t.notSentSaid(name, this.whyOf(own))); break;
      case "held": interrupt(t.heldSaid); break;
      case "accepted": if (own.id) respond(t.acceptedSaid(name)); break;
      default:
    }
  }

  hearNews(news) {
    const { store } = this;
    store.news.push(news);
    if (store.news.length > NEWS_MAX) store.news.shift();
    const steps = store.steps.get(news.lot);
    if (news.what === "bid" && steps) steps.push({ seq: news.seq, at: news.at, amount: news.amount, mine: news.mine, void: false });
    if (news.what === "voided" && steps) this.askSteps(news.lot);
    if (!store.ready) return;
    if (news.outbids_us) {
      const ask = store.lots.get(news.lot)?.ask ?? news.amount;
      interrupt(t.outbidSaid(this.titleOf(news.lot), this.money(news.amount), this.money(ask)));
    } else if (!(news.what === "bid" && news.mine)) {
      mention(this.newsText(news), news.what === "bid" ? news.lot : undefined);
    }
  }

  /** After a line was lost: what the bridge does not know never reached it, and must not any more. */
  settle() {
    const known = new Set([...this.store.own.values()].map((own) => own.id));
    for (const own of [...this.store.unsent]) {
      if (known.has(own.id)) { this.store.forget(own.id); continue; }
      if (own.state === "sending") this.notSent(own);
      this.line.say({ type: "cancel", id: own.id });
    }
    if (this.viewKey?.startsWith("lot=")) this.askSteps(this.viewKey.slice(4));
  }

  notSent(own) {
    own.state = "not-sent";
    own.code = "offline";
    this.store.save();
    this.announceOwn(own);
  }

  receive({ seq, text }) {
    if (text === null) {
      this.store.alarms.push(t.noReceipt);
      return;
    }
    const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
    const link = el("a", { href: url, download: `${this.store.hello.sale}-${seq}.tlog-proof` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  // ---- What is pressed ----

  bid(lot, amount) { this.ask({ type: "bid", lot, amount }, { kind: "bid", lot, amount }); }

  act(verb, lot, more) {
    const message = { type: "act", verb, ...(lot === null ? {} : { lot }), ...more };
    if (message.seen === null) delete message.seen;
    this.ask(message, { kind: "act", verb, lot });
  }

  /** Gives it to the bridge, or says at once that it was not sent. */
  ask(message, what) {
    const own = { id: crypto.randomUUID(), ...what, state: "sending", code: null, text: null, seq: null };
    this.store.keep(own);
    if (!this.isOnline() || !this.line.say({ ...message, id: own.id })) this.notSent(own);
    this.render();
  }

  confirm(id) { this.line.say({ type: "confirm", id }); }
  cancel(id) { this.line.say({ type: "cancel", id }); }
  again(own) { this.dismiss(own); this.bid(own.lot, own.amount); }

  dismiss(own) {
    this.store.dismiss(own);
    this.render();
  }

  askSteps(lot) { this.line?.say({ type: "steps", lot }); }
  saveReceipt(seq) { this.line.say({ type: "receipt", seq }); }
  sample() { if (this.line.up) this.line.say({ type: "time", ask: this.clock.ask() }); }

  /** Links to other views need no new page. */
  follow(event) {
    const link = event.target.closest?.("a[data-view]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", link.getAttribute("href"));
    this.render();
  }

  // ---- Showing ----

  /** Shows it soon; of many changes at once only the last is drawn. */
  render() {
    if (this.isDue) return;
    this.isDue = true;
    setTimeout(() => { this.isDue = false; this.draw(); }, 16);
  }

  draw() {
    this.top.update();
    this.drawBanners();
    if (!this.store.hello || !this.store.ready) return;
    this.choose();
    this.view.update();
  }

  wanted() {
    if (location.pathname === "/room") return "room";
    if (location.pathname === "/audit") return "audit";
    const lot = /^#lot=(.+)$/.exec(location.hash);
    if (lot && this.store.lots.has(decodeURIComponent(lot[1]))) return `lot=${decodeURIComponent(lot[1])}`;
    return this.isStaff() ? "console" : "lots";
  }

  choose() {
    const key = `${this.wanted()}`;
    const of = JSON.stringify([this.store.hello.sale, this.store.hello.me, this.store.hello.role]);
    if (key === this.viewKey && of === this.viewOf) return;
    const first = this.view === null;
    [this.viewKey, this.viewOf] = [key, of];
    mark(document.body, "data-view", key.startsWith("lot=") ? "lot" : key);
    this.view = key === "room" ? new RoomView(this) : key === "audit" ? new AuditView(this) : key === "console" ? new ConsoleView(this)
      : key === "lots" ? new BoardView(this) : new LotView(this, key.slice(4));
    this.main.replaceChildren(this.view.element);
    document.title = `${this.store.hello.title} – ${t.product}`;
    this.top.update();
    if (!first) {
      scrollTo(0, 0);
      this.main.querySelector("h1")?.focus({ preventScroll: true });
    }
  }

  drawBanners() {
    const { store } = this;
    const { up, link } = store;
    const down = !up ? ["bridge", t.linkMore.bridge] : link.state === "down" ? ["down", t.linkMore.down(link.why)]
      : link.state === "ended" ? ["ended", t.linkMore.ended(link.why)] : link.state === "checking" ? ["checking", t.linkMore.checking] : null;
    // Before anything was heard there is nothing to lose.
    const shown = down && (store.hello || down[0] === "bridge") && (store.hello || this.everUp) ? down : null;
    this.everUp ||= up;
    const unsent = this.canBid() || this.isStaff() ? store.everything().filter((own) => own.state === "not-sent" || own.state === "held") : [];
    const now = JSON.stringify([shown, store.alarms, unsent, link.state, up]);
    if (now === this.bannersShown) return;
    const spoke = this.downSaid;
    this.downSaid = shown?.[0] ?? null;
    if (shown && spoke !== shown[0]) mention(`${t.link[shown[0]]}. ${shown[1]}`);
    if (!shown && spoke && spoke !== "checking") mention(t.link.up);
    this.bannersShown = now;
    this.banners.replaceChildren(
      ...(shown ? [el("section", { class: "banner down", "aria-label": t.link[shown[0]] }, el("strong", {}, t.link[shown[0]]), " ", el("bdi", {}, shown[1]))] : []),
      ...store.alarms.map((text, index) => el("section", { class: "banner alarm", "aria-label": t.alarm }, el("strong", {}, t.alarm), " ", el("bdi", {}, text), " ",
        el("button", { type: "button", class: "second quiet", onclick: () => { store.alarms.splice(index, 1); this.render(); } }, t.dismiss))),
      ...unsent.slice(0, 5).map((own) => el("section", { class: "banner unsent", "aria-label": t.ownStates[own.state].word }, ...ownState(this, own, { named: true }))));
  }

  tick() {
    this.top.tick();
    if (this.store.ready) this.view?.tick?.();
  }
}

/** The head of the page: whose it is, where one can go, whether the line stands, what time it is. */
class Top {
  constructor(app) {
    this.app = app;
    this.who = el("p", { class: "who" });
    this.state = el("span", { class: "link-state" }, "");
    this.time = el("span", { class: "time" });
    this.error = el("span", { class: "note" });
    this.links = [["/", "lots"], ["/room", "room"], ["/audit", "audit"]].map(([href, view]) => el("a", { href, "data-view": view }, t.views[view]));
    this.nav = el("nav", { "aria-label": t.nav }, ...this.links);
    document.getElementById("top").replaceChildren(
      el("p", { class: "brand" }, t.product), this.nav, this.who,
      el("p", { class: "house-time" }, el("span", { class: "label" }, t.officialTime), " ", this.time, " ", this.error), this.state);
  }

  update() {
    const { app } = this;
    const { store } = app;
    const state = store.up ? store.link.state : "bridge";
    mark(this.state, "data-state", state);
    write(this.state, `${state === "up" ? "●" : state === "checking" ? "◐" : "○"} ${t.link[state]}`);
    if (!store.hello) return;
    write(this.who, t.you(store.hello.me, t.roles[store.hello.role]));
    write(this.links[0], app.isStaff() ? t.views.console : t.views.lots);
    for (const link of this.links) mark(link, "aria-current", link.getAttribute("href") === location.pathname ? "page" : null);
  }

  tick() {
    const now = this.app.clock.now();
    show(this.error, now !== null);
    if (now === null) { write(this.time, t.noTime); return; }
    write(this.time, new Date(now).toLocaleTimeString());
    write(this.error, t.timeError(this.app.clock.error()));
  }
}

new App();
