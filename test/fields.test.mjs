// An agency's own fields, from the schema a steward writes to what a citizen, a
// CKAN client and a search find; and a table that is not published while it
// could tell a person. As people do it in a browser.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, everywhere, press } from './browser.mjs'
import { Platform } from './platform.mjs'

const fields = '/agency/so-noi-vu/fields'
const desk = '/agency/so-noi-vu/datasets/ho-ngheo-theo-ho'
const open = '/dataset/ho-ngheo-theo-ho'
let lgsp, browser, publisher, steward, citizen

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  publisher = await browser.signedIn('publisher', 1280)
  steward = await browser.signedIn('steward', 1280)
  citizen = await browser.person(1280)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

const main = async (page) => (await page.textContent('main')).replace(/\s+/g, ' ')
const button = (words) => `main button:has-text("${words}")`
/** Ticks a box, which the style draws in its label. */
const tick = (page, selector) => page.locator(selector).evaluate((box) => box.click())
const summary = (words) => `main summary:has-text("${words}")`

const schema = `fields:
  - name: so_bieu
    label: {vi: Số biểu, en: Form number}
    help: {vi: Ghi như trên biểu báo cáo., en: As on the form.}
    required: true
    max_length: 20
    property: schema:serialNumber
  - name: pham_vi
    label: {vi: Phạm vi, en: Reach}
    type: choice
    choices:
      - {value: tinh, label: {vi: Toàn tỉnh, en: The province}}
      - {value: xa, label: {vi: Một số xã, en: Some communes}}
  - {name: nguon, label: {vi: Nguồn, en: Sources}, type: choices, choices: [{value: rs, label: {vi: Rà soát hộ, en: Survey}}, {value: bc, label: {vi: Báo cáo xã, en: Reports}}]}
  - {name: ngay_chot, label: {vi: Ngày chốt số, en: As of}, type: date}
  - {name: ghi_chu, label: {vi: Ghi chú nội bộ, en: Internal note}, type: long-text, shown: agency}
`

test('a schema that is wrong is told by line, one that is right is looked at and kept', async () => {
  await steward.goto(fields)
  await everywhere(steward)
  await steward.fill('[name=text]', schema.replace('type: date', 'type: ngay').replace('max_length: 20', 'max_length: 0'))
  await press(steward, button('Xem trước'))
  let text = await main(steward)
  for (const words of ['Dòng 6: max_length là số từ 1 đến 1000', 'Dòng 15: type là một trong text']) assert.ok(text.includes(words), text)
  await steward.setInputFiles('[name=file]', { name: 'luoc-do.yaml', mimeType: 'application/yaml', buffer: Buffer.from(schema) })
  await press(steward, button('Xem trước'))
  text = await main(steward)
  for (const words of ['Lược đồ đúng', 'Chưa lưu', 'Số biểu', 'Rà soát hộ']) assert.ok(text.includes(words), words)
  await press(steward, button('Lưu và dùng'))
  assert.match(await main(steward), /Đang dùng \(bản 1\)/)
  await publisher.goto(`/en${fields}`)
  await everywhere(publisher)
  assert.match(await main(publisher), /In force \(version 1\).*Form number/)
  assert.equal(await publisher.locator('[name=text]').count(), 0)
})

test('the fields stand in the form and are checked', async () => {
  await publisher.goto('/agency/so-noi-vu/datasets/new')
  await everywhere(publisher)
  await publisher.fill('[name=title_vi]', 'Hộ nghèo theo hộ')
  await publisher.fill('[name=notes_vi]', 'Từng hộ nghèo, không có tên.')
  await publisher.selectOption('[name=theme]', 'SOCI')
  await publisher.fill('[name="fields/so_bieu"]', 'Biểu số 07 của năm hai nghìn')
  await publisher.locator('[name="fields/so_bieu"]').evaluate((input) => { input.removeAttribute('maxlength'); input.value = 'x'.repeat(21) })
  await publisher.selectOption('[name="fields/pham_vi"]', 'xa')
  await tick(publisher, '[name="fields/nguon"][value=bc]')
  await publisher.fill('[name="fields/ghi_chu"]', 'Bản gốc ở phòng 12')
  await press(publisher, 'main form .actions button')
  assert.match(await main(publisher), /“Số biểu”: tối đa 20 ký tự/)
  await publisher.fill('[name="fields/so_bieu"]', '')
  await press(publisher, 'main form .actions button')
  assert.match(await main(publisher), /Số biểu \(trường riêng\)/)
  await publisher.goto(`${desk}/edit`)
  await publisher.fill('[name="fields/so_bieu"]', 'Biểu 07B')
  await publisher.fill('[name="fields/ngay_chot"]', '2025-12-31')
  await press(publisher, 'main form .actions button')
  const text = await main(publisher)
  for (const words of ['Biểu 07B', 'Một số xã', 'Báo cáo xã', '31/12/2025', 'Bản gốc ở phòng 12']) assert.ok(text.includes(words), words)
})

