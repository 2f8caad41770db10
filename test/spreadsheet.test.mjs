// From a clerk's spreadsheet to open data that draws itself: titles across
// merged cells, dates of three writings, codes that lost their zeros, decimal
// commas, telephone numbers nobody may publish, a total below. Once on a
// telephone without scripts, once on a desk with them.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, everywhere } from './browser.mjs'
import { Platform } from './platform.mjs'
import { code, day, workbook } from './workbook.mjs'

const prepare = '/agency/so-noi-vu/prepare'
const patience = 60_000 // what a busy machine may need to read a file
let lgsp, browser, steward

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  steward = await browser.signedIn('steward', 1280)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

const markets = [
  [code(123), 'Chợ Hàng Rượu', day('2019-07-30'), '1,25', '0905000123', '15,1205', '108,7923'],
  ['00124', 'Chợ Nghĩa Lộ', '01/8/2019', '0,8', '0915000456', '15,1180', '108,8011'],
  ['00125', 'Chợ Sa Huỳnh', '2020-02-15', '2,4', '0985000789', '14,6702', '109,0755'],
  ['00126', 'Chợ Châu Ổ', 'chưa rõ', '1,1', '0935000321', '15,2968', '108,7605'],
  [code(127), 'Chợ Di Lăng', day('2021-11-02'), '0,95', '0975000654', '15,0501', '108,5702'],
]

/** The clerk's file, under a title, with so many of the columns. */
const file = (title, columns) => workbook([
  ['UỶ BAN NHÂN DÂN TỈNH QUẢNG NGÃI'], [title], [null],
  ['Mã chợ', 'Tên chợ', 'Ngày mở cửa', 'Diện tích (ha)', 'Điện thoại', 'Vĩ độ', 'Kinh độ'].slice(0, columns),
  ...markets.map((cells) => cells.slice(0, columns)),
  ['Tổng cộng', null, null, '6,5'],
], { sheet: 'Chợ', merged: ['A1:G1', 'A2:G2'] })

const main = async (page) => (await page.textContent('main')).replace(/\s+/g, ' ')

/** Holds the page to what all pages are held to; axe itself is a script, so that
 * without scripts only the width is looked at. */
async function looks(page) {
  if (page.scriptless) {
    const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth])
    assert.ok(content <= window, `${page.url()} scrolls sideways: ${content} > ${window}`)
    return
  }
  await everywhere(page)
}

/** A person on a telephone that runs no scripts. */
async function scriptless() {
  const page = await browser.person(390, { javaScriptEnabled: false })
  page.scriptless = true
  return page
}

/** Presses a button, and waits for what the next page has to show. */
async function press(page, button, shows) {
  await Promise.all([page.waitForNavigation(), page.click(button)])
  if (shows) await page.waitForSelector(shows, { timeout: patience })
  await looks(page)
}

/** Ticks a radio by its label, as people do. */
const choose = (page, id) => page.click(`label[for="${id}"]`)

