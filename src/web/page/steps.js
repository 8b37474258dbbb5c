// A lot's price as steps, drawn as SVG, with the same facts as a table for who cannot see it.

import { el, svg, write } from "./dom.js";
import { texts as t } from "./texts.js";

const [WIDTH, HEIGHT, PAD] = [640, 200, 8];

export class Steps {
  constructor(app, id) {
    this.app = app;
    this.id = id;
    this.summary = el("p", { class: "note" });
    this.graph = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "steps", "aria-hidden": "true", focusable: "false", preserveAspectRatio: "none" });
    this.rows = el("tbody");
    this.table = el("details", {}, el("summary", {}, t.stepsTable),
      el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t.stepsTable },
        el("table", {}, el("thead", {}, el("tr", {}, ...[t.stepTime, t.stepAmount, t.stepNote].map((name) => el("th", { scope: "col" }, name)))), this.rows)));
    this.element = el("section", { class: "steps-box" }, el("h2", {}, t.steps), this.graph, this.summary, this.table);
    this.shown = null;
  }

  update() {
    const steps = this.app.store.steps.get(this.id) ?? [];
    const now = `${steps.length}/${steps.at(-1)?.seq}/${steps.filter((step) => step.void).length}`;
    if (now === this.shown) return;
    this.shown = now;
    const standing = steps.filter((step) => !step.void);
    write(this.summary, standing.length === 0 ? t.stepsNone
      : t.stepsSummary(standing.length, this.app.money(standing[0].amount), this.app.money(standing.at(-1).amount)));
    this.draw(standing);
    this.table.hidden = steps.length === 0;
    this.rows.replaceChildren(...[...steps].reverse().map((step) => el("tr", {},
      el("td", {}, this.app.time(step.at)),
      el("td", { class: "number" }, this.app.money(step.amount)),
      el("td", {}, [step.mine ? t.mine : "", step.void ? t.void : ""].filter(Boolean).join(", ")))));
  }

  /** Coordinates may be rounded: they are for the eye alone. */
  draw(steps) {
    if (steps.length === 0) {
      this.graph.replaceChildren();
      return;
    }
    const lot = this.app.store.lots.get(this.id);
    const [first, last] = [steps[0], steps.at(-1)];
    const low = Math.min(lot?.start ?? first.amount, first.amount);
    const height = Math.max(1, Math.max(...steps.map((step) => step.amount)) - low);
    const span = Math.max(1, last.at - first.at);
    const x = (index, step) => PAD + (steps.length > 24 ? (step.at - first.at) / span : index / Math.max(1, steps.length)) * (WIDTH - 2 * PAD);
    const y = (step) => HEIGHT - PAD - ((step.amount - low) / height) * (HEIGHT - 2 * PAD) * 0.92 - 4;
    let line = `M ${PAD} ${HEIGHT - PAD}`;
    steps.forEach((step, index) => { line += ` H ${x(index, step).toFixed(1)} V ${y(step).toFixed(1)}`; });
    line += ` H ${WIDTH - PAD}`;
    const dots = steps.slice(-60).map((step, index) => {
      const at = steps.length - Math.min(60, steps.length) + index;
      return svg("circle", { cx: x(at, step).toFixed(1), cy: y(step).toFixed(1), r: step.mine ? 5 : 3, class: step.mine ? "mine" : "other" });
    });
    this.graph.replaceChildren(svg("path", { d: `${line} V ${HEIGHT - PAD} H ${PAD} Z`, class: "area" }), svg("path", { d: line, class: "line" }), ...dots);
  }
}