test('a table that could tell a person is not published', async () => {
  const rows = Array.from({ length: 60 }, (_, i) => `Xã ${'ABC'[i % 3]},${20 + (i % 2) * 10},${i % 4}`)
  const file = (more) => ({ name: 'ho.csv', mimeType: 'text/csv', buffer: Buffer.from(['Xã,Nhóm tuổi,Số con', ...rows, ...more].join('\n')) })
  const lone = ['Xã A,91,1', 'Xã B,92,0', 'Xã A,93,1', 'Xã C,94,0', 'Xã B,95,2', 'Xã A,96,3']
  await publisher.setInputFiles('[name=file]', file(lone))
  await press(publisher, button('Gửi tệp'))
  await press(publisher, button('Gửi duyệt'))
  await steward.goto(desk)
  await steward.click(summary('Chọn cột để kiểm tra'))
  await everywhere(steward)
  await tick(steward, '[name=columns][value=xa]')
  await tick(steward, '[name=columns][value=nhom_tuoi]')
  await press(steward, button('Đếm các nhóm'))
  let text = await main(steward)
  for (const words of ['6 trong 66 dòng', '6 nhóm quá nhỏ', '90 đến dưới 100 (6 dòng)', 'rải rác', 'Chưa công bố được']) assert.ok(text.includes(words), words + text)
  await steward.goto(`/en${desk}`)
  await everywhere(steward)
  assert.match(await main(steward), /6 of 66 rows/)
  await steward.goto(desk)
  await press(steward, button('Duyệt'))
  await publisher.goto(desk)
  await press(publisher, button('Công bố'))
  assert.match(await main(publisher), /dễ nhận ra người/)
  assert.equal((await citizen.goto(open)).status(), 404)
  await steward.goto(desk)
  await steward.click(summary('Cho phép và ghi lý do'))
  await steward.fill('[name=why]', 'Các hộ đã đồng ý bằng văn bản.')
  await press(steward, button('Cho phép và ghi lý do'))
  text = await main(steward)
  for (const words of ['Người duyệt cho phép đến 6 dòng', 'Các hộ đã đồng ý bằng văn bản.']) assert.ok(text.includes(words), words)
  await publisher.goto(desk)
  await press(publisher, button('Công bố'))
  // A later file with more such rows is refused, and the public one stays.
  await publisher.goto(desk)
  await publisher.click(summary('Thay bằng bản mới'))
  await publisher.locator('details[open] [name=file]').setInputFiles(file([...lone, 'Xã C,97,1']))
  await press(publisher, 'details[open] button')
  await publisher.goto(desk)
  await everywhere(publisher)
  text = await main(publisher)
  assert.ok(text.includes('Trong tệp đã bị từ chối') && text.includes('7 trong 67 dòng'), text)
})

test('everyone reads the fields, and not what is the agency’s own', async () => {
  for (const prefix of ['', '/en']) {
    await citizen.goto(prefix + open)
    await everywhere(citizen)
  }
  const text = await main(citizen)
  for (const words of ['Form number', 'Biểu 07B', 'Some communes', 'Reports']) assert.ok(text.includes(words), words)
  assert.ok(!text.includes('phòng 12'))
  const shown = await (await fetch(`${lgsp.portal}/api/3/action/package_show?id=ho-ngheo-theo-ho`)).json()
  const extras = Object.fromEntries(shown.result.extras.map(({ key, value }) => [key, value]))
  assert.equal(extras.so_bieu, 'Biểu 07B')
  assert.equal(extras.nguon, '["bc"]')
  assert.equal(extras.ghi_chu, undefined)
  assert.match(await (await fetch(`${lgsp.portal}${open}.ttl`)).text(), /<https:\/\/schema.org\/serialNumber> "Biểu 07B"/)
  const found = await (await fetch(`${lgsp.portal}/api/v1/search?q=${encodeURIComponent('biểu 07B')}`)).json()
  assert.equal(found.hits[0]?.slug, 'ho-ngheo-theo-ho')
})

test('a field that goes loses no value', async () => {
  await steward.goto(fields)
  await steward.fill('[name=text]', 'fields:\n  - {name: so_bieu, label: {vi: Số biểu, en: Form number}}\n')
  await press(steward, button('Lưu và dùng'))
  await publisher.goto(`${desk}/edit`)
  await everywhere(publisher)
  assert.match(await main(publisher), /Không còn trong lược đồ.*ghi_chu.*Bản gốc ở phòng 12/)
  await tick(publisher, '[name=drop][value=ngay_chot]')
  await publisher.fill('[name="fields/so_bieu"]', 'Biểu 08')
  await press(publisher, 'main form .actions button')
  const text = await main(publisher)
  assert.ok(text.includes('Thêm: 08') && text.includes('ngay_chotBỏ: 2025-12-31') && text.includes('pham_vixa Không còn trong lược đồ'), text)
  await steward.goto(desk)
  await press(steward, button('Duyệt thay đổi'))
  const seen = await lgsp.api('publisher', 'GET', '/datasets/ho-ngheo-theo-ho')
  assert.deepEqual(seen.body.fields, { so_bieu: 'Biểu 08', pham_vi: 'xa', nguon: ['bc'], ghi_chu: 'Bản gốc ở phòng 12' })
  await citizen.goto(open)
  assert.ok(!(await main(citizen)).includes('Một số xã'))
})
