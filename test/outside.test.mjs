// Signing in through an outside OpenID provider, in Chromium: npm oidc-provider
// with its own pages, met in both languages. Every page of ours on the way is
// held to WCAG by axe, at 1280 and 390 px.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, everywhere, press, totp } from './browser.mjs'
import { OutsideProvider } from './outside_provider.mjs'
import { freePorts, Platform } from './platform.mjs'

const password = 'gió biển Lý Sơn'
const languages = [['', 'vi'], ['/en', 'en']]
let lgsp, browser, provider

before(async () => {
  const [port] = await freePorts(1)
  lgsp = await Platform.start({
    LGSP_OIDC_ISSUER: `http://127.0.0.1:${port}`, LGSP_OIDC_CLIENT_ID: 'lgsp', LGSP_OIDC_CLIENT_SECRET: 'provider-secret',
    LGSP_OIDC_NAME_VI: 'Cổng thử', LGSP_OIDC_NAME_EN: 'Trial Portal', LGSP_EGRESS_ALLOW: '127.0.0.1/32',
  })
  browser = await Browser.start(lgsp)
  provider = new OutsideProvider(port, `${lgsp.portal}/sign-in/outside/callback`, {
    'new-vi': { name: 'Trần Thị Mới', email: 'moi@example.vn', email_verified: true },
    'new-en': { name: 'New Person', email: 'new@example.vn', email_verified: true },
    unproved: { name: 'Không Ai', email: lgsp.account('citizen').email, email_verified: false },
    twin: { name: 'Người Trùng Địa Chỉ', email: lgsp.account('citizen').email, email_verified: true },
    'link-vi': { name: 'Công dân', email: 'congdan@provider.test', email_verified: true },
    'link-en': { name: 'Citizen', email: 'citizen@provider.test', email_verified: true },
    official: { name: 'Lê Thị Kiểm', email: 'kiem@provider.test', email_verified: true },
  })
})
after(async () => {
  await browser?.stop()
  await provider?.stop()
  await lgsp?.stop()
})

const at = (page) => new URL(page.url()).pathname
const atProvider = (url) => url.href.startsWith(provider.issuer)
const atHome = (url) => url.href.startsWith(lgsp.portal) && !url.pathname.endsWith('/sign-in/outside')

/** Leaves for the provider from the sign-in page, or from where the selector is. */
async function leave(page, prefix = '', form = 'form[action$="/sign-in/outside"]') {
  if (form.includes('/sign-in/outside')) await page.goto(`${prefix}/sign-in`)
  await Promise.all([page.waitForURL(atProvider), page.click(`main ${form} button`)])
}

/** Signs in at the provider as somebody and agrees to what it asks, until our own page comes. */
async function pass(page, name) {
  await page.fill('input[name=login]', name)
  await page.fill('input[name=password]', 'any')
  await Promise.all([page.waitForNavigation(), page.click('button[type=submit]')])
  if (atProvider(new URL(page.url()))) await Promise.all([page.waitForURL(atHome), page.click('button[type=submit]')])
  await page.waitForURL(atHome)
  await everywhere(page)
}

async function signInAs(page, { email, password }, next = '') {
  if (next !== null) await page.goto(`/sign-in${next}`)
  await page.fill('[name=email]', email)
  await page.fill('[name=password]', password)
  await press(page, 'form:has([name=email]) button')
}

/** Signs out here, and the provider forgets who sat there. */
async function forget(page) {
  await press(page, 'header form[action$="/sign-out"] button')
  await page.context().clearCookies({ domain: '127.0.0.1' })
}

/** Signs out here and at the provider, by the links that are offered. */
async function leaveAll(page) {
  await press(page, 'header form[action$="/sign-out"] button')
  await Promise.all([page.waitForURL(atProvider), page.click(`main a[href^="${provider.issuer}"]`)])
  await Promise.all([page.waitForNavigation(), page.click('button[name=logout]')])
}

/** Goes to the provider and comes back without a question: it knows who sits here. */
async function comeBack(page, prefix = '') {
  await page.goto(`${prefix}/sign-in`)
  await Promise.all([page.waitForURL(`**${prefix}/developer`), page.click('main form[action$="/sign-in/outside"] button')])
}

const signedIn = async (page) => (await page.request.get('/account/sessions', { maxRedirects: 0 })).status() === 200
const heading = (page) => page.textContent('main h1')

