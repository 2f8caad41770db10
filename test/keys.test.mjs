// An application's keys as its owner has them: rotated, limited to a network,
// its settings and public keys, and everything revoked after a leak.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, accessible } from './browser.mjs'
import { Platform, until } from './platform.mjs'

const open = '/van-phong-ubnd-tinh/thu-tuc-hanh-chinh/v1/thu-tuc?tuKhoa=khai+sinh'
let lgsp, browser, page, own, key, secret

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

const call = () => lgsp.call(open, { 'X-API-Key': key })

async function token() {
  const answer = await fetch(`${lgsp.portal}/oauth2/token`, { method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials',
    client_id: own.split('/').at(-1), client_secret: secret, scope: 'lgsp.manage' }) })
  return { status: answer.status, ...await answer.json() }
}

/** Sends the page's form and holds what comes to WCAG, at both widths. */
async function send(selector = 'main form button[type=submit]') {
  await Promise.all([page.waitForNavigation(), page.click(selector)])
  await accessible(page)
}

async function visit(address) {
  for (const width of [390, 1280]) {
    await page.setViewportSize({ width, height: 900 })
    for (const locale of ['/en', '']) {
      assert.equal((await page.goto(locale + address)).status(), 200, address)
      await accessible(page)
    }
  }
}

test('an application has a key that calls', async () => {
  page = await browser.signedIn('developer', 1280)
  await page.goto('/developer/applications/new')
  await page.fill('[name=name]', 'Ứng dụng có khoá')
  await send()
  const shown = await page.locator('.secret').allTextContents()
  key = shown.find((text) => text.startsWith('lgsp_key_'))
  secret = shown.find((text) => text.startsWith('lgsp_secret_'))
  own = await page.locator('a[href*="/developer/applications/"]').last().getAttribute('href')
  assert.equal((await call()).status, 200)
  assert.equal((await token()).status, 200)
})

test('a key is rotated, and the old one works on', async () => {
  await visit(own)
  const old = key
  const row = page.locator('#credentials li', { hasText: key.slice(0, 21) })
  await row.locator('summary', { hasText: 'Đổi' }).click()
  await row.locator('select[name=overlap]').selectOption('2160')
  await Promise.all([page.waitForNavigation(), row.locator('form[action$="/rotate"] button').click()])
  await accessible(page)
  key = (await page.locator('.secret').allTextContents()).find((text) => text.startsWith('lgsp_key_'))
  assert.match(key, /^lgsp_key_[0-9A-Za-z]{49}$/)
  assert.notEqual(key, old)
  assert.equal((await lgsp.call(open, { 'X-API-Key': old })).status, 200)
  await until('the new key is known', 5000, async () => (await call()).status === 200)
})

test('a key limited to a network is refused elsewhere within a second', async () => {
  await page.goto(own)
  const id = await page.locator('#credentials li', { hasText: key.slice(0, 21) }).locator('a[href*="/credentials/"]').getAttribute('href')
  await visit(id)
  await page.fill('[name=name]', 'Máy chủ một cửa')
  await page.fill('[name=networks]', 'văn phòng')
  await send()
  assert.equal(await page.locator('.usa-error-message').count(), 1)
  await page.fill('[name=networks]', '198.51.100.0/24')
  const begun = Date.now()
  await send()
  await until('the key is refused', 1000, async () => {
    const answer = await call()
    return answer.status === 403 && answer.body.code === 'address-not-allowed'
  })
  assert.ok(Date.now() - begun < 5000)
  assert.match(await page.textContent('#credentials'), /Máy chủ một cửa[\s\S]*198\.51\.100\.0\/24/)
  await page.goto(id)
  await page.fill('[name=networks]', '127.0.0.0/8\n::1')
  await send()
  await until('the key is taken from here', 2000, async () => (await call()).status === 200)
})

test('settings and public keys are saved', async () => {
  await visit(`${own}/settings`)
  await page.fill('[name=redirect_uris]', 'https://ung-dung.example/cb')
  await send('#people button')
  await page.click('label[for=f-refresh_grace]')
  await send('#proof button')
  assert.equal(await page.inputValue('[name=redirect_uris]'), 'https://ung-dung.example/cb')
  assert.ok(await page.isChecked('[name=refresh_grace]'))
  await page.fill('[name=redirect_uris]', 'ftp://sai.example')
  await send('#people button')
  await accessible(page)
  assert.equal(await page.inputValue('[name=redirect_uris]'), 'ftp://sai.example')
  assert.ok(await page.isChecked('[name=refresh_grace]'), 'the other sections show what is saved')
  await visit(`${own}/keys`)
  const { publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify'])
  await page.fill('[name=keys]', JSON.stringify({ ...await crypto.subtle.exportKey('jwk', publicKey), kid: 'may-chu-1', key_ops: undefined, ext: undefined }))
  await send()
  assert.match(await page.textContent('main table'), /may-chu-1[\s\S]*ES256/)
})

test('after a leak one step ends keys and tokens', async () => {
  const before = await token()
  const me = () => fetch(`${lgsp.portal}/api/v1/me`, { headers: { Authorization: `Bearer ${before.access_token}` } })
  assert.equal((await me()).status, 200)
  await visit(`${own}/leak`)
  await send('main form button.danger')
  await until('the key is refused', 1000, async () => (await call()).status === 401)
  assert.equal((await me()).status, 401)
  assert.equal((await token()).error, 'invalid_client')
  assert.equal(await page.locator('#credentials form[action$="/rotate"]').count(), 0)
})
