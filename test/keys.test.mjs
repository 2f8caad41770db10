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

test('a key limited to reading and to one operation says so when it is used otherwise', async () => {
  const { client_id: id, api_key: demo } = lgsp.info.application
  const use = (address, options) => lgsp.call(`/so-nong-nghiep-moi-truong/dat-dai/v1${address}`, { 'X-API-Key': demo, 'Accept-Language': 'en' }, options)
  await page.goto(`/developer/applications/${id}`)
  const at = await page.locator('#credentials li', { hasText: demo.slice(0, 21) }).locator('a[href*="/credentials/"]').getAttribute('href')
  await visit(at)
  await page.click('label[for=f-read]')
  const service = page.locator('#f-scopes details', { hasText: 'Thửa đất' })
  await service.locator('summary').click()
  await service.locator('label').first().click()
  await send()
  assert.match(await page.textContent('#credentials'), /Chỉ cho 1 dịch vụ[\s\S]*Chỉ đọc \(GET, HEAD\)[\s\S]*Chỉ 1 thao tác/)
  await until('another operation is refused', 1000, async () => (await use('/bang-gia-dat')).body?.code === 'key-scope')
  const { body } = await use('/bang-gia-dat')
  assert.match(body.detail, /limits it, on this API, to: GET, HEAD; [a-z-]+\./)
  assert.deepEqual(body.scopes.length, 2)
  const [version, operation] = body.scopes[0].split('/')
  await visit(`/explain?application=${id}&version=${version}&operation=${operation}&credential=api_key:${demo.slice(9, 21)}`)
})

test('a honey key is made, shown once, and looks like any other', async () => {
  await visit(`${own}/honey-keys`)
  await page.fill('[name=name]', 'Kho mã nguồn')
  await send('main section form button[type=submit]')
  const honey = await page.textContent('.secret')
  assert.match(honey, /^lgsp_key_[0-9A-Za-z]{49}$/)
  await page.click('main .actions a')
  assert.match(await page.textContent('main'), /Kho mã nguồn[\s\S]*Chưa ai dùng/)
  const tried = await lgsp.call(open, { 'X-API-Key': honey })
  assert.deepEqual([tried.status, tried.body.code], [401, 'key-wrong'])
  const boss = await browser.signedIn('operator', 1280)
  await boss.goto('/operator/honey-keys')
  await accessible(boss)
  assert.match(await boss.textContent('main'), /Kho mã nguồn[\s\S]*Ứng dụng có khoá/)
})

test('an operator sets another authorization server up', async () => {
  const boss = await browser.signedIn('operator', 390)
  await boss.goto('/operator/issuers')
  await accessible(boss)
  await boss.fill('[name=name]', 'Bộ Nội vụ')
  await boss.fill('[name=issuer]', 'https://sso.bo.example')
  await boss.fill('[name=introspection_url]', 'http://sso.bo.example/hoi')
  await boss.fill('[name=client_id]', 'tinh-quang-ngai')
  await boss.fill('[name=client_secret]', 'bi-mat-o-bo')
  await Promise.all([boss.waitForLoadState(), boss.click('main form button[type=submit]')])
  assert.match(await boss.textContent('.usa-error-message'), /https/)
  await accessible(boss)
  await boss.fill('[name=introspection_url]', 'https://sso.bo.example/hoi')
  await boss.fill('[name=client_secret]', 'bi-mat-o-bo')
  await Promise.all([boss.waitForURL(/issuers\/.+/), boss.click('main form button[type=submit]')])
  await boss.fill('[name=client]', 'he-thong-bo')
  await boss.fill('[name=application]', own.split('/').at(-1))
  await Promise.all([boss.waitForLoadState(), boss.click('main form button[type=submit]')])
  assert.match(await boss.textContent('main table'), /he-thong-bo[\s\S]*Ứng dụng có khoá/)
  await accessible(boss)
  assert.doesNotMatch(await boss.content(), /bi-mat-o-bo/)
})

