// A live sale in real browsers: two bidders, an auctioneer's console and a room view, each by a
// bridge of its own. It bids, outbids, extends by a soft close, is refused, loses the connection and
// comes back, hammers, and looks at the results; axe-core looks at every view.
//
//   node tests/web/play.mjs GAVEL OUT [CHROMIUM]
//
// Needs playwright-core and axe-core where node finds them (NODE_MODULES names the folder).

import { spawn, execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import net from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const [gavel, out, chromiumPath = "/usr/bin/chromium"] = process.argv.slice(2).map((arg) => resolve(arg));
if (!gavel || !out) throw new Error("usage: node play.mjs GAVEL OUT [CHROMIUM]");
const require = createRequire(join(process.env.NODE_MODULES ?? process.cwd(), "play.js"));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(out, { recursive: true });

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const EVIL = "<img src=x onerror=\"document.title='owned'\"><b>Vase</b> & שלום";
const ITEMS = {
  sale: { title: "Spring sale at the Meridian", currency: { code: "EUR" }, start: 10000, increments: [[0, 500], [50000, 2500]], soft_window_ms: 8000, soft_extend_ms: 8000 },
  lots: {
    1: { name: "Walnut writing desk, about 1790", duration: 14, estimate: [20000, 40000] },
    2: { name: EVIL, timer: "manual" },
    3: { name: "Eight silver spoons", timer: "manual", reserve: 90000 },
    4: { name: "Landscape with a river, oil on canvas, in a gilded frame of its own time", duration: 3600, estimate: [100000, 150000] },
    5: { name: "Quilt", duration: 3600 },
  },
};

const folder = mkdtempSync(join(tmpdir(), "gavel-play-"));
const children = [];
const failures = [];
let browser = null;

function check(is, what) {
  console.log(`${is ? "ok  " : "FAIL"} ${what}`);
  if (!is) failures.push(what);
}

function run(...words) {
  return execFileSync(gavel, words, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** Starts gavel and waits for a line. */
function start(words, pattern) {
  const child = spawn(gavel, words, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  let text = "";
  return new Promise((done, failed) => {
    const hear = (data) => {
      text += data;
      const found = pattern.exec(text);
      if (found) done({ child, found });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", (code) => failed(new Error(`${words.join(" ")} ended (${code}): ${text}`)));
  });
}

function freePort() {
  return new Promise((done) => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });
}

/** A network that can be cut. */
function network(port) {
  const state = { cut: false, pairs: new Set() };
  const server = net.createServer((near) => {
    if (state.cut) return near.destroy();
    const far = net.connect(port, "127.0.0.1");
    const pair = [near, far];
    state.pairs.add(pair);
    near.pipe(far).pipe(near);
    for (const end of pair) end.on("error", () => {}).on("close", () => { pair.forEach((one) => one.destroy()); state.pairs.delete(pair); });
  });
  return new Promise((done) => server.listen(0, "127.0.0.1", () => done({
    port: server.address().port,
    cut() { state.cut = true; for (const pair of state.pairs) pair.forEach((end) => end.destroy()); },
    mend() { state.cut = false; },
    close() { this.cut(); server.close(); },
  })));
}

async function bridge(credential, port) {
  const { found } = await start(["web", credential, "--no-open", "--connect", `127.0.0.1:${port}`], /(http:\/\/\S+token=\S+)/);
  return found[1];
}

const contexts = [];

async function open(link, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme: "light", locale: "en-GB", ...options });
  contexts.push(context);
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => { if (message.type() === "error") failures.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => failures.push(`error: ${error.message}`));
  page.on("request", (request) => {
    const { host } = new URL(request.url());
    if (host !== new URL(link).host && !request.url().startsWith("blob:")) failures.push(`fetched from elsewhere: ${request.url()}`);
  });
  await page.goto(link);
  await page.locator("h1").first().waitFor();
  return page;
}

async function audit(page, name) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate((tags) => globalThis.axe.run(document, { runOnly: { type: "tag", values: tags } }), AXE_TAGS);
  for (const violation of violations) {
    console.log(`     ${violation.id}: ${violation.help}`);
    for (const node of violation.nodes.slice(0, 4)) console.log(`       ${node.html.slice(0, 160)} ${node.failureSummary?.split("\n").slice(0, 3).join(" ")}`);
  }
  check(violations.length === 0, `axe finds nothing on ${name}`);
}

async function shoot(page, name) {
  await page.screenshot({ path: join(out, `${name}.png`), fullPage: true });
}

/** Light, dark and telephone, each looked at by axe. */
async function looks(page, name) {
  const size = page.viewportSize();
  for (const [suffix, scheme, width, height] of [["light", "light", 1280, 860], ["dark", "dark", 1280, 860], ["phone", "light", 390, 844], ["phone-dark", "dark", 390, 844]]) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height });
    await page.waitForTimeout(250);
    await shoot(page, `${name}-${suffix}`);
    await audit(page, `${name}, ${suffix}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `${name}, ${suffix}: nothing is cut off at the side (${wide})`);
  }
  await page.setViewportSize(size);
  await page.emulateMedia({ colorScheme: "light" });
}

const card = (page, id) => page.locator(`li.card:has(a[href="#lot=${id}"])`);

/** Two presses on the same spot, by the keyboard. */
async function press(locator) {
  // The same element, whatever it says after the first press.
  const button = await locator.elementHandle();
  const page = locator.page();
  await button.focus();
  const before = await button.boundingBox();
  await button.press("Enter");
  await page.waitForTimeout(420);
  const after = await button.boundingBox();
  check(before.x === after.x && before.y === after.y && before.height === after.height && before.width === after.width, "the second press is on the same spot");
  await button.press("Enter");
}

async function main() {
  writeFileSync(join(folder, "items.json"), JSON.stringify(ITEMS));
  const port = await freePort();
  run("prepare", "items.json", "--sale", "spring", "--house", "meridian", "--at", `127.0.0.1:${port}`);
  for (const name of ["alice", "bob"]) run("pki", "issue", name);
  run("pki", "issue", "anna", "--role", "auctioneer");
  run("pki", "issue", "room", "--role", "observer");
  await start(["serve", "items.json"], /listens on/);
  const wire = await network(port);
  browser = await chromium.launch({ executablePath: chromiumPath, args: FLAGS, headless: true });

  const find = (name) => [`${name}.pem`, `pki/people/${name}.pem`].find((path) => { try { readFileSync(join(folder, path)); return true; } catch { return false; } });
  const links = {};
  for (const [name, to] of [["alice", wire.port], ["bob", port], ["anna", port], ["room", port]]) links[name] = await bridge(find(name), to);
  const alice = await open(links.alice);
  const bob = await open(links.bob);
  const anna = await open(links.anna);
  const room = await open(links.room, { viewport: { width: 1600, height: 900 } });

  // The link is used up, for everybody else.
  const thief = await browser.newContext();
  const answer = await (await thief.newPage()).goto(links.alice);
  check(answer.status() === 403, "the link opens once");
  await thief.close();
  check((await alice.context().cookies()).every((cookie) => cookie.httpOnly && cookie.sameSite === "Strict"), "the cookie is for no script and no other site");
  check(!alice.url().includes("token"), "the token does not stay in the address bar");
  check(await alice.evaluate(() => document.title) !== "owned", "a title is no markup");
  check((await card(alice, 2).locator("h2").innerText()).includes("<img src=x"), "a title is shown as it is written");
  check(await alice.locator("main img").count() === 0, "no title makes an element");

  // Another local port serves a page that tries.
  const other = await new Promise((done) => {
    const server = net.createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi")));
    server.listen(0, "127.0.0.1", () => done(server));
  });
  const intruder = await alice.context().newPage();
  await intruder.goto(`http://127.0.0.1:${other.address().port}/`);
  const target = new URL(links.alice).host;
  const tried = await intruder.evaluate(async (host) => {
    const socket = await new Promise((done) => { const ws = new WebSocket(`ws://${host}/socket`); ws.onopen = () => done("open"); ws.onerror = () => done("refused"); });
    const fetched = await fetch(`http://${host}/app.js`, { credentials: "include" }).then(() => "read", () => "refused");
    const framed = await new Promise((done) => { const frame = document.createElement("iframe"); frame.src = `http://${host}/`; frame.onload = () => { try { done(frame.contentDocument?.title ? "read" : "refused"); } catch { done("refused"); } }; document.body.append(frame); });
    return [socket, fetched, framed];
  }, target);
  check(tried.every((one) => one === "refused"), `a page from another local port gets nothing: ${tried}`);
  await intruder.close();
  other.close();

  await looks(alice, "lots");
  await alice.locator("a[data-view]", { hasText: "Audit" }).click();
  await looks(alice, "audit");
  await alice.locator("a[data-view]", { hasText: "Lots" }).click();

  // Bid, outbid, and the soft close.
  await press(card(alice, 1).locator("button.bid"));
  await card(alice, 1).getByText("Accepted").first().waitFor();
  check(true, "alice bids with two presses of a key");
  await card(bob, 1).locator("a").first().click();
  await bob.locator(".lot-view").waitFor();
  await bob.getByText("Closes in").first().waitFor();
  await bob.waitForFunction(() => /^0:0[0-6]/.test(document.querySelector(".closing .left").textContent), null, { timeout: 20_000, polling: 50 });
  await press(bob.locator(".lot-view button.bid"));
  await bob.locator(".standing", { hasText: "You lead" }).waitFor();
  await card(alice, 1).locator(".standing", { hasText: "You are outbid" }).waitFor();
  check((await alice.locator("#assertive").innerText()).includes("outbid"), "being outbid is read out at once");
  await bob.getByText("Extended once").first().waitFor();
  await alice.getByText(/extended to/).first().waitFor();
  check(true, "a late bid extends, and everybody is told");
  await looks(bob, "lot");

  // Refused: an amount below the ask, sent past the page's own check.
  await alice.goto(`http://${target}/#lot=4`);
  await alice.locator(".lot-view").waitFor();
  const field = alice.locator("#other-4");
  await field.fill("1,000");
  await alice.getByRole("button", { name: "Bid this amount" }).click();
  await alice.getByText("That is not an amount").first().waitFor();
  await field.fill("50");
  await alice.getByRole("button", { name: "Bid this amount" }).click();
  await alice.getByText("The least that stands").first().waitFor();
  await field.fill("5000");
  const go = alice.locator(".other button");
  await press(go);
  await alice.getByText("more than 10 times").first().waitFor();
  check((await alice.locator("#other-4-note").innerText()) === "", "the field that was emptied by a bid is not called wrong");
  await looks(alice, "held");
  await alice.getByRole("button", { name: "No, do not bid" }).first().click();
  await alice.getByText("nobody said that it was meant").first().waitFor();
  await alice.getByRole("button", { name: "Dismiss" }).first().click();
  check(true, "a bid far over the ask needs a yes");
  await field.fill("150");
  await press(go);
  await alice.locator(".standing", { hasText: "You lead" }).waitFor();
  await field.fill("160");
  await go.click();

  // The line to the house breaks: what is typed is not lost, and not sent later.
  wire.cut();
  await alice.getByText("No connection to the house").first().waitFor();
  await field.fill("200");
  await go.click();
  await alice.getByText("Not sent").first().waitFor();
  check((await alice.locator(".banner.unsent").innerText()).includes("200.00"), "a bid typed without a connection stays on the screen");
  await looks(alice, "offline");
  wire.mend();
  await alice.getByText("Connected").first().waitFor({ timeout: 30_000 });
  await alice.reload();
  await alice.locator(".lot-view").waitFor();
  check((await alice.locator(".banner.unsent").count()) === 1, "and after a reload");
  check((await alice.locator(".lot-view .price").first().innerText()).includes("150.00"), "and is not sent by itself");
  await alice.getByRole("button", { name: "Dismiss" }).first().click();

  // A refusal by the house, on bob's screen: two bids for the same ask.
  await bob.goto(`http://${new URL(links.bob).host}/#lot=5`);
  await bob.locator(".lot-view").waitFor();
  await alice.goto(`http://${target}/#lot=5`);
  await alice.locator(".lot-view").waitFor();
  await bob.evaluate(() => {
    const open = WebSocket.prototype.send;
    WebSocket.prototype.send = function send(text) {
      const message = JSON.parse(text);
      if (message.type === "bid") message.amount -= 100;
      open.call(this, JSON.stringify(message));
    };
  });
  await press(bob.locator(".lot-view button.bid"));
  await bob.getByText("Refused").first().waitFor();
  await bob.waitForFunction(() => document.getElementById("assertive").textContent.includes("Refused"));
  check(true, "a refused bid says so, and is read out at once");
  await shoot(bob, "refused");
  await bob.reload();

  // The auctioneer.
  await room.locator("a[data-view]", { hasText: "Room" }).click();
  await anna.getByRole("button", { name: /Open lot 2/ }).click();
  await anna.locator(".big-title", { hasText: "Lot 2" }).waitFor();
  await alice.goto(`http://${target}/#lot=2`);
  await press(alice.locator(".lot-view button.bid"));
  await anna.getByText(/alice · bid no\./).first().waitFor();
  await anna.waitForTimeout(600);
  await anna.getByRole("button", { name: "Fair warning" }).click();
  await room.locator(".room-said", { hasText: "Fair warning" }).waitFor();
  await looks(room, "room");
  await looks(anna, "console");
  const hammer = anna.locator("button.act.main").nth(1);
  check((await hammer.innerText()).includes("100.00"), "the hammer names the price");
  await press(hammer);
  await alice.getByText("You have won").first().waitFor();
  check(true, "hammer");
  await anna.locator("#say").fill("The next lot is lot 3.");
  await anna.locator("#say").press("Enter");
  await room.locator(".room-said", { hasText: "lot 3" }).waitFor();
  await anna.getByRole("button", { name: /Open lot 3/ }).click();
  await bob.goto(`http://${new URL(links.bob).host}/#lot=3`);
  await press(bob.locator(".lot-view button.bid"));
  await anna.getByText(/bob · bid no\./).first().waitFor();
  await anna.locator("#reason").fill("a slip, in the room");
  await press(anna.getByRole("button", { name: /Void/ }));
  await bob.locator(".standing", { hasText: "Your bid is void" }).waitFor();
  await bob.getByText("Accepted, then void").first().waitFor();
  await press(anna.getByRole("button", { name: /Pass/ }));
  await bob.getByText("Unsold").first().waitFor();
  check(true, "void and pass");

  // Receipts and results.
  await alice.goto(`http://${target}/audit`);
  const [download] = await Promise.all([alice.waitForEvent("download"), alice.getByRole("button", { name: /Save receipt/ }).first().click()]);
  check((await readFileSync(await download.path(), "utf8")).includes("meridian/spring"), "a receipt can be saved");
  await looks(alice, "receipts");
  run("control", find("anna"), "close-sale", "--server", `127.0.0.1:${port}`);
  for (const lot of ["4"]) run("control", find("anna"), "hammer", lot, "--server", `127.0.0.1:${port}`);
  await room.getByText("The sale has closed").first().waitFor();
  await looks(room, "results");

  // The bridge itself goes away.
  const gone = children.find((child) => child.spawnargs.includes(find("bob")));
  gone.removeAllListeners("exit");
  gone.kill("SIGTERM");
  await bob.getByText("No connection to gavel web").first().waitFor();
  await looks(bob, "no-bridge");
  wire.close();
}

try {
  await main();
} catch (error) {
  failures.push(`stopped: ${error.stack}`);
  for (const [index, context] of contexts.entries()) for (const page of context.pages()) await page.screenshot({ path: join(out, `stopped-${index}.png`) }).catch(() => {});
} finally {
  await browser?.close();
  for (const child of children) { child.removeAllListeners("exit"); child.kill("SIGTERM"); }
  rmSync(folder, { recursive: true, force: true });
}
const real = failures.filter((one) => !/^console: .*(WebSocket|ERR_CONNECTION|403|net::)/.test(one));
console.log(real.length === 0 ? "all is well" : `\n${real.length} wrong:\n${real.join("\n")}`);
// Whatever still listens must not keep it.
process.exit(real.length === 0 ? 0 : 1);
