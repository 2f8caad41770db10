// Two-step verification in a browser: an official's way from the one-time link
// to the desk with an authenticator app, recovery codes, and passkeys on a
// virtual authenticator (Chrome DevTools Protocol, WebAuthn domain). Every page
// on the way is held to WCAG by axe, at 1280 and 390 px, in both languages.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, accessible, everywhere, press, totp } from './browser.mjs'
import { Platform } from './platform.mjs'

const password = 'gió biển Lý Sơn'
let lgsp, browser, person, secret, codes

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  await lgsp.lgsp('user', 'create', '--role', 'auditor', '--email', 'kiemtra@example.vn', '--name', 'Lê Thị Kiểm').then((text) => {
    lgsp.oneTime = new URL(text.trim().split('\n').at(-1))
  })
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

/** Shows the password at the sign-in page; what comes next is the caller's. */
async function signIn(page, prefix = '') {
  await page.goto(`${prefix}/sign-in`)
  await everywhere(page)
  await page.fill('[name=email]', 'kiemtra@example.vn')
  await page.fill('[name=password]', password)
  await press(page, 'form:has([name=email]) button')
}

/** Gives the page's browser an authenticator that knows its user. */
async function authenticator(page) {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  })
  return { devtools, authenticatorId }
}

test('an official without a second factor is led to add one, whatever they open', async () => {
  person = await browser.person()
  await person.goto(`${lgsp.portal}${lgsp.oneTime.pathname}${lgsp.oneTime.search}`)
  await person.fill('[name=password]', password)
  await person.fill('[name=repeated]', password)
  await Promise.all([person.waitForNavigation(), person.click('main form button')])
  await signIn(person)
  assert.equal(new URL(person.url()).pathname, '/account/security')
  await person.goto('/en/audit')
  assert.equal(new URL(person.url()).pathname, '/en/account/security')
  await everywhere(person)
})

test('an authenticator app is added by a code of it, and the desk opens', async () => {
  await person.goto('/audit')
  await press(person, 'form[action$="/security/app"] button')
  secret = (await person.textContent('.secret')).replaceAll(' ', '')
  assert.ok(await person.locator('svg.qr path').count(), 'the QR code is drawn')
  await person.fill('[name=code]', '000000')
  await press(person, 'form[action$="/confirm"] button')
  assert.equal((await person.textContent('.secret')).replaceAll(' ', ''), secret, 'a wrong code keeps the secret')
  await person.fill('[name=code]', totp(secret, -1))
  await press(person, 'form[action$="/confirm"] button')
  codes = await person.$$eval('.codes .secret', (all) => all.map((e) => e.textContent))
  assert.equal(codes.length, 10)
  await person.click('main a.usa-button')
  await person.waitForURL('**/audit')
  await person.goto('/account/security')
  await everywhere(person)
})

test('what one proves oneself with changes after both factors, shown anew', async () => {
  for (const prefix of ['', '/en']) {
    await lgsp.sql(`update auth.session set proved_at = proved_at - interval '11 minutes'`)
    await person.goto(`${prefix}/account/security`)
    await everywhere(person)
    assert.equal(await person.locator('form[action$="/app/remove"]').count(), 0)
    await press(person, 'main a.usa-button')
    assert.equal(new URL(person.url()).pathname, `${prefix}/sign-in/confirm`)
    await person.fill('[name=present]', password)
    await press(person, 'form:has([name=present]) button')
    assert.equal(await person.locator('main [role=alert]').count(), 1, 'the password alone is not enough')
    await person.fill('[name=present]', password)
    await person.click('main summary')
    await person.fill('[name=recovery]', codes.pop())
    await press(person, 'form:has([name=present]) button')
    assert.equal(new URL(person.url()).pathname, `${prefix}/account/security`)
    assert.equal(await person.locator('form[action$="/app/remove"]').count(), 1)
  }
})

test('signing in asks for the code, works without scripts, and takes a recovery code once', async () => {
  const plain = await browser.person(390, { javaScriptEnabled: false })
  await plain.goto('/sign-in')
  await plain.fill('[name=email]', 'kiemtra@example.vn')
  await plain.fill('[name=password]', password)
  await Promise.all([plain.waitForNavigation(), plain.click('form:has([name=email]) button')])
  assert.equal(new URL(plain.url()).pathname, '/sign-in/second')
  await plain.fill('[name=code]', totp(secret))
  await Promise.all([plain.waitForNavigation(), plain.click('form:has([name=code]) button')])
  assert.equal(new URL(plain.url()).pathname, '/audit')

  for (const [times, code] of [['once', codes[0]], ['twice', codes[0]], ['another', codes[1]]]) {
    const page = await browser.person()
    await signIn(page, '/en')
    assert.equal(new URL(page.url()).pathname, '/en/sign-in/second')
    await page.click('main summary')
    await page.fill('[name=recovery]', code)
    await press(page, 'form:has([name=recovery]) button')
    assert.equal(new URL(page.url()).pathname === '/en/audit', times !== 'twice', times)
    await page.context().close()
  }
})

test('a passkey is added, signs in without address and password, and is removed', async () => {
  await person.goto('/account/security')
  const { devtools, authenticatorId } = await authenticator(person)
  await person.fill('[name=name]', 'Máy tính ở cơ quan')
  await press(person, 'form[data-passkey=create] button')
  assert.match(await person.textContent('main table'), /Máy tính ở cơ quan/)
  const { credentials } = await devtools.send('WebAuthn.getCredentials', { authenticatorId })
  assert.equal(credentials.length, 1)
  assert.ok(credentials[0].isResidentCredential)

  await Promise.all([person.waitForNavigation(), person.click('header form[action$="/sign-out"] button')])
  await person.goto('/sign-in')
  await person.click('form[data-passkey=get] button')
  await person.waitForURL('**/audit')
  await accessible(person)
  await person.goto('/account/security')
  await press(person, 'form[action*="/passkeys/"][action$="/remove"] button')
  assert.equal(await person.locator('main table').count(), 0)

  await Promise.all([person.waitForNavigation(), person.click('header form[action$="/sign-out"] button')])
  await person.goto('/sign-in')
  await Promise.all([person.waitForNavigation(), person.click('form[data-passkey=get] button')])
  assert.equal(await person.locator('main [role=alert]').first().isVisible(), true, 'a removed passkey is refused')
})

test('letters tell of what was added and removed', async () => {
  const operator = await browser.signedIn('operator')
  await operator.goto('/demo/mail')
  const text = await operator.textContent('main')
  for (const subject of ['thêm một cách xác thực', 'được gỡ khỏi tài khoản', 'mã khôi phục của bạn vừa được dùng']) assert.ok(text.includes(subject), subject)
})
