// A table in an encoding of before Unicode, with places, becomes a dataset that
// is drawn, asked without scripts, and shown in a frame of another site.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { Browser, accessible, everywhere } from './browser.mjs'
import { Platform } from './platform.mjs'

let lgsp, browser

// TCVN3 of the words in the table below.
const tcvn3 = { 'ê': 0xaa, 'ĩ': 0xdc, 'à': 0xb5, 'ơ': 0xac, 'ị': 0xde, 'Đ': 0xa7, 'ứ': 0xf8, 'ổ': 0xe6, 'ý': 0xfd, 'ã': 0xb7, 'ộ': 0xe9, 'ố': 0xe8, 'ỳ': 0xfa, 'ồ': 0xe5, 'ế': 0xd5, 'ủ': 0xf1, 'ả': 0xb6, 'ể': 0xd3, 'đ': 0xae, 'á': 0xb8 }
const legacy = (text) => Uint8Array.from([...text].map((c) => {
  const byte = c.codePointAt(0) < 0x80 ? c.codePointAt(0) : tcvn3[c]
  assert.ok(byte, `no TCVN3 for ${c}`)
  return byte
}))

const table = `mã;tên điểm;kinh độ;vĩ độ;ngày;số khách
01;Cảng Lý Sơn;109,11;15,38;1/1/2024;1.250
02;Bến Sa Kỳ;108,92;15,21;2/1/2024;2.100
03;Hồ Nghĩa Hành;15,02;108,78;3/1/2024;350
04;Đức Phổ;108,97;14,81;4/1/2024;480
`

const ok = (answer) => {
  assert.ok(answer.status < 300, answer.text)
  return answer.body
}

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  const agency = ok(await lgsp.api(null, 'GET', '/agencies/so-noi-vu'))
  ok(await lgsp.api('publisher', 'POST', '/datasets', { agency: agency.id, slug: 'diem-du-lich', title_vi: 'Điểm du lịch thử', title_en: 'Places to visit, a trial',
    notes_vi: 'Bảng thử.', theme: 'TECH' }))
  const file = ok(await lgsp.api('publisher', 'POST', '/datasets/diem-du-lich/distributions?filename=diem.csv', legacy(table), { 'Content-Type': 'application/octet-stream' }))
  assert.equal(file.rows, 4)
  assert.deepEqual(file.report.findings.map((f) => f.code).filter((c) => c !== 'rows-points-grouped'), ['rows-encoding-guessed', 'rows-coordinates-swapped'])
  ok(await lgsp.api('publisher', 'POST', '/datasets/diem-du-lich/submit', {}))
  ok(await lgsp.api('steward', 'POST', '/datasets/diem-du-lich/approve', {}))
  ok(await lgsp.api('publisher', 'POST', '/datasets/diem-du-lich/publish', {}))
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

for (const language of ['', '/en']) {
  test(`table, map, profile and charts${language}`, async () => {
    const page = await browser.person()
    for (const query of ['', '?chart=bar&x=ten_diem&y=so_khach&fn=sum', '?chart=line&x=ngay&y=so_khach&fn=sum']) {
      await page.goto(`${language}/dataset/diem-du-lich${query}`)
      for (const part of await page.$$('details')) await part.evaluate((d) => { d.open = true })
      await everywhere(page)
    }
    await page.context().close()
  })
}

test('a chart is chosen without scripts, by keyboard', async () => {
  const page = await browser.person(390, { javaScriptEnabled: false })
  await page.goto('/dataset/diem-du-lich')
  assert.match(await page.textContent('main'), /Cảng Lý Sơn/)
  assert.equal(await page.locator('.map circle').count(), 4)
  await page.locator('#chart summary').last().focus()
  await page.keyboard.press('Enter')
  await page.selectOption('#c-x', 'ten_diem')
  await page.selectOption('#c-y', 'so_khach')
  await page.locator('#chart button').focus()
  await Promise.all([page.waitForURL(/chart=bar/), page.keyboard.press('Enter')])
  assert.match(await page.textContent('#chart'), /số khách, tổng theo tên điểm/)
  assert.match(await page.textContent('#chart table'), /Bến Sa Kỳ\s*2\.100/)
  await page.context().close()
})

test('a part is shown in a frame of another site, the page is not', async () => {
  const parts = ['/embed/dataset/diem-du-lich/map', '/embed/dataset/diem-du-lich/table', '/embed/dataset/diem-du-lich/chart?chart=bar&x=ten_diem&y=so_khach&fn=sum', '/dataset/diem-du-lich']
  const site = createServer((_, answer) => {
    answer.setHeader('Content-Type', 'text/html')
    answer.end(parts.map((p) => `<iframe src="${lgsp.portal}${p}" title="x" width="700" height="400"></iframe>`).join(''))
  })
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve))
  const page = await browser.person()
  await page.goto(`http://127.0.0.1:${site.address().port}/`)
  await page.waitForTimeout(1000)
  const shown = await Promise.all(page.frames().slice(1).map((f) => f.locator('h1').textContent().catch(() => '')))
  assert.deepEqual(shown.map((h) => /Điểm du lịch/.test(h ?? '')), [true, true, true, false])
  await page.context().close()
  site.close()
  const alone = await browser.person(390)
  for (const part of parts.slice(0, 3)) {
    await alone.goto(part)
    await accessible(alone)
  }
  await alone.context().close()
})
