// What holds for every page, whoever made it: valid HTML, no
// sideways scrolling on the narrowest phone, a head that search engines and
// previews of links can use, and few bytes.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { HtmlValidate } from 'html-validate'
import { Browser } from './browser.mjs'
import { everyPage, jar } from './every-page.mjs'
import { Platform } from './platform.mjs'

let lgsp, browser, pages

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  await longNames()
  pages = await everyPage(lgsp)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

/** Gives things that the walk comes to names as long as they may be, without a blank. */
async function longNames() {
  const word = (n) => 'Nghiê'.repeat(n / 5)
  const change = async (role, method, address, body) => {
    const { status, text } = await lgsp.api(role, method, address, body)
    assert.ok(status < 300, text)
  }
  const { body: apis } = await lgsp.api('publisher', 'GET', '/apis?limit=100')
  const own = apis.items.filter((api) => api.agency.slug === 'so-noi-vu')
  assert.ok(own.length > 0)
  for (const { id } of own) await change('publisher', 'PUT', `/apis/${id}`, { title_vi: word(200), title_en: word(200), description_vi: word(500) })
  const { body: applications } = await lgsp.api('developer', 'GET', '/applications')
  for (const app of applications.items) await change('developer', 'PUT', `/applications/${app.id}`, { name: word(120), kind: app.kind, redirect_uris: app.redirect_uris })
  await change('publisher', 'POST', '/datasets', { agency: own[0].agency.id, slug: 'ten-rat-dai', title_vi: word(300), notes_vi: word(500), theme: 'TECH' })
}

// html-validate's recommended rules, but for these.
const rules = {
  'no-trailing-whitespace': 'off', // of templates; no browser minds
  'long-title': 'off', // a page is called what the thing is called, and whose it is
  'valid-id': ['error', { relaxed: true }], // a field's id holds the pointer by which a problem names it; HTML allows it
  'form-dup-name': 'off', // the rows of a form say their fields under one name, and are read as a list
  'prefer-native-element': ['error', { exclude: ['region'] }], // what scrolls sideways is a region that the keyboard reaches; a pre cannot be a section
}

test('the walk came to every room', () => {
  assert.ok(pages.length >= 100, `${pages.length} kinds of pages`)
  for (const route of ['/', '/search', '/developer', '/agency/{agency}', '/agreements/{id}', '/audit/acts', '/operator', '/operator/upstreams']) {
    assert.ok(pages.some((p) => p.route === route), route)
  }
})

test('the HTML of every page is valid, of the public ones in both languages', async () => {
  const validator = new HtmlValidate({ extends: ['html-validate:recommended'], rules })
  const wrong = []
  for (const page of pages) {
    const both = [page.html]
    if (page.role === 'nobody') both.push(await (await fetch(`${lgsp.portal}/en${page.address}`)).text()) // the same templates: the rest would tell nothing new
    for (const html of both) {
      const { results } = await validator.validateString(html)
      for (const m of results.flatMap((r) => r.messages)) {
        wrong.push(`${page.address} ${m.ruleId}: ${m.message} (${html.split('\n')[m.line - 1].trim().slice(Math.max(0, m.column - 60), m.column + 60)})`)
      }
    }
  }
  assert.deepEqual(wrong, [])
})

test('no page scrolls sideways at 320 px', async () => {
  const wide = []
  for (const role of new Set(pages.map((p) => p.role))) {
    const of = pages.filter((p) => p.role === role)
    const window = await browser.person(320)
    await window.context().addCookies(jar(lgsp, of[0].cookie))
    for (const language of ['', '/en']) {
      for (const { address } of language && role !== 'nobody' ? [] : of) {
        await window.goto(language + address, { waitUntil: 'domcontentloaded' }) // styles are there: scripts wait for them
        const [content, room] = await window.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
        if (content > room) wide.push(`${language}${address}: ${content} px`)
      }
    }
    await window.context().close()
  }
  assert.deepEqual(wide, [])
})

/** An address may be written with letters or escaped; other text stays. */
function readable(text) {
  try {
    return decodeURI(text)
  } catch {
    return text
  }
}

test('every public page says what it is to search engines and previews of links', async () => {
  const lacking = []
  const described = new Map()
  for (const { route, address, role, html, status } of pages) {
    if (role !== 'nobody' || status !== 200 || html.includes('name="robots" content="noindex"') || route.startsWith('/embed')) continue
    const tag = (pattern) => readable(html.match(pattern)?.[1] ?? '')
    const of = (name) => tag(new RegExp(`<meta (?:name|property)="${name}" content="([^"]*)"`))
    const place = decodeURI(address.split('?')[0])
    const want = {
      'og:url': lgsp.portal + place, 'og:locale': 'vi_VN', 'og:locale:alternate': 'en_GB', 'twitter:card': 'summary_large_image',
    }
    for (const [name, value] of Object.entries(want)) if (of(name) !== value) lacking.push(`${address} ${name}: ${of(name)}`)
    for (const name of ['og:title', 'og:type', 'og:description', 'og:image', 'og:image:alt']) if (!of(name)) lacking.push(`${address} has no ${name}`)
    if (of('og:description') !== of('description')) lacking.push(`${address} describes itself in two ways`)
    if (tag(/<link rel="canonical" href="([^"]*)"/) !== lgsp.portal + place) lacking.push(`${address} has no canonical address`)
    for (const [language, to] of [['vi', place], ['en', `/en${place}`], ['x-default', place]]) {
      if (tag(new RegExp(`hreflang="${language}" href="([^"]*)"`)) !== lgsp.portal + to) lacking.push(`${address} has no ${language}`)
    }
    const text = of('og:description')
    described.set(text, [...(described.get(text) ?? []), route])
  }
  assert.deepEqual(lacking, [])
  const picture = pages[0].html.match(/<meta property="og:image" content="([^"]*)"/)[1]
  assert.equal((await fetch(picture)).headers.get('content-type'), 'image/png')
  const alike = [...described].filter(([, routes]) => routes.length > 4)
  assert.deepEqual(alike, [], 'a description is of the thing itself')
})

test('the first page weighs at most 150 kB, 60 kB of it script', async () => {
  for (const address of ['/', '/search', '/dataset/thue-bao-vien-thong', '/apis/so-noi-vu/nguoi-co-cong/v1', '/sign-in']) {
    const window = await browser.person(390)
    const session = await window.context().newCDPSession(window)
    await session.send('Network.enable')
    const sizes = { Script: 0, all: 0 }, kinds = new Map()
    session.on('Network.responseReceived', (e) => kinds.set(e.requestId, e.type))
    session.on('Network.loadingFinished', (e) => {
      sizes.all += e.encodedDataLength
      if (kinds.get(e.requestId) === 'Script') sizes.Script += e.encodedDataLength
    })
    await window.goto(address, { waitUntil: 'networkidle' })
    assert.ok(sizes.all > 10_000, `${address}: ${sizes.all} bytes were counted`)
    assert.ok(sizes.all <= 150_000, `${address} weighs ${sizes.all} bytes`)
    assert.ok(sizes.Script <= 60_000, `${address} has ${sizes.Script} bytes of script`)
    await window.context().close()
  }
})
