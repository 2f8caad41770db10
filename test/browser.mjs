// A real browser on the platform's pages: Debian's Chromium, driven by Playwright.
import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Where Debian keeps it: the shell is the same without a window. */
const executable = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((file) => existsSync(file))

/** Starts one. */
export function launch() {
  return chromium.launch({
    executablePath: executable,
    args: ['--no-sandbox', '--disable-gpu', '--font-render-hinting=none', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
}

/** A browser; person() and signedIn() give pages. */
export class Browser {
  static async start(platform) {
    const b = new Browser()
    b.platform = platform
    b.chromium = await launch()
    return b
  }

  /** A person with a window of their own; width is 1280 or 390. */
  async person(width = 1280, options = {}) {
    const context = await this.chromium.newContext({ viewport: { width, height: 900 }, baseURL: this.platform.portal, ...options })
    const page = await context.newPage()
    page.faults = []
    page.on('pageerror', (error) => page.faults.push(String(error)))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.faults.push(message.text())
    })
    return page
  }

  /** A person signed in as a role of the demo. */
  async signedIn(role, width) {
    return this.signIn(await this.person(width), role)
  }

  /** Signs a window in as a role of the demo. */
  async signIn(page, role) {
    const { email, password } = this.platform.account(role)
    await page.goto('/sign-in')
    await page.fill('input[name=email]', email)
    await page.fill('input[name=password]', password)
    await Promise.all([page.waitForURL((url) => !url.pathname.endsWith('/sign-in')), page.click('main form button[type=submit]')])
    return page
  }

  stop() {
    return this.chromium.close()
  }
}

const everyRule = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

// What a width alone makes wrong, beside what the menus of that width hold.
const rulesOfWidth = { type: 'rule', values: ['scrollable-region-focusable', 'target-size'] }

const looked = new Set() // what axe has looked at and found nothing

/** Asserts that the page as it stands can be used by everybody: no axe finding
 * (WCAG 2.2 AA), no sideways scrolling, no script error. */
export async function accessible(page, rules = everyRule) {
  await findings(page, rules)
  const where = page.url()
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
  assert.ok(content <= window, `${where} scrolls sideways: ${content} > ${window}`)
  assert.deepEqual(page.faults, [], where)
}

/** Asserts that axe finds nothing. What it has seen as it is, it need not see again. */
async function findings(page, rules) {
  const seen = createHash('sha256').update(JSON.stringify([rules, page.viewportSize()])).update(await page.content()).digest('hex')
  if (looked.has(seen)) return
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe)
  const { violations } = await page.evaluate((runOnly) => window.axe.run(document, {
    runOnly, resultTypes: ['violations'], // what passed need not be written down
  }), rules)
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 150)).join(' | ')}`), [], page.url())
  looked.add(seen)
}

const menusSeen = new Set() // at which widths, and who signed in: they are the same on every page

/** The same at 1280 and at 390 px, with a picture of each where LGSP_TEST_SHOTS
 * names a directory for them. */
export async function everywhere(page) {
  const { width, height } = page.viewportSize()
  for (const w of [width === 390 ? 1280 : 390, width]) {
    await page.setViewportSize({ width: w, height })
    const menus = `${w} ${await page.locator('header.masthead').allTextContents()}`
    await accessible(page, w === width || !menusSeen.has(menus) ? everyRule : rulesOfWidth)
    menusSeen.add(menus)
    if (process.env.LGSP_TEST_SHOTS) await shoot(page, w)
  }
}

let shots = 0
async function shoot(page, width) {
  const dir = process.env.LGSP_TEST_SHOTS
  await mkdir(dir, { recursive: true })
  const name = new URL(page.url()).pathname.replace(/^[/]/, '').replaceAll('/', '_')
  await page.screenshot({ path: `${dir}/${String(++shots).padStart(3, '0')}-${name}-${width}.png`, fullPage: true })
}

/** Presses what leads to another page of ours, and looks at that. */
export async function press(page, selector) {
  await Promise.all([page.waitForNavigation(), page.click(selector)])
  await everywhere(page)
}

/** The code that an authenticator app shows for a base32 secret (RFC 6238), so
 * many steps from now. */
export function totp(secret, steps = 0) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  const bits = [...secret].map((c) => letters.indexOf(c).toString(2).padStart(5, '0')).join('')
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps))
  const sum = createHmac('sha1', key).update(counter).digest()
  return String((sum.readUInt32BE(sum[19] & 15) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}
