// An account as its person has it, in Chromium: from the letter that proves the
// address to the page that deletes it all.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { accessible, Browser, everywhere, press, totp } from './browser.mjs'
import { Platform } from './platform.mjs'

let lgsp, browser, page
const email = 'hoa@example.vn'
const first = 'gió biển Lý Sơn', second = 'núi Ấn sông Trà', third = 'quế Trà Bồng thơm'

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  page = await browser.person(390)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

async function open(address) {
  await page.goto(address)
  await accessible(page)
}

async function send(fields, form = 'main form') {
  for (const [name, value] of Object.entries(fields)) await page.fill(`${form} [name=${name}]`, value)
  await Promise.all([page.waitForNavigation(), page.click(`${form} button[type=submit]`)])
}

test('an account is made through a letter', async () => {
  await open('/sign-up')
  await page.click('label[for=f-terms]')
  await send({ name: 'Lê Thị Hoa', email })
  await accessible(page)
  assert.ok(await page.$('main a[href="/demo/mail"]'), 'the page says where the letter is')
  await open(await lgsp.link(email, '/sign-up/confirm'))
  await send({ password: first })
  assert.match(await page.textContent('main'), /lgsp_key_/)
})

test('every page of the account', async () => {
  for (const address of ['/account', '/account/email', '/account/password', '/account/data', '/en/account/data', '/forgot-password']) await open(address)
})

test('a forgotten password is set anew, and signed in with', async () => {
  await open('/forgot-password')
  await send({ email })
  await open(await lgsp.link(email, '/set-password'))
  await send({ password: second, repeated: second })
  assert.match(page.url(), /\/sign-in$/)
  await send({ email, password: second }, 'main form[action="/sign-in"]')
  assert.match(page.url(), /\/developer$/)
})

test('a new password shows what else opens the account, and drops what is young and not kept', async () => {
  await page.goto('/account/security')
  await press(page, 'form[action$="/security/app"] button')
  const secret = (await page.textContent('.secret')).replaceAll(' ', '')
  await page.fill('[name=code]', totp(secret))
  await press(page, 'form[action$="/confirm"] button')
  await lgsp.sql(`insert into auth.passkey (id, person_id, credential_id, name, record, created_at, added_agent, added_address, last_used_at)
    select gen_random_uuid(), id, ('x' || n)::bytea, v.name, '{}', now() - age, 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0', '203.0.113.9', now() - interval '2 hours'
      from auth.person, (values (1, 'Máy tính lạ', interval '3 days'), (2, 'Điện thoại của tôi', interval '90 days')) v (n, name, age) where email = '${email}'`)
  for (const prefix of ['', '/en']) {
    await page.goto(`${prefix}/forgot-password`)
    await send({ email })
    await page.goto(await lgsp.link(email, '/set-password').then((link) => link.replace(/[/](en[/])?set-password/, `${prefix}/set-password`)))
    await everywhere(page)
    assert.equal(await page.locator('[name=keep]').count(), 3)
    if (prefix) break
    await page.click('label:has-text("Ứng dụng xác thực")')
    await send({ password: '12345', repeated: '54321' })
    await everywhere(page)
    assert.deepEqual(await page.$$eval('[name=keep]:checked', (all) => all.map((e) => e.value)), ['app'])
    await lgsp.sql(`delete from auth.account_letter`)
  }
  await page.click('label:has-text("Authenticator app")')
  await page.click('label:has-text("Recovery codes")')
  await send({ password: third, repeated: third })
  assert.equal(await lgsp.sql(`select string_agg(k.name, ',') from auth.passkey k join auth.person p on p.id = k.person_id where p.email = '${email}'`), 'Điện thoại của tôi')
  await send({ email, password: third }, 'main form[action="/en/sign-in"]')
  await page.fill('[name=code]', totp(secret, 1))
  await press(page, 'form:has([name=code]) button')
  await page.goto('/account/security')
  await everywhere(page)
})

test('all that is held is one file, and the account can be deleted', async () => {
  await open('/account/data')
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('main a[href="/account/export"]')])
  const all = JSON.parse(await readFile(await download.path(), 'utf8'))
  assert.equal(all.person.email, email)
  assert.equal(all.applications.length, 1)
  assert.deepEqual(all.said, { posts: [], reports: [], data_requests: [], votes: [], ratings: [] })
  await send({ email: 'khac@example.vn' })
  await accessible(page)
  await send({ email })
  await open('/sign-in')
  await send({ email, password: third }, 'main form[action="/sign-in"]')
  assert.ok(await page.$('main [role=alert]'), 'nobody is there any more')
})
