// The calendar of working days, legal bases and clocks, in a browser and as the
// operator of the demo keeps them.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { CalendarVietnamese } from 'date-chinese'
import { Browser, everywhere } from './browser.mjs'
import { Platform } from './platform.mjs'

let lgsp, browser

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

test('the lunar days that the platform comes with are those of the Vietnamese calendar', async () => {
  const seed = await readFile(new URL('../migrations/00128_agreement_calendar.sql', import.meta.url), 'utf8')
  const days = (from) => [...seed.slice(seed.indexOf(from)).split('\n\n')[0].matchAll(/date '(\d{4})-(\d\d)-(\d\d)'/g)].map((m) => m.slice(1).map(Number))
  const lunar = ([year, month, day]) => {
    const c = new CalendarVietnamese()
    c.fromGregorian(year, month, day)
    const [, , m, leap, d] = c.get()
    return `${d}/${m}${leap ? ' leap' : ''}`
  }
  const tet = days('select tet + n'), kings = days("select day, 'Giỗ Tổ Hùng Vương'")
  assert.equal(tet.length, 3)
  assert.equal(kings.length, 3)
  for (const day of tet) assert.equal(lunar(day), '1/1', `Tết on ${day}`)
  for (const day of kings) assert.equal(lunar(day), '10/3', `Hùng Kings on ${day}`)
})

test('everyone reads the calendar, the legal bases and the league', async () => {
  const page = await browser.person()
  for (const at of ['/holidays?year=2028', '/en/holidays', '/legal-bases', '/en/legal-bases', '/on-time', '/en/on-time']) {
    const answer = await page.goto(at)
    assert.equal(answer.status(), 200, at)
    await everywhere(page)
  }
  assert.match(await page.locator('main').textContent(), /The term today: 2 working days/)
})

test('the operator adds a day off and withdraws a clause, each with a reason', async () => {
  const page = await browser.signedIn('operator')
  await page.goto('/operator/holidays')
  await everywhere(page)
  const year = new Date().getFullYear() + 3
  await page.fill('#f-day', `${year}-06-01`)
  await page.fill('#f-title_vi', 'Ngày nghỉ thử')
  await page.fill('#f-title_en', 'A day off')
  await page.fill('#f-source', 'Quyết định thử')
  await page.getByRole('button', { name: 'Thêm vào lịch' }).click()
  await page.locator('#f-reason-error').waitFor()
  await everywhere(page)
  assert.equal(await page.inputValue('#f-title_vi'), 'Ngày nghỉ thử')
  await page.fill('#f-reason', 'Theo quyết định thử')
  await page.getByRole('button', { name: 'Thêm vào lịch' }).click()
  await page.getByRole('link', { name: `1/6/${year}` }).click()
  await everywhere(page)
  await page.goto('/operator/legal-bases')
  await everywhere(page)
  await page.getByRole('link', { name: /Nghị định 278/ }).click()
  await everywhere(page)
  await page.fill('#f-withdraw_reason', 'Nhập nhầm văn bản')
  await page.getByRole('button', { name: 'Rút khỏi sổ' }).click()
  await page.locator('.tag.bad', { hasText: 'đã rút' }).first().waitFor()
  await page.goto('/operator/clocks?all=1')
  await everywhere(page)
  await page.goto('/en/operator/legal-bases/nd-194-2025-d40-3')
  await everywhere(page)
  await page.goto('/audit/acts')
  assert.match(await page.locator('main').textContent(), /legal-basis\.withdraw[^]*holiday\.add/)
})

test('the steward sees what waits by its clock', async () => {
  const page = await browser.signedIn('steward')
  await page.goto('/agency')
  await page.locator('main a[href^="/agency/"]').first().click() // the most urgent desk
  await page.locator('a[href$="/requests"]').first().click()
  await page.locator('.tag', { hasText: /ngày làm việc|Hết hạn hôm nay/ }).first().waitFor()
  await everywhere(page)
})

test('the operator registers an agency, invites its first official and looks what a merger would do', async () => {
  const page = await browser.signedIn('operator')
  await page.goto('/operator/agencies/new')
  await everywhere(page)
  for (const [name, value] of Object.entries({ name_vi: 'Sở Thử nghiệm', name_en: 'Department of Trials', code: 'H48.96', slug: 'so-thu-nghiem', source: 'Quyết định thử' })) await page.fill(`#f-${name}`, value)
  await page.getByRole('button', { name: 'Đăng ký' }).click()
  await page.waitForURL(/\/operator\/agencies\/so-thu-nghiem$/)
  await everywhere(page)
  await page.goto('/agency/so-thu-nghiem')
  await everywhere(page)
  await page.getByRole('link', { name: 'Có hai người duyệt' }).click()
  await page.fill('#f-email', 'an@so-thu-nghiem.example')
  await page.fill('#f-name', 'Lê Văn An')
  await page.click('label[for="f-role-1"]')
  await page.getByRole('button', { name: 'Gửi lời mời' }).click()
  await page.getByRole('button', { name: 'Rút lại Lê Văn An' }).waitFor()
  await everywhere(page)
  const letters = await browser.person()
  const link = letters.locator('a[href^="/invitation?token="]').first()
  for (let n = 0; n < 100 && !(await link.count()); n++) await letters.goto('/demo/mail')
  await letters.goto(await link.getAttribute('href'))
  await everywhere(letters)
  for (const at of ['/operator/agencies?q=so', '/operator/agencies/so-noi-vu/end?successor=so-thu-nghiem', '/en/operator/people',
    '/operator', '/operator/rules', '/operator/accounts', '/operator/settings', '/en/operator/jobs', '/operator/code-lists']) {
    assert.equal((await page.goto(at)).status(), 200, at)
    await everywhere(page)
  }
})
