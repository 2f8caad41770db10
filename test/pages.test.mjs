// Every page that anyone may read, in both languages, wide and narrow, with
// and without scripts.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, accessible } from './browser.mjs'
import { firstMinutes } from './first-minutes.mjs'
import { looks } from './looks.mjs'
import { Platform } from './platform.mjs'

let lgsp, browser, addresses

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  const datasets = (await lgsp.api(null, 'GET', '/datasets?limit=100')).body.items
  addresses = [
    '/', '/start', '/search?q=thue+bao', '/search?q=khong+co+gi+het', '/sign-in', '/sign-up', '/terms', '/privacy', '/accessibility', '/status',
    '/dev/components', '/apis', '/apis/so-noi-vu/nguoi-co-cong/v1', '/apis/so-noi-vu/nguoi-co-cong/v1/xem-nguoi-co-cong',
    '/datasets', '/agencies', '/agencies/so-noi-vu', '/docs/rows',
    '/docs', '/docs/citizens', '/docs/developers/tokens', '/docs/operators/settings', '/docs/security', '/docs/words', '/docs/problems', '/docs/problems?q=quota',
    '/docs/problems/agreement-ended', '/docs/journey', '/docs/lesson',
    ...datasets.map((d) => `/dataset/${d.slug}`), '/no-such-page',
  ]
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

// Each language at one width: a language changes the words, a width where they
// stand (every-page.test.mjs looks at both on the narrowest phone).
for (const [width, language] of [[1280, ''], [390, '/en']]) {
  test(`the reading pages at ${width} px${language}`, async () => {
    const page = await browser.person(width)
    for (const address of addresses) {
      const answer = await page.goto(language + address)
      assert.equal(answer.status(), address === '/no-such-page' ? 404 : 200, address)
      assert.equal(await page.getAttribute('html', 'lang'), language ? 'en' : 'vi', address)
      await accessible(page)
    }
    await page.context().close()
  })
}

looks(test, () => ({ lgsp, browser }))

test('a citizen finds, reads and downloads without scripts and without an account', async () => {
  const page = await browser.person(390, { javaScriptEnabled: false })
  await page.goto('/')
  await page.fill('main input[name=q]', 'thue bao di dong')
  await page.click('main form button[type=submit]')
  await page.click('main a[href="/dataset/thue-bao-vien-thong"]')
  assert.match(await page.textContent('h1'), /[Tt]huê bao/)
  const cells = await page.textContent('main table')
  assert.match(cells, /970\.000/)
  assert.match(cells, /ước/, 'the qualifier of the letter is kept')
  const files = {}
  for (const format of ['csv', 'xlsx', 'json']) {
    const link = await page.getAttribute(`main a[href*="format=${format}"]`, 'href')
    const answer = await fetch(new URL(link, lgsp.portal))
    assert.equal(answer.status, 200, link)
    assert.match(answer.headers.get('content-disposition') ?? '', /attachment/, link)
    files[format] = Buffer.from(await answer.arrayBuffer())
  }
  assert.match(files.csv.toString(), /970000/)
  assert.equal(files.xlsx.subarray(0, 2).toString(), 'PK')
  assert.ok(JSON.stringify(JSON.parse(files.json)).includes('970000'))
  await page.context().close()
})

test('rows are asked for by URL', async () => {
  const { body } = await lgsp.api(null, 'GET', '/datasets/thue-bao-vien-thong')
  const rows = `/datasets/thue-bao-vien-thong/distributions/${body.distributions[0].id}/rows`
  const columns = (await lgsp.api(null, 'GET', rows.replace('/rows', '/columns'))).body.items
  assert.ok(columns.length > 2)
  const all = (await lgsp.api(null, 'GET', `${rows}?limit=2`)).body
  assert.ok(all.next, 'pages follow')
  const refused = await lgsp.api(null, 'GET', `${rows}?seite=2`)
  assert.equal(refused.status, 400)
  const csv = await fetch(`${lgsp.portal}/api/v1${rows}?format=csv`)
  assert.match(csv.headers.get('content-type'), /^text\/csv/)
})

firstMinutes(test, () => ({ lgsp, browser }))
