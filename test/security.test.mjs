// What the browser itself must hold: a sign-in on the way to an application,
// with scripts and without; framing; and nothing of what people write runs.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { createHash, randomBytes } from 'node:crypto'
import { launch } from './browser.mjs'
import { Platform } from './platform.mjs'

let lgsp, browser, elsewhere, client, origin

before(async () => {
  lgsp = await Platform.start()
  browser = await launch()
  // Another site: an application's callback, and a page that frames ours.
  elsewhere = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end(request.url === '/frame' ? `<iframe src="${lgsp.portal}/sign-in"></iframe>` : '<h1>arrived</h1>')
  })
  await new Promise((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  origin = `http://127.0.0.1:${elsewhere.address().port}`
  const made = await lgsp.api('developer', 'POST', '/applications', { name: hostile('app'), redirect_uris: [`${origin}/tro-ve`] })
  assert.equal(made.status, 201, made.text)
  client = made.body
})

after(async () => {
  await browser?.close()
  elsewhere?.close()
  await lgsp?.stop()
})

/** A text that runs when anybody forgets to escape it. */
function hostile(where) {
  return `"'><img src=x onerror=window.hacked='${where}'><script>window.hacked='${where}'</script>`
}

/** A page that notes every violation of the policy and every script error. */
async function person(options = {}) {
  const context = await browser.newContext({ baseURL: lgsp.portal, ...options })
  const page = await context.newPage()
  page.faults = []
  page.on('pageerror', (error) => page.faults.push(String(error)))
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) page.faults.push(message.text())
  })
  return page
}

async function signIn(page, role) {
  await page.fill('input[name=email]', lgsp.account(role).email)
  await page.fill('input[name=password]', lgsp.account(role).password)
  await page.click('main form button[type=submit]')
}

function authorize() {
  const address = new URL('/oauth2/authorize', lgsp.portal)
  address.search = new URLSearchParams({
    client_id: client.id, redirect_uri: `${origin}/tro-ve`, response_type: 'code', scope: 'openid', state: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update('a'.repeat(43)).digest('base64url'), code_challenge_method: 'S256', prompt: 'consent',
  })
  return address.href
}

for (const javaScriptEnabled of [true, false]) {
  for (const [answer, wanted] of [['allow', 'code'], ['deny', 'error']]) {
    test(`to an application and back, ${answer}, ${javaScriptEnabled ? 'with' : 'without'} scripts`, async () => {
      const page = await person({ javaScriptEnabled })
      await page.goto(authorize())
      assert.equal(new URL(page.url()).pathname, '/sign-in')
      await signIn(page, 'citizen')
      await page.waitForURL('**/consent?**')
      assert.ok((await page.textContent('main')).includes(hostile('app')), 'the name is shown as it was written')
      await page.click(`button[name=answer][value=${answer}]`)
      await page.waitForURL(`${origin}/**`)
      const back = new URL(page.url())
      assert.equal(back.pathname, '/tro-ve')
      assert.ok(back.searchParams.get(wanted), page.url())
      assert.equal(back.searchParams.get('iss'), lgsp.info.issuer)
      assert.deepEqual(page.faults, [])
      await page.context().close()
    })
  }
}

test('no other site frames ours', async () => {
  const page = await person()
  await page.goto(`${origin}/frame`)
  const frame = page.frames().find((f) => f !== page.mainFrame())
  assert.equal(await frame.locator('form').count(), 0)
  assert.ok(page.faults.some((fault) => fault.includes('frame-ancestors')), `${page.faults}`)
})

test('a form that another site sends changes nothing', async () => {
  const page = await person()
  await page.goto('/sign-in')
  await signIn(page, 'developer')
  await page.waitForURL((url) => url.pathname !== '/sign-in')
  const other = await page.context().newPage()
  await other.goto(`${origin}/`)
  const [sent] = await Promise.all([
    other.waitForResponse(`${lgsp.portal}/sign-out`),
    other.evaluate((action) => {
      const form = document.body.appendChild(Object.assign(document.createElement('form'), { method: 'post', action }))
      form.submit()
    }, `${lgsp.portal}/sign-out`),
  ])
  assert.equal(sent.status(), 403)
  await page.goto('/developer')
  assert.equal(new URL(page.url()).pathname, '/developer', 'still signed in')
})

test('the session cookie is out of reach of scripts and of other sites', async () => {
  const page = await person()
  await page.goto('/sign-in')
  await signIn(page, 'developer')
  await page.waitForURL((url) => url.pathname !== '/sign-in')
  assert.equal(await page.evaluate(() => document.cookie), '')
  const [cookie] = (await page.context().cookies()).filter((c) => c.name === 'lgsp_session')
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path, cookie.domain], [true, 'Lax', '/', 'localhost'])
})

