// What people say about data, and what an agency decides of personal data, in
// a browser, in both languages. Every page on the way is held to WCAG by axe.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, everywhere, press } from './browser.mjs'
import { Platform } from './platform.mjs'

let platform, browser, agency

before(async () => {
  platform = await Platform.start()
  browser = await Browser.start(platform)
  const { body } = await platform.api('', 'GET', '/datasets/thue-bao-vien-thong')
  agency = body.agency.slug
}, { timeout: 120_000 })
after(async () => {
  await browser?.stop()
  await platform?.stop()
})

test('a question about a dataset, and the answer of its agency', { timeout: 120_000 }, async () => {
  const citizen = await browser.signedIn('citizen')
  await citizen.goto('/dataset/thue-bao-vien-thong')
  await everywhere(citizen)
  await press(citizen, '#discussions a[href$="/discussions"]')
  await citizen.fill('#f-title', 'Cột “ước” nghĩa là gì?')
  await citizen.fill('#f-text', 'Xin cơ quan giải thích.\nCảm ơn.')
  await press(citizen, '#ask form button')
  const at = new URL(citizen.url()).pathname
  await citizen.fill('#f-text', 'Xem thêm tại https://quang-cao.example')
  await press(citizen, '#answer form button')
  assert.match(await citizen.textContent('main'), /Chờ duyệt vì có liên kết/)

  const steward = await browser.signedIn('operator')
  await steward.goto(`/agency/${agency}`)
  await everywhere(steward)
  await press(steward, 'a[href$="/posts"]')
  await steward.click('details:has(textarea[name=reason]) > summary')
  await steward.fill('textarea[name=reason]', 'quảng cáo')
  await press(steward, 'details:has(textarea[name=reason]) form button')
  await steward.goto(`/en${at}`)
  await steward.fill('#f-text', 'It marks figures that the source calls estimated.')
  await press(steward, '#answer form button')

  const reader = await browser.person(390)
  await reader.goto(`/en${at}`)
  await everywhere(reader)
  const text = await reader.textContent('main')
  assert.match(text, /Answer of the agency/)
  assert.doesNotMatch(text, /quang-cao/)
})

test('a request for data, from asked to declined', { timeout: 120_000 }, async () => {
  const citizen = await browser.signedIn('citizen')
  await citizen.goto('/data-requests')
  await citizen.fill('#f-title', 'Giá đất theo từng đoạn đường')
  await citizen.fill('#f-text', 'Để làm bản đồ giá đất, giai đoạn 2020–2024.')
  await press(citizen, '#ask form button')
  const at = new URL(citizen.url()).pathname
  const operator = await browser.signedIn('operator')
  await operator.goto('/data-requests?unassigned=1')
  await everywhere(operator)
  await operator.goto(at)
  await operator.selectOption('form[action$="/assign"] select', agency)
  await press(operator, 'form[action$="/assign"] button')
  await operator.goto(`/agency/${agency}/data-requests`)
  await everywhere(operator)
  await operator.goto(`/en${at}`)
  await operator.selectOption('#f-state', 'declined')
  await operator.fill('#f-reason', 'Bảng giá đất do Uỷ ban nhân dân tỉnh ban hành bằng văn bản.')
  await press(operator, 'form[action$="/decide"] button')
  const reader = await browser.person(390)
  await reader.goto(`/en${at}`)
  await everywhere(reader)
  assert.match(await reader.textContent('main'), /Declined/)
  await platform.link(platform.account('citizen').email, at)
})

test('a dataset is followed, and personal data in a file are decided on', { timeout: 120_000 }, async () => {
  const citizen = await browser.signedIn('citizen')
  await citizen.goto(`/agencies/${agency}`)
  await press(citizen, 'form[action="/follow"] button')
  await citizen.goto('/account/follows')
  await everywhere(citizen)

  const operator = await browser.signedIn('operator')
  const made = await platform.api('operator', 'POST', '/datasets', { agency: (await platform.api('', 'GET', `/agencies/${agency}`)).body.id,
    slug: 'phan-anh', title_vi: 'Phản ánh hiện trường', notes_vi: 'Phản ánh của người dân', theme: 'GOVE' })
  assert.equal(made.status, 201, made.text)
  const rows = Array.from({ length: 20 }, (_, i) => `${i},Nguyễn Văn An,09${String(14_000_000 + i * 733_331)}`).join('\n')
  const sent = await platform.api('operator', 'POST', '/datasets/phan-anh/distributions?filename=a.csv', new TextEncoder().encode(`Mã,Họ tên,Số điện thoại\n${rows}\n`), { 'Content-Type': 'application/octet-stream' })
  assert.equal(sent.status, 201, sent.text)
  await operator.goto(`/agency/${agency}/datasets/phan-anh`)
  await everywhere(operator)
  assert.doesNotMatch(await operator.textContent('main'), /0914000000/)
  await operator.click('#personal summary')
  await operator.selectOption('#decision-0', 'remove')
  await operator.fill('#reason-0', 'số của người dân')
  await press(operator, '#personal form button')
  await operator.goto(`/en/agency/${agency}/datasets/phan-anh`)
  await everywhere(operator)
})
