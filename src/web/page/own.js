// My bids, or what staff did: each with its state, and its receipt once it stands.

import { el } from "./dom.js";
import { ownState } from "./bidding.js";
import { texts as t } from "./texts.js";

const SHOWN_MAX = 50;

/** Whether the ledger holds it: a voided bid has its receipt, too. */
const stands = (own) => own.state === "accepted" || own.state === "voided";

export class OwnList {
  constructor(app, { receipts = false } = {}) {
    this.app = app;
    this.receipts = receipts;
    this.list = el("ul", { class: "own" });
    this.none = el("p", { class: "note" }, receipts ? t.audit.receiptsNone : app.isStaff() ? t.ownActsNone : t.ownNone);
    this.element = el("div", {}, this.none, this.list);
    this.rows = new Map();
  }

  update() {
    const { app } = this;
    const all = app.store.everything().filter((own) => (this.receipts ? stands(own) : true));
    const shown = this.receipts ? all : all.slice(0, SHOWN_MAX);
    this.none.hidden = shown.length > 0;
    const rows = new Map();
    for (const own of shown) {
      const key = own.id ?? `key-${own.key}`;
      const now = JSON.stringify(own);
      const old = this.rows.get(key);
      rows.set(key, old?.now === now ? old : { now, element: this.row(own) });
    }
    this.rows = rows;
    const elements = [...rows.values()].map((row) => row.element);
    const same = elements.length === this.list.children.length && elements.every((element, index) => this.list.children[index] === element);
    if (!same) this.list.replaceChildren(...elements);
  }

  row(own) {
    const row = el("li", {}, ...ownState(this.app, own, { named: true }));
    if (stands(own) && typeof own.seq === "number" && this.receipts) {
      row.append(el("button", { type: "button", class: "second quiet", "aria-label": t.saveReceiptOf(own.seq), onclick: () => this.app.saveReceipt(own.seq) }, t.saveReceipt));
    }
    return row;
  }
}
