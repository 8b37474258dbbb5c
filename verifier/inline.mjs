// Makes verify.html, the verifier as one file that opens from anywhere: a page from `file:` cannot import modules.
//
//   node verifier/inline.mjs
//
// Each module becomes a function of its own, in the order in which they need each other, so that no name of one is seen in
// another. The page's policy names the hashes of its one script and one style, and so nothing else can run in it.

import { createHash } from "node:crypto";
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");

const IMPORT = /^import \{([^}]*)\} from "\.\/([a-z0-9]+)\.mjs";\n/gm;
const EXPORT = /^export (?=(?:async )?(?:function\*?|class|const) (\w+))/gm;
const EXPORT_LIST = /^export \{ ([\w, ]+) \};\n/gm;

function joinModules(entry) {
  const done = new Map();
  const visit = (name) => {
    if (done.has(name)) return;
    done.set(name, null); // a cycle would leave this here
    let source = read(`${name}.mjs`);
    for (const [, , needed] of source.matchAll(IMPORT)) visit(needed);
    const exported = [];
    source = source.replace(IMPORT, (_, names, from) => {
      if (done.get(from) === null) throw new Error(`${name} and ${from} need each other`);
      return `const {${names.replace(/ as /g, ": ")}} = $${from};\n`;
    });
    source = source.replace(EXPORT, (_, exportedName) => {
      exported.push(exportedName);
      return "";
    });
    source = source.replace(EXPORT_LIST, (_, names) => {
      exported.push(...names.split(", "));
      return "";
    });
    if (/^(?:import|export) /m.test(source)) throw new Error(`${name}.mjs has an import or export of another form`);
    done.delete(name); // so that it stands behind what it needs
    done.set(name, `const $${name} = await (async () => {\n${source}return { ${exported.join(", ")} };\n})();\n`);
  };
  visit(entry);
  return [...done.values()].join("");
}

const hashOf = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

/** The whole page. */
export function makePage() {
  const script = `\n${joinModules("page")}`;
  const style = `\n${read("page.css")}`;
  if (/<\/(?:script|style)|<!--/i.test(script + style)) throw new Error("a script or style would end early");
  const parts = { script, style, "script-hash": hashOf(script), "style-hash": hashOf(style) };
  return read("page.html").replace(/\{\{([a-z-]+)\}\}/g, (_, name) => parts[name]);
}

if (realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL("verify.html", import.meta.url), makePage());
}
