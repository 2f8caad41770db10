// A real browser on the platform's pages: Debian's Chromium, driven by Playwright.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { chromium } from 'playwright-core'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** A browser; visit() gives pages that check themselves. */
export class Browser {
  static async start(platform) {
    const b = new Browser()
    b.platform = platform
    b.chromium = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    })
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
    const page = await this.person(width)
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

/** Asserts that the page as it stands can be used by everybody: no axe finding
 * (WCAG 2.2 AA), no sideways scrolling, no script error. */
export async function accessible(page) {
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  }))
  const where = page.url()
  assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 150)).join(' | ')}`), [], where)
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
  assert.ok(content <= window, `${where} scrolls sideways: ${content} > ${window}`)
  assert.deepEqual(page.faults, [], where)
}
