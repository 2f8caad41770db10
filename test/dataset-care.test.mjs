// How a dataset is described and kept, as people do it in a browser: five
// things typed, published at a time that was set, changed under the public's
// eyes only once someone else approved it, and looked through when it is due.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, everywhere, press } from './browser.mjs'
import { Platform, until } from './platform.mjs'

const desk = '/agency/so-noi-vu/datasets/so-ho-ngheo-nam-2025-theo-xa'
const open = '/dataset/so-ho-ngheo-nam-2025-theo-xa'
let lgsp, browser, publisher, steward, citizen

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  publisher = await browser.signedIn('publisher', 1280)
  steward = await browser.signedIn('steward', 1280)
  citizen = await browser.person(390, { javaScriptEnabled: false })
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

const main = async (page) => (await page.textContent('main')).replace(/\s+/g, ' ')
const button = (words) => `main button:has-text("${words}")`
const summary = (words) => `main summary:has-text("${words}")`

test('five things are typed, the rest is filled in', async () => {
  await publisher.goto('/agency/so-noi-vu/datasets/new')
  await everywhere(publisher)
  await publisher.fill('[name=title_vi]', 'Số hộ nghèo năm 2025, theo xã')
  await publisher.fill('[name=notes_vi]', 'Số hộ nghèo của từng xã vào cuối năm 2025.')
  await publisher.selectOption('[name=theme]', 'SOCI')
  await publisher.fill('[name=temporal_start]', '2025-01-01')
  await publisher.fill('[name=temporal_end]', '2025-12-31')
  await publisher.fill('[name=spatial]', 'Toàn tỉnh')
  await press(publisher, 'main form .actions button')
  assert.equal(new URL(publisher.url()).pathname, desk)
  assert.match(await main(publisher), /Tải lên ít nhất một tệp/)
  await publisher.setInputFiles('[name=file]', { name: 'ho-ngheo.csv', mimeType: 'text/csv', buffer: Buffer.from('Xã,Số hộ\nA,12\nB,7\n') })
  await press(publisher, button('Gửi tệp'))
  assert.match(await main(publisher), /Rất tốt 405 trên 405 điểm/)
  await publisher.click(summary('Từng điểm và lý do'))
  await everywhere(publisher)
  await press(publisher, button('Gửi duyệt'))
})

test('it becomes public at the time that was set', async () => {
  await steward.goto(desk)
  await press(steward, button('Duyệt'))
  await publisher.goto(desk)
  await publisher.click(summary('Hẹn giờ công bố'))
  await publisher.fill('[name=publish_at]', '2019-07-30T08:00')
  await press(publisher, button('Hẹn giờ công bố'))
  assert.equal(await publisher.getAttribute('[name=publish_at]', 'aria-invalid'), 'true')
  const tomorrow = new Date(Date.now() + 31 * 3600e3).toISOString().slice(0, 16) // Vietnam is seven hours ahead
  await publisher.fill('[name=publish_at]', tomorrow)
  await press(publisher, button('Hẹn giờ công bố'))
  assert.match(await main(publisher), /Sẽ tự công bố lúc/)
  assert.equal((await citizen.goto(open)).status(), 404)
  await lgsp.sql("update catalog.dataset set publish_at = now() where slug = 'so-ho-ngheo-nam-2025-theo-xa'")
  await until('the dataset is public', 60_000, async () => (await lgsp.api(null, 'GET', '/datasets/so-ho-ngheo-nam-2025-theo-xa')).status === 200)
  await citizen.goto(open)
  await everywhere(await reader(open))
  await everywhere(await reader(`/en${open}`))
  const text = await main(citizen)
  for (const words of ['Rất tốt', '405 trên 405 điểm', '3 trên 5 sao', 'Thông tư 24/2011/TT-BTTTT']) assert.ok(text.includes(words), words)
})

/** A page read with scripts, which axe needs, its details open. */
async function reader(address) {
  const page = await browser.person(1280)
  await page.goto(address)
  await page.evaluate(() => window.document.querySelectorAll('details').forEach((d) => { d.open = true }))
  return page
}

test('a change waits for someone else, and the public sees the old text', async () => {
  await publisher.goto(desk)
  await press(publisher, 'main a:has-text("Sửa thông tin")')
  await publisher.fill('[name=title_vi]', 'Số hộ nghèo cuối năm 2025, theo xã và phường')
  await publisher.selectOption('[name=frequency]', 'ANNUAL')
  await press(publisher, 'main form .actions button')
  assert.match(await main(publisher), /Thay đổi chờ duyệt/)
  await citizen.goto(open)
  assert.equal((await citizen.textContent('h1')).trim(), 'Số hộ nghèo năm 2025, theo xã')
  await steward.goto(`/en${desk}`)
  await everywhere(steward)
  await steward.goto(desk)
  await press(steward, button('Duyệt thay đổi'))
  await citizen.goto(open)
  assert.equal((await citizen.textContent('h1')).trim(), 'Số hộ nghèo cuối năm 2025, theo xã và phường')
})

test('what is overdue stands at the desk until it is done', async () => {
  await lgsp.sql("update catalog.dataset set reviewed_at = now() - interval '200 days' where slug = 'so-ho-ngheo-nam-2025-theo-xa'")
  await publisher.goto('/agency/so-noi-vu')
  await press(publisher, 'main a:has-text("đến hạn với bộ dữ liệu")')
  assert.match(await main(publisher), /Quá hạn.*Số hộ nghèo cuối năm 2025.*Rà soát mô tả/)
  await publisher.goto('/en/agency/so-noi-vu/due')
  await everywhere(publisher)
  await publisher.goto(desk)
  await press(publisher, button('Đã rà soát'))
  const { body } = await lgsp.api('publisher', 'GET', `/datasets/so-ho-ngheo-nam-2025-theo-xa`)
  assert.ok(Date.now() - Date.parse(body.reviewed_at) < 600_000)
})