test('settings and public keys are saved', async () => {
  await visit(`${own}/settings`)
  await page.fill('[name=redirect_uris]', 'https://ung-dung.example/cb')
  await page.click('label[for=f-id_token_signed_response_alg-1]')
  await send('#people button')
  assert.ok(await page.isChecked('[name=id_token_signed_response_alg][value=RS256]'))
  assert.equal((await lgsp.api('developer', 'GET', `/applications/${own.split('/').at(-1)}`)).body.id_token_signed_response_alg, 'RS256')
  await page.fill('[name=client_uri]', 'http://ung-dung.example')
  await send('#about button')
  assert.match(await page.textContent('.usa-error-message'), /https/)
  await page.fill('[name=client_uri]', 'https://ung-dung.example/gioi-thieu')
  await send('#about button')
  assert.equal(await page.inputValue('[name=client_uri]'), 'https://ung-dung.example/gioi-thieu')
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
  const pem = (type, der) => `-----BEGIN ${type}-----\n${Buffer.from(der).toString('base64')}\n-----END ${type}-----\n`
  const edwards = await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])
  const mine = pem('PUBLIC KEY', await crypto.subtle.exportKey('spki', edwards.publicKey))
  await page.fill('[name=keys]', `${await page.inputValue('[name=keys]')}\n${mine}`) // beside the one there is
  await send()
  assert.match(await page.textContent('main table'), /ES256[\s\S]*EdDSA|EdDSA[\s\S]*ES256/)
  const saved = await page.inputValue('[name=keys]')
  assert.deepEqual(JSON.parse(saved).keys.map((k) => k.alg).sort(), ['ES256', 'EdDSA'])
  await page.fill('[name=keys]', pem('PRIVATE KEY', await crypto.subtle.exportKey('pkcs8', edwards.privateKey)))
  await send()
  assert.match(await page.textContent('.usa-error-message'), /Khoá riêng này đã bị lộ/)
  assert.equal(await page.inputValue('[name=keys]'), saved, 'what is saved is shown, and never the private key')
})

for (const [role, javaScriptEnabled] of [['developer', true], ['publisher', false]]) {
  test(`a registration token of the ${role} is made, shown once, used and revoked, scripts ${javaScriptEnabled ? 'on' : 'off'}`, async () => {
    const desk = '/developer/registration-tokens'
    if (javaScriptEnabled) await visit(desk)
    const mine = javaScriptEnabled ? page : await browser.person(390, { javaScriptEnabled })
    const act = async (selector) => {
      await Promise.all([mine.waitForNavigation(), mine.click(selector)])
      if (javaScriptEnabled) await accessible(mine)
    }
    if (!javaScriptEnabled) {
      const { email, password } = lgsp.account(role)
      await mine.goto(`/sign-in?next=${desk}`)
      await mine.fill('input[name=email]', email)
      await mine.fill('input[name=password]', password)
      await act('main form button[type=submit]')
      await mine.goto(desk)
    }
    await mine.fill('[name=name]', `Đợt cài của ${role}`)
    if (role === 'publisher') await mine.selectOption('[name=agency]', { label: 'Sở Nội vụ' })
    for (const grant of [0, 1]) await mine.click(`label[for=f-grant_types-${grant}]`) // neither
    await act('#new button[type=submit]')
    assert.match(await mine.textContent('#f-grant_types-error'), /grant_types/)
    await mine.click('label[for=f-grant_types-0]')
    await act('#new button[type=submit]')
    const token = (await mine.locator('.secret').allTextContents()).find((text) => text.startsWith('lgsp_reg_'))
    const register = () => fetch(`${lgsp.info.issuer}/oauth2/register`, { method: 'POST', headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ client_name: 'Trạm 7', grant_types: ['authorization_code'], redirect_uris: ['https://tram7.example.vn/cb'] }) })
    const made = await register()
    assert.equal(made.status, 201)
    assert.equal((await register()).status, 401, 'it was for one application')
    const app = await lgsp.api(role, 'GET', `/applications/${(await made.json()).client_id}`)
    assert.equal(app.body.owner_agency !== null, role === 'publisher')

    await mine.goto(desk)
    assert.match(await mine.locator('#tokens li', { hasText: `Đợt cài của ${role}` }).textContent(), /Đã dùng 1\/1 lượt/)
    assert.ok(!(await mine.content()).includes(token))
    await mine.fill('[name=name]', 'Thử thu hồi')
    await mine.fill('[name=max_uses]', '5')
    await act('#new button[type=submit]')
    await mine.goto(desk)
    const row = mine.locator('#tokens li', { hasText: 'Thử thu hồi' })
    await row.locator('summary').click()
    await Promise.all([mine.waitForNavigation(), row.locator('button').click()])
    assert.match(await row.textContent(), /Đã thu hồi/)
    assert.equal(await row.locator('form').count(), 0)
    if (javaScriptEnabled) await visit(desk)
    else await mine.context().close()
  })
}

test('after a leak one step ends keys and tokens', async () => {
  const before = await token()
  const me = () => fetch(`${lgsp.portal}/api/v1/me`, { headers: { Authorization: `Bearer ${before.access_token}` } })
  assert.equal((await me()).status, 200)
  await visit(`${own}/leak`)
  await send('main form button.danger')
  await until('the key is refused', 1000, async () => (await call()).status === 401)
  assert.equal((await me()).status, 401)
  assert.equal((await token()).error, 'invalid_client')
  assert.equal(new URL(page.url()).pathname, `${own}/leak`)
  assert.match(await page.textContent('main'), /Đã thu hồi[\s\S]*50 lời gọi gần nhất/)
  assert.ok(await page.locator('#calls tbody tr').count() > 3)
  assert.match(await page.textContent('#calls'), /403/) // from a network that was not allowed
  await page.goto(own)
  assert.equal(await page.locator('#credentials form[action$="/rotate"]').count(), 0)
})
