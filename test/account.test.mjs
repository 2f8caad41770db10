// An account as its person has it, in Chromium: from the letter that proves the
// address to the page that deletes it all.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { accessible, Browser } from './browser.mjs'
import { Platform } from './platform.mjs'

let lgsp, browser, page
const email = 'hoa@example.vn'
const first = 'gió biển Lý Sơn', second = 'núi Ấn sông Trà'

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

test('all that is held is one file, and the account can be deleted', async () => {
  await open('/account/data')
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('main a[href="/account/export"]')])
  const all = JSON.parse(await readFile(await download.path(), 'utf8'))
  assert.equal(all.person.email, email)
  assert.equal(all.applications.length, 1)
  await send({ email: 'khac@example.vn' })
  await accessible(page)
  await send({ email })
  await open('/sign-in')
  await send({ email, password: second }, 'main form[action="/sign-in"]')
  assert.ok(await page.$('main [role=alert]'), 'nobody is there any more')
})