/** Brings a file to the approver's desk and gives the address of the dataset. */
async function brings(page, name, buffer) {
  await page.goto(prepare)
  await looks(page)
  await page.setInputFiles('[name=file]', { name, mimeType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', buffer })
  await page.click('main form button[type=submit]')
  await page.waitForSelector('fieldset.column', { timeout: patience })
  await looks(page)
  const found = await main(page)
  for (const says of ['Dòng 10 là dòng tổng cộng', 'Ví dụ: 00123 · 00124 · 00125', 'Hầu hết ô của cột này là ngày', 'Dòng 8: “chưa rõ”', 'DANH SÁCH CHỢ']) {
    assert.ok(found.includes(says), `${says} in ${found.slice(0, 2000)}`)
  }
  assert.equal(await page.inputValue('[name=last]'), '9')
  assert.equal(await page.inputValue('[name="type.3"]'), 'decimal')
  await page.selectOption('[name="type.2"]', 'date')
  await press(page, 'main form button[type=submit]', '[id="f-way.4-drop"]')
  assert.ok(!(await main(page)).includes('0905000123'), 'telephone numbers are masked')
  await choose(page, 'f-way.4-drop')
  await press(page, 'main form button[type=submit]', '[name=notes_vi]')
  await page.fill('[name=notes_vi]', 'Các chợ của tỉnh: nơi họp, ngày mở và diện tích.')
  await press(page, 'main form .actions button', 'form[action$="/send"]')
  const summary = await main(page)
  assert.ok(summary.includes('Không công bố cột: Điện thoại.'), summary.slice(0, 1500))
  assert.ok(summary.includes('30/7/2019') && summary.includes('1/8/2019') && !summary.includes('chưa rõ'), 'dates are dates')
  await press(page, 'form[action$="/send"] button', 'a[href*="/datasets/"]')
  return page.getAttribute('main p.row a', 'href')
}

/** The steward approves, the clerk publishes; gives the public address. */
async function publishes(clerk, desk) {
  for (const [page, act] of [[steward, 'approve'], [clerk, 'publish']]) {
    await page.goto(desk)
    await Promise.all([page.waitForNavigation(), page.click(`form[action$="/${act}"] button`)])
  }
  return desk.replace(/^.*\/datasets\//, '/dataset/')
}

/** What the rows of a public dataset say, without anything of the telephones. */
async function rows(page, address) {
  const slug = address.split('/').pop()
  const { body } = await lgsp.api(null, 'GET', `/datasets/${slug}`)
  const answer = await lgsp.api(null, 'GET', `/datasets/${slug}/distributions/${body.distributions[0].id}/rows`)
  assert.equal(answer.status, 200, answer.text)
  for (const text of [answer.text, JSON.stringify(body), await page.content()]) {
    assert.equal(text.match(/.{0,80}(0905000123|0985000789).{0,40}/)?.[0], undefined)
  }
  assert.ok(!answer.text.includes('dien_thoai'), answer.text)
  return answer.body.items
}

const first = { ma_cho: '00123', ten_cho: 'Chợ Hàng Rượu', ngay_mo_cua: '2019-07-30', 'dien_tich_ha': 1.25 }

test('on a telephone without scripts, a sheet with places becomes open data with a map', async () => {
  const clerk = await scriptless()
  const { email, password } = lgsp.account('publisher')
  await clerk.goto('/sign-in')
  await clerk.fill('input[name=email]', email)
  await clerk.fill('input[name=password]', password)
  await Promise.all([clerk.waitForNavigation(), clerk.click('main form button[type=submit]')])
  const address = await publishes(clerk, await brings(clerk, 'cho dan sinh (1).xlsx', file('DANH SÁCH CHỢ DÂN SINH NĂM 2024', 7)))
  const citizen = await scriptless()
  await citizen.goto(address)
  assert.equal(await citizen.locator('.map svg circle').count(), 5)
  const list = await rows(citizen, address)
  assert.equal(list.length, 5)
  for (const [name, value] of Object.entries({ ...first, vi_do: 15.1205, kinh_do: 108.7923 })) assert.equal(list[0][name], value, name)
  await looks(citizen)
  await Promise.all([clerk.context().close(), citizen.context().close()])
})

test('on a desk with scripts, a sheet with one measure becomes open data with a chart', async () => {
  const clerk = await browser.signedIn('publisher', 1280)
  const address = await publishes(clerk, await brings(clerk, 'cho dem.xlsx', file('DANH SÁCH CHỢ ĐÊM NĂM 2025', 5)))
  await clerk.goto(`/en${address}`)
  assert.equal(await clerk.locator('.bars svg rect').count(), 5)
  const list = await rows(clerk, address)
  assert.equal(list.length, 5)
  for (const [name, value] of Object.entries(first)) assert.equal(list[0][name], value, name)
  assert.equal(list[3].ngay_mo_cua, null)
  await looks(clerk)
  await clerk.context().close()
})