test('nothing that people write runs', async () => {
  const ok = (answer) => { assert.ok(answer.status < 300, answer.text); return answer.body }
  const agency = ok(await lgsp.api(null, 'GET', '/agencies/so-noi-vu'))
  const published = ok(await lgsp.api('publisher', 'GET', '/apis?limit=100')).items.find((a) => a.slug === 'nguoi-co-cong')
  const upstream = ok(await lgsp.api('publisher', 'GET', `/versions/${published.versions[0].id}`)).upstream_url
  const text = JSON.stringify({
    openapi: '3.1.0',
    info: { title: hostile('info'), version: '1', description: hostile('info text'), termsOfService: 'javascript:window.hacked=1',
      contact: { name: hostile('contact'), url: 'javascript:window.hacked=1' } },
    externalDocs: { url: 'javascript:window.hacked=1' },
    paths: { '/a': { get: { summary: hostile('summary'), description: `[x](javascript:window.hacked=1) ${hostile('description')}`,
      parameters: [{ name: 'x"><script>window.hacked=1</script>', in: 'query', description: hostile('parameter'), example: hostile('example'), schema: { type: 'string' } }],
      responses: { 200: { description: hostile('response'), content: { 'application/json': { example: { a: hostile('example body') },
        schema: { type: 'object', properties: { a: { type: 'string', title: hostile('field'), description: hostile('field text') } } } } } } } } } },
  })
  const api = ok(await lgsp.api('publisher', 'POST', '/apis', { agency_id: agency.id, slug: 'thu-doc', title_vi: hostile('API'), title_en: hostile('API'),
    description_vi: `[x](javascript:window.hacked=1) ${hostile('API text')}`, description_en: hostile('API text') }))
  const version = ok(await lgsp.api('publisher', 'POST', `/apis/${api.id}/versions`, { number: 'v1', text }))
  const [operation] = ok(await lgsp.api('publisher', 'GET', `/versions/${version.id}/operations`)).items
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/operations`, { [operation.slug]: { access: 'open', classification: 'public' } }))
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/upstream`, { url: upstream }))
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/plan`, { plan: 'open' }))
  ok(await lgsp.api('publisher', 'POST', `/versions/${version.id}/publish`))
  const data = { slug: 'bang-thu-doc', title_vi: hostile('dataset'), title_en: hostile('dataset'), notes_vi: `[x](javascript:window.hacked=1) ${hostile('notes')}`,
    notes_en: hostile('notes'), keywords_vi: [hostile('keyword')], theme: 'TECH', spatial: hostile('spatial'), contact_name: hostile('contact') }
  ok(await lgsp.api('publisher', 'POST', '/datasets', { agency: agency.id, ...data }))
  const link = await lgsp.api('publisher', 'PUT', '/datasets/bang-thu-doc', { ...data, source_url: 'javascript:window.hacked=1' })
  assert.equal(link.status, 400, 'a source that is no http address')
  const cell = hostile('cell').replaceAll('"', '""')
  const file = ok(await lgsp.api('publisher', 'POST', `/datasets/bang-thu-doc/distributions?filename=${encodeURIComponent(hostile('file') + '.csv')}`,
    new TextEncoder().encode(`"Mã ${cell}",Số\n"${cell}",1\n`), { 'Content-Type': 'text/csv' }))
  for (const [who, step] of [['publisher', 'submit'], ['steward', 'approve'], ['publisher', 'publish']]) {
    ok(await lgsp.api(who, 'POST', `/datasets/bang-thu-doc/${step}`))
  }

  const page = await person()
  await page.goto('/sign-in')
  await signIn(page, 'developer')
  await page.waitForURL((url) => url.pathname !== '/sign-in')
  for (const address of [
    `/search?q=${encodeURIComponent(hostile('q'))}`, '/search?q=hacked', `/sign-in?next=${encodeURIComponent(`/${hostile('next')}`)}`, '/apis',
    '/apis/so-noi-vu/thu-doc', '/apis/so-noi-vu/thu-doc/v1', `/apis/so-noi-vu/thu-doc/v1/${operation.slug}`, `/apis/so-noi-vu/thu-doc/v1/${encodeURIComponent(hostile('path'))}`,
    '/agencies/so-noi-vu', '/datasets', '/dataset/bang-thu-doc', '/developer', `/developer/applications/${client.id}`,
  ]) {
    for (const language of ['', '/en']) {
      await page.goto(language + address)
      const links = await page.$$eval('a, form, iframe, object', (all) => all.map((e) => e.getAttribute('href') ?? e.getAttribute('action') ?? e.getAttribute('src') ?? ''))
      assert.equal(await page.evaluate(() => window.hacked), undefined, address)
      assert.equal(await page.locator('img[src=x]').count(), 0, address)
      assert.deepEqual(links.filter((l) => /^\s*(javascript|data|vbscript):/i.test(l)), [], address)
      assert.deepEqual(page.faults, [], address)
    }
  }
  const rows = `/api/v1/datasets/bang-thu-doc/distributions/${file.id}/rows`
  for (const address of [rows, `${rows}?format=csv`, `${rows}?format=csv-excel`, `${rows}?format=xlsx`, `${rows}?format=jsonl`, `/r/${file.id}`, `/api/v1/versions/${version.id}/openapi.json`, `/api/v1/search?q=hacked`]) {
    const answer = await fetch(lgsp.portal + address)
    assert.equal(answer.status, 200, address)
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', address)
    const kind = answer.headers.get('content-type')
    assert.ok(kind.startsWith('application/json') || answer.headers.get('content-disposition')?.startsWith('attachment'), `${address}: ${kind}`)
    assert.doesNotMatch(answer.headers.get('content-disposition') ?? '', /[\r\n]/, address)
  }
})
