// The steward's morning in a browser: what waits by its clock, a request beside
// the agreement that runs, a question, an approval with a condition, a refusal
// in writing, and the decisions as they are printed.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Browser, everywhere, press } from './browser.mjs'
import { Platform, until } from './platform.mjs'

let lgsp, browser, steward, running, changed, other

const day = (ahead) => new Date(Date.now() + 7 * 3600_000 + ahead * 86400_000).toISOString().slice(0, 10)

/** Asks for an agreement as the developer of the demo, as one that runs. */
async function ask(of, change) {
  const answer = await lgsp.api('developer', 'POST', '/agreements', {
    application_id: of.application_id, version_id: of.version_id, purpose: of.purpose, purpose_text: 'Điền sẵn hồ sơ khi tiếp nhận ở bộ phận một cửa.',
    operations: of.operations.map((o) => ({ operation: o.id, fields: o.fields.map((f) => f.path) })),
    legal_basis: of.legal_basis.id ?? of.legal_basis, subjects: 'Người làm thủ tục', volume_per_day: 50, retention_days: 30,
    starts: day(0), ends: day(90), note: '', replaces: null, ...change,
  })
  assert.equal(answer.status, 201, answer.text)
  return answer.body
}

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  const mine = (await lgsp.api('developer', 'GET', '/agreements?limit=100')).body.items
  const waiting = (await lgsp.api('steward', 'GET', '/agreements?state=requested&limit=100')).body.items
  running = mine.find((g) => g.state === 'active' && g.purpose === 'thu-tuc' && waiting.every((w) => w.version_id !== g.version_id) && g.service_vi.startsWith('Người có công'))
  assert.ok(running, 'the demo has an agreement of the steward’s agency that runs')
  changed = await ask(running, { replaces: running.id, operations: running.operations.slice(0, 1).map((o) => ({ operation: o.id, fields: o.fields.map((f) => f.path) })) })
  other = await ask(running, { purpose: 'thong-ke', purpose_text: 'Gửi tin giới thiệu dịch vụ cho người có công.' })
  steward = await browser.signedIn('steward')
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

test('what waits stands in the inbox with its clock', async () => {
  await steward.goto('/agency/so-noi-vu/requests')
  for (const g of [changed, other]) {
    const row = steward.locator('main tr, main li').filter({ has: steward.locator(`a[href$="/agreements/${g.id}"]`) }).first()
    await row.locator('.tag', { hasText: /ngày làm việc|Hết hạn hôm nay/ }).waitFor()
  }
  await everywhere(steward)
})

test('a request is read beside the agreement that runs, and asked about', async () => {
  await steward.goto(`/agreements/${changed.id}`)
  const text = await steward.textContent('main')
  assert.match(text, /Điền sẵn hồ sơ khi tiếp nhận ở bộ phận một cửa/)
  assert.match(text, /Khác với thoả thuận đang chạy[^]*Xác nhận người có công/)
  await steward.click('details:has(form[action$="/ask"]) summary')
  await steward.fill('form[action$="/ask"] [name=text]', 'Vì sao không cần xác nhận nữa?')
  await press(steward, 'form[action$="/ask"] button')
  assert.match(await steward.textContent('main'), /Vì sao không cần xác nhận nữa\?/)
  const answered = await lgsp.api('developer', 'POST', `/agreements/${changed.id}/answer`, { text: 'Thủ tục mới không hỏi xác nhận.' })
  assert.equal(answered.status, 200, answered.text)
})

test('it is approved with a condition, and the decision is printed with its proof', async () => {
  await steward.goto(`/agreements/${changed.id}`)
  assert.match(await steward.textContent('main'), /Thủ tục mới không hỏi xác nhận/)
  const form = 'form:has([name=conditions])'
  await steward.click(`details:has(> ${form}) > summary`)
  await steward.fill(`${form} [name=ends]`, day(30))
  await steward.fill(`${form} [name=condition_note]`, 'Một tháng để xem cách dùng.')
  await press(steward, `${form} .actions button`)
  assert.match(await steward.textContent('main'), /Chưa có gì thay đổi. Nếu tiếp tục:[^]*1 ứng dụng mất quyền gọi/, 'who would lose is told before')
  await press(steward, 'form:has([name=seen]) button')
  assert.equal((await lgsp.api('steward', 'GET', `/agreements/${changed.id}`)).body.ends, day(30))
  await steward.goto(`/agreements/${changed.id}/decision`)
  assert.match(await steward.textContent('main'), /Một tháng để xem cách dùng/)
  assert.ok(await steward.$('main svg.qr'), 'the decision leads to its proof')
  const proof = await steward.getAttribute('main a.hash', 'href')
  await until('the decision is numbered in the log', 20_000, async () => (await fetch(proof)).ok)
  await everywhere(steward)
})

test('another is refused in writing, with the clause', async () => {
  await steward.goto(`/agreements/${other.id}`)
  const form = 'form[action$="/refuse"]'
  await steward.fill(`${form} [name=reason]`, 'Giới thiệu dịch vụ không phải việc mà dữ liệu này được thu thập để làm.')
  const clause = await steward.$eval(`${form} [name=legal_basis]`, (select) => [...select.options].map((o) => o.value).find(Boolean))
  await steward.selectOption(`${form} [name=legal_basis]`, clause)
  await press(steward, `${form} button`)
  const refused = (await lgsp.api('developer', 'GET', `/agreements/${other.id}`)).body
  assert.equal(refused.state, 'refused')
  assert.match(refused.reason, /không phải việc/)
  await steward.goto(`/agreements/${other.id}/decision`)
  assert.match(await steward.textContent('main'), /không phải việc mà dữ liệu này được thu thập để làm/)
  assert.ok(await steward.$('main svg.qr'))
})
