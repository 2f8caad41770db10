// How much data are used, what people made of them, and letters about kept
// searches, in a browser, in both languages. Every page on the way is held to
// WCAG by axe.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, everywhere, press } from './browser.mjs'
import { Platform, until } from './platform.mjs'

const set = 'thue-bao-vien-thong'
let platform, browser, agency

before(async () => {
  platform = await Platform.start()
  browser = await Browser.start(platform)
  const { body } = await platform.api('', 'GET', `/datasets/${set}`)
  agency = body.agency.slug
}, { timeout: 120_000 })
after(async () => {
  await browser?.stop()
  await platform?.stop()
})

test('what is used is counted, shown and open data', { timeout: 180_000 }, async () => {
  const reader = await browser.person()
  await reader.goto(`/dataset/${set}`)
  await reader.goto('/search?q=thue+bao&sort=used')
  await everywhere(reader)
  const { body } = await platform.api('', 'GET', `/datasets/${set}`)
  const part = body.distributions[0].id
  await fetch(`${platform.portal}/r/${part}`)
  for (let i = 0; i < 3; i++) await platform.api('', 'GET', `/datasets/${set}/distributions/${part}/rows?limit=1`)
  await fetch(`${platform.portal}/catalog.ttl`)
  const month = await until('the use to be written down', 20_000, async () => {
    const { body } = await platform.api('', 'GET', `/datasets/${set}/usage?months=1`)
    return body.items[0].row_calls === 3 && body.items[0]
  })
  assert.deepEqual([month.views, month.downloads, month.row_calls], [1, 1, 3])
  assert.deepEqual(month.distributions, [{ id: part, views: 0, downloads: 1, row_calls: 3 }])
  await reader.goto(`/en/dataset/${set}#usage`)
  await everywhere(reader)
  assert.match(await reader.textContent('#usage'), /views of the page: 1; downloads: 1; calls for rows: 3/)

  await reader.goto('/dataset/muc-su-dung-du-lieu-mo')
  await everywhere(reader)
  assert.match(await reader.textContent('#rows'), new RegExp(set))
  const of = (await platform.api('', 'GET', '/datasets/muc-su-dung-du-lieu-mo')).body
  const csv = await fetch(`${platform.portal}/api/v1/datasets/muc-su-dung-du-lieu-mo/distributions/${of.distributions[0].id}/rows?format=csv`)
  assert.match(await csv.text(), /^thang,bo_du_lieu,ten_bo_du_lieu,co_quan,ten_co_quan,luot_xem,luot_tai,luot_goi_dong,tron_thang\r?\n/)

  const operator = await browser.signedIn('operator')
  await operator.goto('/operator/usage')
  await everywhere(operator)
  assert.match(await operator.textContent('main'), /ttl/)
  await operator.goto(`/agency/${agency}/usage`)
  await everywhere(operator)
  assert.match(await operator.textContent('tbody tr:first-child'), /Thuê bao/)
})

test('what a month came to, and how an application’s calls go', { timeout: 180_000 }, async () => {
  const operator = await browser.signedIn('operator')
  await operator.goto(`/agency/${agency}`)
  await press(operator, 'main a[href$="/report"]')
  await everywhere(operator)
  const running = new Date(Date.now() + 7 * 3600_000).toISOString().slice(0, 7) // in Vietnam
  await operator.goto(`/operator/report/${running}`)
  await everywhere(operator)
  assert.match(await operator.textContent('main'), /IV. Theo cơ quan/)

  const developer = await browser.signedIn('developer')
  await developer.goto(`/developer/applications/${platform.info.application.client_id}/usage`)
  await everywhere(developer)
  assert.match(await developer.textContent('h1'), /Lời gọi và lỗi/)
})

test('what somebody made of a dataset, from sent to shown and taken away', { timeout: 180_000 }, async () => {
  const citizen = await browser.signedIn('citizen')
  await citizen.goto(`/dataset/${set}`)
  await press(citizen, '#reuses a[href$="/reuses/new"]')
  await press(citizen, 'main form button')
  await everywhere(citizen)
  await citizen.fill('#f-url', 'https://ban-do.example/tram')
  await citizen.fill('#f-title_vi', 'Bản đồ thuê bao theo xã')
  await citizen.fill('#f-title_en', 'Subscribers on a map')
  await citizen.fill('#f-description_vi', 'Tra cứu số thuê bao của từng xã trên bản đồ, vẽ lại mỗi khi có tệp mới.')
  await press(citizen, 'main form button')
  await everywhere(citizen)
  assert.match(await citizen.textContent('main'), /Chờ duyệt/)

  const steward = await browser.signedIn('steward')
  await steward.goto(`/agency/${agency}`)
  await press(steward, 'a[href$="/reuses"]')
  await everywhere(steward)
  await press(steward, 'article form button')

  const reader = await browser.person(390)
  await reader.goto('/en/reuses?kind=app')
  await everywhere(reader)
  assert.match(await reader.textContent('main'), /Subscribers on a map/)
  await reader.goto(`/dataset/${set}`)
  await everywhere(reader)
  assert.match(await reader.textContent('#reuses'), /Bản đồ thuê bao theo xã/)

  await steward.click('article details summary')
  await steward.fill('article textarea', 'Liên kết không mở được.')
  await press(steward, 'article details button')
  await everywhere(steward)
  await reader.goto('/reuses')
  assert.doesNotMatch(await reader.textContent('main'), /Bản đồ thuê bao/)
})

test('a kept search that the letter tells of', { timeout: 120_000 }, async () => {
  const citizen = await browser.signedIn('citizen')
  await citizen.goto('/search?q=thue+bao')
  await press(citizen, '.keep-search button')
  await press(citizen, 'form[action$="/letters"] button')
  await everywhere(citizen)
  assert.match(await citizen.textContent('main'), /Thôi báo qua thư/)
  await citizen.goto('/account/follows')
  await everywhere(citizen)
  assert.match(await citizen.textContent('tbody'), /thue bao/)
})