test('a provider that is away is told of on a page, with another way in', async () => {
  for (const [prefix, words] of [['', /không trả lời/], ['/en', /does not answer/]]) {
    const page = await browser.person()
    await page.goto(`${prefix}/sign-in`)
    await everywhere(page)
    await press(page, 'form[action$="/sign-in/outside"] button')
    assert.match(await heading(page), words)
    assert.ok(await page.$(`main a[href="${prefix}/sign-in"]`))
    await page.context().close()
  }
  await provider.start()
  await new Promise((resolve) => setTimeout(resolve, 5_000)) // it is not asked again at once
})

for (const [prefix, language] of languages) {
  test(`who is unknown makes an account, signs out of both, and in again (${language})`, async () => {
    const page = await browser.person()
    await leave(page, prefix)
    await pass(page, `new-${language}`)
    assert.equal(at(page), `${prefix}/sign-in/outside/new`)
    await page.fill('[name=name]', '')
    await press(page, 'form[action$="/outside/new"] button')
    assert.equal(await page.locator('main [role=alert] li').count(), 2, 'name and terms are named together')
    await page.fill('[name=name]', provider.people[`new-${language}`].name)
    await page.click('label[for=f-terms]')
    await press(page, 'form[action$="/outside/new"] button')
    assert.match(await page.textContent('main'), /lgsp_key_/)

    await page.goto(`${prefix}/developer`)
    await press(page, 'header form[action$="/sign-out"] button')
    assert.match(await page.textContent('main [class*=usa-alert]'), language === 'vi' ? /vẫn đang đăng nhập ở Cổng thử/ : /still signed in at Trial Portal/)
    await comeBack(page, prefix) // the provider lets in whom it knows
    await leaveAll(page)
    await leave(page, prefix)
    assert.ok(await page.$('input[name=login]'), 'and after signing out there it asks')
    await pass(page, `new-${language}`)
    assert.equal(at(page), `${prefix}/developer`)
    await page.context().close()
  })
}

test('the only way in stays, and an old proof is renewed at the provider, which asks', async () => {
  const page = await browser.person()
  await leave(page)
  await pass(page, 'new-vi')
  await page.goto('/account')
  await press(page, 'form[action$="/identities/unlink"] button')
  assert.match(await page.textContent('main [role=alert]'), /cách đăng nhập duy nhất/)
  await lgsp.sql(`update auth.session set proved_at = proved_at - interval '11 minutes'`)
  await page.goto('/account/data')
  assert.equal(at(page), '/sign-in/confirm')
  assert.equal(await page.locator('main [type=password]').count(), 0, 'there is no password to ask for')
  await everywhere(page)
  await Promise.all([page.waitForURL(atProvider), page.click('main form[action$="/sign-in/outside"] button')])
  assert.ok(await page.$('input[name=login]'), 'it does not let in whoever it knows')
  await pass(page, 'new-vi')
  assert.equal(at(page), '/account/data', 'the page that wanted the proof')
  await page.context().close()
})

test('who came in by an old sign-in at the provider has proved nothing lately', async () => {
  const page = await browser.person()
  await leave(page)
  await pass(page, 'new-vi')
  await press(page, 'header form[action$="/sign-out"] button')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  await comeBack(page)
  const proved = await lgsp.sql(`select extract(epoch from created_at - proved_at) from auth.session order by created_at desc limit 1`)
  assert.ok(Number(proved) > 0.5, `proved ${proved} s before the session began`)
  await page.context().close()
})

test('the same address is no proof: neither unproved nor proved there does it open the account here', async () => {
  for (const [name, status] of [['unproved', 0], ['twin', 409]]) {
    const page = await browser.person()
    await leave(page)
    await pass(page, name)
    assert.equal(at(page), '/sign-in/outside/new')
    assert.equal(await signedIn(page), false)
    if (!status) {
      assert.equal(await page.locator('form[action$="/outside/new"]').count(), 0)
      assert.match(await page.textContent('main'), /chưa xác nhận địa chỉ/)
    } else {
      await page.click('label[for=f-terms]')
      const [answer] = await Promise.all([page.waitForNavigation(), page.click('form[action$="/outside/new"] button')])
      assert.equal(answer.status(), status)
      await everywhere(page)
      assert.equal(await signedIn(page), false)
    }
    assert.equal(await lgsp.sql(`select count(*) from auth.identity where subject = '${name}'`), '0')
    await page.context().close()
  }
})

