// How ten pages look, against pictures of how they looked when somebody last
// said that this is well: what a change of styles does elsewhere is seen here.
// LGSP_TEST_LOOKS=keep keeps what the pages look like now.
import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'

const kept = path.resolve(import.meta.dirname, 'looks')
const output = path.resolve(import.meta.dirname, 'output')

/** The share of pixels that may differ: days, hours and counts are others each time. */
const tolerance = 0.02

const pages = [
  ['home', 'nobody', '/'],
  ['search', 'nobody', '/search?q=thue+bao&kind=dataset'], // without the guides, whose words change
  ['dataset', 'nobody', '/dataset/thue-bao-vien-thong'],
  ['api', 'nobody', '/apis/so-noi-vu/nguoi-co-cong/v1'],
  ['operation', 'nobody', '/apis/so-nong-nghiep-moi-truong/dat-dai/v1/xem-thua-dat'],
  ['sign-in', 'nobody', '/sign-in'],
  ['guides', 'nobody', '/docs'],
  ['developer', 'developer', '/developer'],
  ['desk', 'publisher', '/agency/so-noi-vu'],
  ['operator', 'operator', '/operator'],
]

/** The share of pixels of two PNGs of one size that differ by more than an eye
 * passes over; 1 where their sizes differ. Chromium reads them. */
async function difference(page, one, other) {
  return page.evaluate(async (sources) => {
    const [a, b] = await Promise.all(sources.map(async (source) => {
      const picture = new Image()
      picture.src = `data:image/png;base64,${source}`
      await picture.decode()
      const canvas = new OffscreenCanvas(picture.width, picture.height).getContext('2d')
      canvas.drawImage(picture, 0, 0)
      return canvas.getImageData(0, 0, picture.width, picture.height)
    }))
    if (a.width !== b.width || a.height !== b.height) return 1
    let differ = 0
    for (let i = 0; i < a.data.length; i += 4) {
      if ([0, 1, 2].some((c) => Math.abs(a.data[i + c] - b.data[i + c]) > 48)) differ++
    }
    return differ / (a.data.length / 4)
  }, [one, other].map((picture) => picture.toString('base64')))
}

/** Adds the test to a file that has a platform and a browser running. */
export function looks(test, at) {
  test('ten pages look as they were said to', async () => {
    const { browser } = at()
    const blank = await (await browser.chromium.newContext()).newPage()
    const changed = []
    for (const width of [1280, 390]) {
      const contexts = new Map()
      for (const [name, role, address] of pages) {
        if (!contexts.has(role)) {
          const page = await browser.person(width, { deviceScaleFactor: 0.5, reducedMotion: 'reduce' })
          if (role !== 'nobody') await browser.signIn(page, role)
          contexts.set(role, page)
        }
        const page = contexts.get(role)
        await page.goto(address, { waitUntil: 'networkidle' })
        const picture = await page.screenshot()
        const file = path.join(kept, `${name}-${width}.png`)
        if (process.env.LGSP_TEST_LOOKS === 'keep') {
          await mkdir(kept, { recursive: true })
          await writeFile(file, picture)
          continue
        }
        const share = await difference(blank, await readFile(file), picture)
        if (share <= tolerance) continue
        await mkdir(output, { recursive: true })
        await writeFile(path.join(output, `${name}-${width}.png`), picture)
        changed.push(`${name} at ${width} px: ${(share * 100).toFixed(1)} % of its pixels; test/output/${name}-${width}.png is how it looks now`)
      }
      for (const page of contexts.values()) await page.context().close()
    }
    await blank.context().close()
    assert.deepEqual(changed, [], 'where this is well, LGSP_TEST_LOOKS=keep keeps it')
  })
}
