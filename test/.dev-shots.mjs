import { chromium } from "playwright-core";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const demo = JSON.parse(readFileSync("/tmp/lgsp-data-developer/demo.json"));
const dev = demo.accounts.find((a) => a.role === "developer");
const base = demo.portal;
const want = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const ctx = await browser.newContext();
const p = await ctx.newPage();
p.on("console", (m) => { if (m.type() === "error") console.log("console:", m.text(), p.url()); });
await p.goto(base + "/sign-in");
await p.fill("#f-email", dev.email); await p.fill("#f-password", dev.password);
await p.click("main button[type=submit]");
console.log("at", p.url());
const app = demo.application.client_id;
const pages = {
  apis: "/apis", version: "/apis/so-noi-vu/nguoi-co-cong/v1", operation: "/apis/so-noi-vu/nguoi-co-cong/v1/xemnguoicocong",
  land: "/apis/so-nong-nghiep-moi-truong/dat-dai/v1", desk: "/developer", new: "/developer/applications/new", app: "/developer/applications/" + app,
  account: "/account", request: "/apis/so-noi-vu/nguoi-co-cong/v1/request",
};
// dynamic ones
await p.goto(base + pages.version); const ops = await p.$$eval(".operations a", (a) => a.map((x) => x.getAttribute("href")));
pages.operation = ops[0]; pages.post = ops.find((o) => /xac-?nhan/i.test(o)) ?? ops[2];
await p.goto(base + pages.app); pages.agreement = await p.$$eval('a[href^="/agreements/"]', (a) => a[0]?.getAttribute("href"));
pages.explain = await p.$$eval('a.why', (a) => a[0]?.getAttribute("href"));
for (const [name, path] of Object.entries(pages)) {
  if (!path || (want.length && !want.includes(name))) continue;
  for (const locale of ["", "/en"]) for (const width of [1280, 390]) {
    await p.setViewportSize({ width, height: 900 });
    const r = await p.goto(base + locale + path);
    const over = await p.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    await p.evaluate(axe);
    const bad = await p.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] }).then((r) => r.violations.map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.target).join(" | "))));
    if (r.status() !== 200 || over > 0 || bad.length) console.log(name, locale, width, r.status(), "overflow", over, bad);
    if (locale === "" || width === 1280) await p.screenshot({ path: `/tmp/dev-shots/${name}${locale.replace("/", "-")}-${width}.png`, fullPage: true });
  }
}
await browser.close();
