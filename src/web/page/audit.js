// What the bridge checked, what it did not, and how to check all of it without it.

import { el, foreign } from "./dom.js";
import { OwnList } from "./own.js";
import { texts as t } from "./texts.js";

export class AuditView {
  constructor(app) {
    this.app = app;
    this.facts = el("dl", { class: "facts wide" });
    this.own = new OwnList(app, { receipts: true });
    const { sale } = app.store.hello;
    const commands = [`gavel fetch CREDENTIAL ${sale}.jsonl`, `gavel verify ${sale}.jsonl --trust ${app.store.hello.ca}`];
    this.element = el("div", { class: "audit" },
      el("h1", { tabindex: "-1" }, t.audit.title), el("p", {}, t.audit.intro),
      el("section", { class: "panel" }, this.facts),
      el("section", { class: "panel" }, el("h2", {}, t.audit.commands), el("p", {}, t.audit.commandsMore),
        ...commands.map((command) => el("pre", { tabindex: "0" }, el("code", {}, command))),
        el("h2", {}, t.audit.not), el("p", {}, t.audit.notMore)),
      el("section", { class: "panel" }, el("h2", {}, t.audit.receipts), el("p", {}, t.audit.receiptsMore), this.own.element));
  }

  update() {
    const { hello, ledger } = this.app.store;
    const facts = [
      [t.audit.lines, ledger?.lines], [t.audit.signed, ledger?.signed_lines], [t.audit.root, ledger?.root],
      [t.audit.cosigned, ledger?.cosigned_lines ?? t.audit.none],
      ledger?.cosigners.length ? [t.audit.cosigners, ledger.cosigners.join(", ")] : null,
      [t.audit.ca, hello.ca], [t.audit.house, hello.house], [t.audit.sale, hello.sale],
      hello.folder ? [t.audit.folder, hello.folder] : null,
      [t.audit.until, new Date(hello.good_until).toLocaleString()], [t.audit.version, `gavel ${hello.version}`],
    ].filter(Boolean);
    const now = JSON.stringify(facts);
    if (now !== this.shown) {
      this.shown = now;
      this.facts.replaceChildren(...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, foreign(String(value ?? ""))))));
    }
    this.own.update();
  }

  tick() {}
}
