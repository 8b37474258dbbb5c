//! How the printable forms look: quiet on a screen, black on white on A4.

/// The one style sheet. Nothing in it is fetched, and nothing hangs on a colour.
pub(super) const STYLE: &str = r#"
:root { color-scheme: light; --ink: #16181d; --soft: #555b66; --rule: #c9ccd2; }
@page { size: A4; margin: 17mm 15mm 18mm;
  @bottom-right { content: counter(page) " / " counter(pages); font: 8pt Georgia, serif; color: #555; } }
* { box-sizing: border-box; }
html { background: #f1f1ee; }
body { margin: 0 auto; padding: 14mm 15mm; max-width: 210mm; background: #fff; color: var(--ink);
  font: 10.5pt/1.45 "Iowan Old Style", "Palatino Linotype", Palatino, "Liberation Serif", Georgia, serif;
  font-variant-numeric: tabular-nums lining-nums; }
header { border-bottom: 2.5px solid var(--ink); padding-bottom: 3.5mm; }
.house { margin: 0; font-size: 9.5pt; letter-spacing: .09em; text-transform: uppercase; color: var(--soft); }
h1 { margin: 1mm 0 1.5mm; font-size: 23pt; font-weight: 600; line-height: 1.15; overflow-wrap: anywhere; }
h2 { margin: 9mm 0 2mm; font-size: 13pt; font-weight: 600; break-after: avoid; }
h3 { margin: 5mm 0 1mm; font-size: 10.5pt; font-weight: 600; break-after: avoid; }
p { margin: 1.5mm 0; }
.soft, caption, th, dt { color: var(--soft); }
.note { font-size: 9pt; color: var(--soft); }
.mark { margin: 4mm 0 0; padding: 2.5mm 4mm; border: 1.5px solid var(--ink); font-size: 11pt; }
.mark strong { letter-spacing: .06em; text-transform: uppercase; }
.provisional { border: 3px double var(--ink); }
.figures { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 3mm 6mm; margin: 5mm 0 0; }
.figures dt { font-size: 8.5pt; }
.figures dd { margin: 0; font-size: 12.5pt; white-space: nowrap; }
table { width: 100%; border-collapse: collapse; margin: 1mm 0; font-size: 9.5pt; }
caption { text-align: left; font-size: 9pt; padding-bottom: 1mm; }
th { text-align: left; font-size: 8.5pt; font-weight: 400; vertical-align: bottom; border-bottom: 1px solid var(--ink); }
th, td { padding: 1.1mm 2.2mm 1.1mm 0; }
th:last-child, td:last-child { padding-right: 0; }
td { vertical-align: top; border-bottom: .5px solid var(--rule); overflow-wrap: anywhere; }
thead { display: table-header-group; }
caption, thead { break-after: avoid; }
tbody tr:first-child { break-before: avoid; }
tr { break-inside: avoid; }
tfoot { display: table-row-group; }
tfoot td { border-bottom: 0; border-top: 1px solid var(--ink); font-weight: 600; }
.n { text-align: right; white-space: nowrap; padding-left: 2mm; }
.t { white-space: nowrap; }
.code { font: 7.6pt/1.5 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", Consolas, monospace; }
.tight { font-size: 8.5pt; }
.tight td { padding-top: .55mm; padding-bottom: .55mm; }
td small { display: block; color: var(--soft); font-size: 8.5pt; }
dl.list { display: grid; grid-template-columns: max-content 1fr; gap: .3mm 5mm; margin: 1mm 0 2mm; font-size: 9pt; }
dl.list dd { margin: 0; overflow-wrap: anywhere; font: 7.6pt/1.9 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", Consolas, monospace; }
ul { margin: 1mm 0; padding-left: 5mm; }
.proof { display: flex; gap: 7mm; align-items: flex-start; break-inside: avoid; }
.proof > div { flex: 1; min-width: 0; }
.qr { width: 36mm; height: 36mm; flex: none; border: .5px solid var(--rule); }
.annexes { break-before: page; }
.paper { break-after: page; }
.paper:last-child { break-after: auto; }
.paper + .paper { margin-top: 16mm; }
.letter { display: flex; justify-content: space-between; gap: 10mm; margin: 7mm 0 5mm; }
.address { white-space: pre-line; overflow-wrap: anywhere; }
.sum { margin: 3mm 0 0 auto; width: 82mm; break-inside: avoid; }
.sum td:first-child { color: var(--soft); }
.sum tr:last-child td { border-bottom: 0; border-top: 1.5px solid var(--ink); font-weight: 600; color: var(--ink); font-size: 11pt; }
@media print {
  html, body { background: #fff; }
  body { padding: 0; max-width: none; font-size: 9.8pt; }
  :root { --soft: #333; --rule: #999; }
  .paper + .paper { margin-top: 0; }
}
@media screen and (max-width: 210mm) { body { padding: 6mm; } table { font-size: 9pt; } }
"#;
