// The publisher's year in a browser: a change that would break callers is
// refused and says whom; it becomes a second version, is tried, and goes live by
// two persons as one bundle; the first is announced to end, those who call it
// are written to, and in the end it answers 410.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Browser, everywhere, press } from './browser.mjs'
import { Platform, until } from './platform.mjs'

const desk = '/agency/so-noi-vu/apis/nguoi-co-cong'
let lgsp, browser, publisher, steward, changed, agency

/** Calls the first version as the developer's application, with a token for it. */
async function call(number) {
  const base = `${lgsp.gateway}/so-noi-vu/nguoi-co-cong/${number}`
  const { client_id: id, client_secret: secret } = lgsp.info.application
  const token = await fetch(`${lgsp.portal}/oauth2/token`, {
    method: 'POST', headers: { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: base }),
  })
  const { access_token: access } = await token.json()
  return fetch(`${base}/ho-so/000138000002`, { headers: access ? { Authorization: `Bearer ${access}` } : {} })
}

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  publisher = await browser.signedIn('publisher')
  steward = await browser.signedIn('steward')
  agency = (await lgsp.api(null, 'GET', '/agencies?limit=100')).body.items.find((a) => a.slug === 'so-noi-vu').id
  const document = await readFile(path.resolve(import.meta.dirname, '../demo/specs/nguoi-co-cong.yaml'), 'utf8')
  changed = document.replaceAll('tyLeTonThuong', 'tyLeThuongTat').replace("version: '1.0.0'", "version: '2.0.0'")
  assert.notEqual(changed, document)
  assert.equal((await call('v1')).status, 200)
  await until('the call is counted', 20_000, async () => (await lgsp.sql('select count(*) from ledger.day_use')) !== '0')
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

const file = (text) => ({ name: 'nguoi-co-cong.yaml', mimeType: 'application/yaml', buffer: Buffer.from(text) })

test('a change that breaks callers is refused, and names them', async () => {
  await publisher.goto(`${desk}/v1/document`)
  await publisher.setInputFiles('[name=file]', file(changed))
  await press(publisher, 'main form .actions button')
  const text = await publisher.textContent('main')
  assert.match(text, /tyLeTonThuong/, 'what breaks')
  assert.match(text, new RegExp(lgsp.info.application.name ?? 'trình diễn'), 'whom')
  await everywhere(publisher)
  assert.equal((await call('v1')).status, 200, 'callers get what they got')
})

test('it becomes a second version, which is tried with made-up data', async () => {
  await publisher.goto(`${desk}/new`)
  await publisher.setInputFiles('[name=file]', file(changed))
  await press(publisher, 'main form .actions button')
  await publisher.waitForURL(/\/v2\/found$/)
  const { body: api } = await lgsp.api('publisher', 'GET', '/apis?limit=100')
  const one = api.items.find((a) => a.slug === 'nguoi-co-cong').versions.find((v) => v.number === 'v1').id
  const { upstream_url: upstream } = (await lgsp.api('publisher', 'GET', `/versions/${one}`)).body
  await publisher.goto(`${desk}/v2/connection`)
  await publisher.fill('[name=upstream_url]', upstream)
  await publisher.click('label[for="' + await publisher.locator('[name=plan][value=standard-approval]').getAttribute('id') + '"]')
  await press(publisher, 'main form .actions button')
  await publisher.goto(`${desk}/v2/marks`)
  for (const mark of await publisher.locator('select[name$="/access"]').all()) assert.notEqual(await mark.inputValue(), '', 'marks are taken over from the version before')
  await press(publisher, 'main form .actions button')
  await publisher.goto(`${desk}/v2`)
  await press(publisher, 'form[action$="/sandbox"] button')
  const { client_id: id, client_secret: secret } = lgsp.info.application
  const base = `${lgsp.gateway}/so-noi-vu/nguoi-co-cong/v2-sandbox`
  const token = await (await fetch(`${lgsp.portal}/oauth2/token`, {
    method: 'POST', headers: { Authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: base }),
  })).json()
  await until('the sandbox answers', 5_000, async () => {
    const answer = await fetch(`${base}/ho-so/000138000002`, { headers: { Authorization: `Bearer ${token.access_token}` } })
    return answer.status === 200 && 'tyLeThuongTat' in await answer.json()
  })
})

test('two persons let it go live as one bundle', async () => {
  const rule = await lgsp.api('steward', 'PUT', `/agencies/${agency}/release-rule`, { two_persons: true })
  assert.equal(rule.status, 200, rule.text)
  await publisher.goto(`${desk}/v2/promotion`)
  await everywhere(publisher)
  await press(publisher, 'form[action$="/propose"] button')
  await until('the steward is told', 20_000, async () => {
    await steward.goto('/account/notices')
    return /nguoi-co-cong|Người có công/.test(await steward.textContent('main'))
  })
  await steward.goto(`${desk}/v2/promotion`)
  await press(steward, 'form[action$="/promote"] button')
  const { body } = await lgsp.api(null, 'GET', '/apis?limit=100')
  assert.equal(body.items.find((a) => a.slug === 'nguoi-co-cong').versions.find((v) => v.number === 'v2').state, 'published')
})

test('the end of the first is announced to those who call it', async () => {
  await publisher.goto(`${desk}/v1/end`)
  assert.match(await publisher.textContent('main'), /xem-nguoi-co-cong/)
  const day = await publisher.getAttribute('[name=sunset]', 'min')
  await publisher.fill('[name=sunset]', day)
  await publisher.selectOption('[name=successor]', { index: 1 })
  await publisher.fill('[name=reason]', 'Phiên bản 2 đổi tên một trường.')
  await press(publisher, 'form[action$="/deprecate"] button')
  const answer = await until('callers are told on the wire', 5_000, async () => {
    const one = await call('v1')
    return one.headers.has('sunset') ? one : null
  })
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('link'), /successor-version/)
  await publisher.goto(`${desk}/v1/end`)
  assert.ok(await publisher.locator('[aria-labelledby=notices] tbody tr').count() >= 1, 'the letters that go out, and when')
})

test('it is retired by writing its name, and answers 410', async () => {
  await publisher.goto(`${desk}/v1/end`)
  await publisher.click('details:has(form[action$="/retire"]) summary')
  await publisher.fill('[name=confirm]', 'nguoi-co-cong/v2')
  await press(publisher, 'form[action$="/retire"] button')
  assert.equal(await publisher.getAttribute('[name=confirm]', 'aria-invalid'), 'true', 'it is another’s name')
  await publisher.fill('[name=confirm]', 'nguoi-co-cong/v1')
  await press(publisher, 'form[action$="/retire"] button')
  await until('it is gone', 5_000, async () => (await call('v1')).status === 410)
})