for (const [prefix, language] of languages) {
  test(`an identity is linked by who proves the account, opens it, and is unlinked (${language})`, async () => {
    const page = await browser.person()
    const name = `link-${language}`
    await leave(page, prefix)
    await pass(page, name)
    await press(page, 'main a.usa-button')
    await signInAs(page, lgsp.account('citizen'), null)
    assert.equal(at(page), `${prefix}/account/identities/link`)
    await press(page, 'form[action$="/identities/link"] button')
    assert.equal(at(page), `${prefix}/account`)
    assert.match(await page.textContent('main'), new RegExp(provider.people[name].email))

    await forget(page)
    await leave(page, prefix)
    await pass(page, name)
    await page.goto(`${prefix}/account`)
    assert.match(await page.textContent('main'), new RegExp(lgsp.account('citizen').email), 'it opens the account')
    await press(page, 'form[action$="/identities/unlink"] button')
    assert.doesNotMatch(await page.textContent('main'), new RegExp(provider.people[name].email))
    await leaveAll(page)
    await leave(page, prefix)
    await pass(page, name)
    assert.equal(at(page), `${prefix}/sign-in/outside/new`, 'it opens nothing any more')
    await page.context().close()
  })
}

test('an official who came from the provider owes the second factor', async () => {
  const oneTime = await lgsp.lgsp('user', 'create', '--role', 'auditor', '--email', 'kiemtra@example.vn', '--name', 'Lê Thị Kiểm')
  const page = await browser.person()
  await page.goto(lgsp.portal + oneTime.trim().split('\n').at(-1).replace(/^https?:[/][/][^/]+/, ''))
  await page.fill('[name=password]', password)
  await page.fill('[name=repeated]', password)
  await press(page, 'main form button')
  await signInAs(page, { email: 'kiemtra@example.vn', password }, null)
  assert.equal(at(page), '/account/security', 'without a second factor nothing opens')
  await page.goto('/account')
  assert.equal(at(page), '/account/security', 'nor can an identity be linked before')
  await press(page, 'form[action$="/security/app"] button')
  const secret = (await page.textContent('.secret')).replaceAll(' ', '')
  await page.fill('[name=code]', totp(secret, -1))
  await press(page, 'form[action$="/confirm"] button')
  await page.goto('/account')
  await leave(page, '', 'form[action$="/identities/begin"]')
  await pass(page, 'official')
  assert.equal(at(page), '/account')
  await forget(page)
  await leave(page)
  await pass(page, 'official')
  assert.equal(at(page), '/sign-in/second', 'the provider is one factor')
  assert.equal(await signedIn(page), false)
  await page.fill('[name=code]', totp(secret))
  await press(page, 'form:has([name=code]) button')
  assert.equal(at(page), '/audit')
  await page.context().close()
})

test('who gives up at the provider is told so, and can go on', async () => {
  for (const [prefix, words] of [['', /không xác nhận bạn/], ['/en', /did not confirm you/]]) {
    const page = await browser.person()
    await leave(page, prefix)
    await Promise.all([page.waitForURL(atHome), page.click('a[href$="/abort"]')])
    await everywhere(page)
    assert.match(await heading(page), words)
    assert.ok(await page.$(`main a[href="${prefix}/sign-in"]`))
    assert.equal(await signedIn(page), false)
    await page.context().close()
  }
})

test('an answer that does not hold signs nobody in', async () => {
  for (const [spoil, vi, en] of [
    [{ state: 'another' }, /không còn hiệu lực/, /works no longer/],
    [{ nonce: 'another' }, /không hợp lệ/, /does not hold/],
    [{ iss: 'https://other.test' }, /không hợp lệ/, /does not hold/],
    [{ expired: true }, /không hợp lệ/, /does not hold/],
  ]) {
    for (const [prefix, words] of [['', vi], ['/en', spoil.state ? vi : en]]) { // without the state the language is not known either
      const page = await browser.person()
      provider.spoil = spoil
      await leave(page, prefix)
      await pass(page, 'new-vi')
      provider.spoil = {}
      assert.match(await heading(page), words, JSON.stringify(spoil))
      assert.equal(await signedIn(page), false, JSON.stringify(spoil))
      await page.context().close()
    }
  }
})

test('an answer is taken once, by the browser that asked, within ten minutes', async () => {
  const page = await browser.person()
  await leave(page)
  await pass(page, 'new-vi')
  const answer = await page.goto(provider.back)
  assert.equal(answer.status(), 404, 'once')
  await everywhere(page)
  const other = await browser.person()
  await leave(other)
  await lgsp.sql(`update auth.outside_visit set expires_at = expires_at - interval '10 minutes'`)
  await pass(other, 'new-vi')
  assert.match(await heading(other), /không còn hiệu lực/)
  assert.equal(await signedIn(other), false, 'late')
  await page.context().close()
  await other.context().close()
})

test('a provider that goes away meanwhile', async () => {
  const page = await browser.person()
  await leave(page)
  provider.spoil = { gone: true }
  await pass(page, 'new-vi')
  provider.spoil = {}
  assert.match(await heading(page), /không trả lời/)
  assert.equal(await signedIn(page), false)
  await page.context().close()
})
