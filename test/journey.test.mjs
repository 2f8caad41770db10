// The main job as people do it, in a browser: an official publishes, a
// developer signs up and asks, a steward decides, the developer calls, an
// auditor looks. Every page on the way is held to WCAG by axe.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Browser, accessible, everywhere } from './browser.mjs'
import { Platform, until } from './platform.mjs'

const document = path.resolve(import.meta.dirname, '../demo/specs/nguoi-co-cong.yaml')
const subject = '000138000002' // a made-up person: numbers that begin with 000 belong to nobody
const api = 'ncc-hanh-trinh'
const prefix = `/so-noi-vu/${api}/v1`
let lgsp, browser, publisher, developer, steward, credentials, agreement

before(async () => {
  lgsp = await Platform.start()
  await lgsp.sql("update catalog.plan set quota_per_month = 2000000 where slug = 'standard-approval'")
  browser = await Browser.start(lgsp)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

/** Presses the page's main button and waits for the next page. */
async function press(page, selector = 'main form button[type=submit]') {
  await Promise.all([page.waitForNavigation(), page.click(selector)])
  await accessible(page)
}

async function open(page, address) {
  const answer = await page.goto(address)
  assert.equal(answer.status(), 200, address)
  await accessible(page)
}

/** Ticks a box or radio as people do: by its label, since the box itself is drawn by the style. */
async function tick(page, selector) {
  const id = await page.locator(selector).first().getAttribute('id')
  await page.click(`label[for="${id}"]`)
  assert.ok(await page.isChecked(`[id="${id}"]`), selector)
}

test('an official signs in and names a new service', async () => {
  publisher = await browser.signedIn('publisher', 1280)
  await open(publisher, '/agency')
  await open(publisher, '/agency/so-noi-vu')
  await open(publisher, '/agency/so-noi-vu/apis/new')
  await publisher.fill('[name=title_vi]', 'Người có công, hành trình')
  await publisher.fill('[name=slug]', 'Không Đúng')
  await publisher.evaluate(() => window.document.querySelector('main form').setAttribute('novalidate', ''))
  await press(publisher)
  assert.equal(await publisher.inputValue('[name=title_vi]'), 'Người có công, hành trình', 'what was typed is kept')
  assert.equal(await publisher.getAttribute('[name=slug]', 'aria-invalid'), 'true')
  await publisher.fill('[name=slug]', api)
  await publisher.fill('[name=description_vi]', 'Thử hành trình công bố trong trình duyệt.')
  await press(publisher)
})

test('a document that is wrong is told with its lines, and what was pasted is kept', async () => {
  const text = 'openapi: 3.1.0\ninfo: {title: x, version: "1"}\npaths:\n  /x:\n    $ref: "http://example.com/x.yaml"\n'
  await publisher.fill('[name=spec]', text)
  await press(publisher)
  assert.equal(await publisher.inputValue('[name=spec]'), text)
  assert.match(await publisher.textContent('main'), /5/)
})

test('the document is imported as a file, and what is in it is shown', async () => {
  await publisher.fill('[name=spec]', '')
  await publisher.setInputFiles('[name=file]', document)
  await press(publisher)
  assert.match(await publisher.textContent('main'), /Xem hồ sơ người có công/)
})

test('upstream, plan and marks are given, then it is published', async () => {
  await Promise.all([publisher.waitForNavigation(), publisher.click('main .actions a.usa-button')])
  await accessible(publisher)
  const like = (await lgsp.api(null, 'GET', '/apis?limit=100')).body.items.find((a) => a.slug === 'nguoi-co-cong')
  const { upstream_url: upstream } = (await lgsp.api('publisher', 'GET', `/versions/${like.versions[0].id}`)).body
  assert.match(await publisher.textContent('main'), new RegExp(new URL(upstream).host), 'the approved systems are named')
  await publisher.fill('[name=upstream_url]', upstream)
  await tick(publisher, '[name=plan][value=standard-approval]')
  await press(publisher)
  const mark = (slug, field) => `[name="operations/${slug}/${field}"]`
  await publisher.selectOption(mark('danh-muc-doi-tuong', 'access'), 'restricted')
  await publisher.selectOption(mark('danh-muc-doi-tuong', 'classification'), 'state-secret')
  await press(publisher)
  assert.equal(await publisher.getAttribute(mark('danh-muc-doi-tuong', 'classification'), 'aria-invalid'), 'true', 'a state secret cannot be saved')
  await publisher.selectOption(mark('danh-muc-doi-tuong', 'classification'), 'internal')
  await publisher.selectOption(mark('thong-ke-nguoi-co-cong', 'access'), 'open')
  await publisher.selectOption(mark('thong-ke-nguoi-co-cong', 'classification'), 'public')
  await press(publisher)
  await everywhere(publisher)
  await press(publisher, 'main form .actions button')
  assert.equal((await fetch(`${lgsp.portal}/apis${prefix}`)).status, 200, 'the public page is there')
  await open(publisher, `/agency/so-noi-vu/apis/${api}/v1/traffic`)
  await publisher.fill('[name="limits/0/calls"]', 'x')
  await press(publisher, 'form[action$="/limits"] button')
  assert.equal(await publisher.getAttribute('[name="limits/0/calls"]', 'aria-invalid'), 'true', 'no number of calls')
  await publisher.fill('[name="limits/0/calls"]', '5.000')
  await press(publisher, 'form[action$="/limits"] button')
  assert.equal(await publisher.inputValue('[name="limits/0/calls"]'), '5000')
  await publisher.fill('[name="concurrency/calls"]', '200')
  await publisher.fill('[name="concurrency/queue"]', '50')
  await press(publisher, 'form[action$="/concurrency"] button')
  assert.equal(await publisher.getAttribute('[name="concurrency/wait_seconds"]', 'aria-invalid'), 'true', 'who waits does so for a time')
  await everywhere(publisher)
  await publisher.fill('[name="concurrency/wait_seconds"]', '5')
  await press(publisher, 'form[action$="/concurrency"] button')
  assert.equal(await publisher.inputValue('[name="concurrency/queue"]'), '50')
  await publisher.fill('[name="cache/0/seconds"]', '600')
  await press(publisher, 'form#f-cache button')
  assert.equal(await publisher.locator('[id="f-cache/0/operations-error"]').count(), 1, 'no operation is named')
  await tick(publisher, '[name="cache/0/operations"][value="thong-ke-nguoi-co-cong"]')
  await publisher.fill('[name="cache/0/stale_if_error_seconds"]', '86.400')
  await tick(publisher, '[name="compress"]')
  await press(publisher, 'form#f-cache button')
  assert.equal(await publisher.inputValue('[name="cache/0/stale_if_error_seconds"]'), '86400')
  assert.equal(await publisher.inputValue('[name="limits/0/calls"]'), '5000', 'the rest stays')
  await everywhere(publisher)
  await tick(publisher, '[name=basic]')
  await press(publisher, 'form[action$="/callers"] button')
  assert.ok(await publisher.isChecked('[name=basic]'))
  await open(publisher, `/apis${prefix}/danh-muc-doi-tuong`)
  assert.match(await publisher.textContent('#basic'), /HTTP Basic/, 'callers are told')
  await everywhere(publisher)
  await open(publisher, `/en/agency/so-noi-vu/apis/${api}/v1/traffic`)
  assert.match(await publisher.textContent('main'), /100,000 calls a day and 2,000,000 calls a month/)
  await everywhere(publisher)
  await open(publisher, `/agency/so-noi-vu/apis/${api}/v1`)
  await everywhere(publisher)
  await until('a stored answer', 5_000, async () => /hit/.test((await lgsp.call(`${prefix}/thong-ke`)).headers.get('cache-status')))
  await open(publisher, `/agency/so-noi-vu/apis/${api}/v1/upstream`)
  await publisher.fill('[name="health/path"]', 'suc-khoe')
  await press(publisher, 'form[action$="/health"] button')
  assert.equal(await publisher.getAttribute('[name="health/path"]', 'aria-invalid'), 'true', 'no path')
  await everywhere(publisher)
  await publisher.fill('[name="cors/origins"]', 'https://ung-dung.tinh.gov.vn')
  await press(publisher, 'form[action$="/cors"] button')
  assert.equal(await publisher.inputValue('[name="cors/origins"]'), 'https://ung-dung.tinh.gov.vn')
  await open(publisher, `/en/agency/so-noi-vu/apis/${api}/v1/upstream`)
  await everywhere(publisher)
  await open(publisher, `/agency/so-noi-vu/apis/${api}/v1/traffic`)
  assert.ok(await publisher.isChecked('[name="check/requests"][value=report]'), 'publishing offered to note what differs')
  await tick(publisher, '[name="check/requests"][value=enforce]')
  await publisher.fill('[name="check/sample_percent"]', 'một nửa')
  await press(publisher, 'form[action$="/check"] button')
  assert.equal(await publisher.getAttribute('[name="check/sample_percent"]', 'aria-invalid'), 'true', 'no number of percent')
  await everywhere(publisher)
  await publisher.fill('[name="check/sample_percent"]', '100')
  await press(publisher, 'form[action$="/check"] button')
  assert.ok(await publisher.isChecked('[name="check/requests"][value=enforce]'))
  await open(publisher, `/agency/so-noi-vu/apis/${api}/v1/conditions`)
  await publisher.fill('[name="conditions/0/networks"]', 'văn phòng')
  await tick(publisher, '[name="conditions/0/hours/days"][value="1"]')
  await press(publisher, 'form#f-conditions button')
  assert.equal(await publisher.getAttribute('[name="conditions/0/networks"]', 'aria-invalid'), 'true', 'no network')
  await everywhere(publisher)
  await publisher.fill('[name="conditions/0/networks"]', '127.0.0.0/8')
  await publisher.fill('[name="conditions/0/hours/from"]', '00:00')
  await publisher.fill('[name="conditions/0/hours/until"]', '24:00')
  for (const day of ['2', '3', '4', '5', '6', '7']) await tick(publisher, `[name="conditions/0/hours/days"][value="${day}"]`)
  await press(publisher, 'form#f-conditions button')
  assert.match(await publisher.textContent('main'), /Chưa có gì thay đổi[^]*ẩn danh/, 'whom it shuts out is said first')
  await press(publisher)
  await everywhere(publisher)
  await open(publisher, `/en/agency/so-noi-vu/apis/${api}/v1/conditions`)
  await open(publisher, `/apis${prefix}/danh-muc-doi-tuong`)
  assert.match(await publisher.textContent('#conditions'), /Thứ Hai[^]*00:00–24:00[^]*chỉ từ một số mạng/)
  await everywhere(publisher)
})

test('a developer signs up and is shown a key and a secret, once', async () => {
  developer = await browser.person(390)
  await open(developer, '/sign-up')
  await developer.fill('[name=name]', 'Nguyễn Thị Lan')
  await developer.fill('[name=email]', 'lan@example.vn')
  await press(developer)
  assert.equal(await developer.inputValue('[name=email]'), 'lan@example.vn', 'what was typed is kept')
  await tick(developer, '[name=terms]')
  await press(developer)
  await open(developer, await lgsp.link('lan@example.vn', '/sign-up/confirm'))
  await developer.fill('[name=password]', '1234')
  await press(developer)
  await developer.fill('[name=password]', 'gió biển Lý Sơn')
  await press(developer)
  const shown = await developer.$$eval('.secret', (all) => all.map((e) => e.textContent))
  credentials = {
    id: shown[0], key: shown.find((s) => s.startsWith('lgsp_key_')), secret: shown.find((s) => s.startsWith('lgsp_secret_')),
  }
  assert.ok(credentials.id && credentials.key && credentials.secret, JSON.stringify(shown))
})

test('the service is found by typing without marks, and read one page an operation', async () => {
  await open(developer, '/')
  await developer.fill('main input[name=q]', 'nguoi co cong hanh trinh')
  await press(developer, 'main form button[type=submit]')
  await Promise.all([developer.waitForNavigation(), developer.click(`main a[href^="/apis/so-noi-vu/${api}"]`)])
  await accessible(developer)
  await open(developer, `/apis${prefix}/xem-nguoi-co-cong`)
  assert.match(await developer.textContent('main'), /soDinhDanh/)
  await open(developer, `/en/apis${prefix}/xem-nguoi-co-cong`)
  await open(developer, `/en/apis${prefix}`)
  assert.match(await developer.textContent('main'), /2,000,000 calls a month/)
  await everywhere(developer)
})

test('what it answers is tried before anything is agreed', async () => {
  await open(publisher, `/agency/so-noi-vu/apis/${api}/v1`)
  await press(publisher, 'main form[action$="/sandbox"] button')
  await everywhere(publisher)
  await open(developer, `/apis${prefix}`)
  await everywhere(developer)
  await open(developer, `/apis${prefix}/xem-nguoi-co-cong`)
  await everywhere(developer)
  const [forToken, call] = await developer.$$eval('#sandbox pre code', (all) => all.map((e) => e.textContent))
  const sh = (line, env) => new Promise((resolve, reject) => execFile('bash', ['-c', line], { env: { ...process.env, ...env } },
    (error, stdout) => (error ? reject(error) : resolve(stdout))))
  const { access_token: token } = JSON.parse(await sh(`${forToken} -sS`, { LGSP_CLIENT_ID: credentials.id, LGSP_SECRET: credentials.secret }))
  const answer = await sh(`${call.replace(/\d{12}/, '000138000009')} -sSi`, { LGSP_TOKEN: token })
  assert.match(answer, /^HTTP\/1.1 200[^]*LGSP-Environment: sandbox/i)
  assert.match(answer, /"soDinhDanh":"000138000009"/, 'the document’s example, with the number that was asked about')
  const key = { 'X-API-Key': credentials.key }
  assert.equal((await lgsp.call(`${prefix}-sandbox/doi-tuong`, key)).status, 200)
  assert.equal((await lgsp.call(`${prefix}/doi-tuong`, key)).status, 403, 'live it needs the agreement')
  assert.equal((await lgsp.call(`${prefix}-sandbox/ho-so/${subject}`, key)).status, 401, 'a key opens no personal data here either')
  await until('the calls are on the page, told apart', 5000, async () => {
    await developer.goto(`/developer/applications/${credentials.id}`)
    return /Thử nghiệm/.test(await developer.textContent('main'))
  })
  await everywhere(developer)
})

test('the agency writes a page beside the document, and it is read', async () => {
  await open(publisher, `/agency/so-noi-vu/apis/${api}/v1/pages`)
  await publisher.fill('[name=title_vi]', 'Bắt đầu')
  await publisher.fill('[name=slug]', 'bat-dau')
  await publisher.fill('[name=body_vi]', '## Gọi lần đầu\n\n1. Lấy khoá.\n2. Gọi `/doi-tuong`.\n\n```sh\ncurl …\n```\n\n| mã | nghĩa |\n|---|---|\n| 404 | không có hồ sơ |')
  await press(publisher)
  await everywhere(publisher)
  await open(developer, `/apis${prefix}`)
  await Promise.all([developer.waitForNavigation(), developer.click('#pages a')])
  await everywhere(developer)
  await open(developer, `/en/apis${prefix}/pages/bat-dau`)
  assert.match(await developer.textContent('main'), /not been translated[^]*Gọi lần đầu/)
})

test('an agreement is asked for, looked over and sent', async () => {
  await open(developer, `/apis${prefix}/request`)
  await press(developer, 'main form button[value=check]')
  assert.ok(await developer.$('main [aria-invalid=true], main .usa-form-group--error'), 'an empty form is told what it lacks')
  for (const [operation, field] of [['danh-muc-doi-tuong', 'doiTuong'], ['xem-nguoi-co-cong', 'hoTen']]) {
    await tick(developer, `#op-${operation}`)
    const details = developer.locator(`fieldset:has(#op-${operation}) > details`)
    if (!(await details.evaluate((d) => d.open))) await developer.click(`fieldset:has(#op-${operation}) summary`)
    await tick(developer, `fieldset:has(#op-${operation}) input[value$="/${field}"]`)
  }
  await developer.click('fieldset:has(#op-xem-nguoi-co-cong) .bounds summary')
  await tick(developer, '[name="bound.dossier.xem-nguoi-co-cong"]')
  const purposes = await developer.$$eval('[name=purpose] option', (all) => all.map((o) => o.value).filter(Boolean))
  await developer.selectOption('[name=purpose]', purposes[0])
  await developer.fill('[name=purpose_text]', 'Xác nhận chế độ khi giải quyết thủ tục.')
  await tick(developer, '[name=legal_basis]')
  await developer.fill('[name=subjects]', 'Người có công làm thủ tục tại xã')
  await developer.fill('[name=volume_per_day]', '50')
  await developer.fill('[name=retention_days]', '30')
  const day = (ahead) => new Date(Date.now() + 7 * 3600_000 + ahead * 86400_000).toISOString().slice(0, 10)
  await developer.fill('[name=starts]', day(0))
  await developer.fill('[name=ends]', day(90))
  await press(developer, 'main form button[value=check]')
  assert.match(await developer.textContent('main'), /Mỗi lời gọi nêu số hồ sơ[^]*Xác nhận chế độ[^]*2\.000\.000 lời gọi mỗi tháng/)
  await everywhere(developer)
  await press(developer, 'main form button[value=send]')
  agreement = await developer.getAttribute('main a[href*="/agreements/"]', 'href')
  await open(developer, agreement)
  assert.equal(await developer.$('main form[action$="/approve"]'), null, 'nobody approves their own')
})

test('the steward reads it in plain words and approves', async () => {
  steward = await browser.signedIn('steward', 1280)
  await open(steward, '/agency/so-noi-vu/requests')
  await open(steward, agreement)
  assert.match(await steward.textContent('main'), /Xác nhận chế độ khi giải quyết thủ tục/)
  await press(steward, 'main form[action$="/refuse"] button')
  assert.ok(await steward.$('main .usa-form-group--error'), 'a refusal needs its reason and clause')
  await everywhere(steward)
  await press(steward, 'main section.decide > form[action$="/approve"] button')
  await open(steward, `${agreement}/decision`)
  assert.ok(await steward.$('main svg.qr'), 'the decision leads to its proof')
  await everywhere(steward)
  await open(steward, '/agency/so-noi-vu/decisions')
  await everywhere(steward)
})

test('the calls get the agreed fields; the caller sees them and what is left', async () => {
  const key = { 'X-API-Key': credentials.key }
  let byKey
  await until('the agreement is in force', 2000, async () => {
    byKey = await lgsp.call(`${prefix}/doi-tuong`, key)
    return byKey.status !== 403
  })
  assert.equal(byKey.status, 200, byKey.text)
  assert.match(byKey.headers.get('ratelimit'), /"day";r=99999;t=\d+, "month";r=1999999;t=\d+/)
  assert.match(byKey.text, /doiTuong/)
  assert.doesNotMatch(byKey.text, /tenDoiTuong/)
  const token = await fetch(`${lgsp.portal}/oauth2/token`, {
    method: 'POST', headers: { Authorization: 'Basic ' + btoa(`${credentials.id}:${credentials.secret}`) },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: lgsp.gateway + prefix }),
  }).then((a) => a.json())
  const bearer = { Authorization: `Bearer ${token.access_token}` }
  assert.equal((await lgsp.call(`${prefix}/ho-so/${subject}`, bearer)).body.code, 'dossier-missing')
  const personal = await lgsp.call(`${prefix}/ho-so/${subject}`, { ...bearer, 'LGSP-Dossier': '000.00.53.H48-220921-0099' })
  assert.deepEqual(Object.keys(personal.body), ['hoTen'], personal.text)
  await lgsp.call(`${prefix}/ho-so/${subject}/chi-tra`, { Authorization: `Bearer ${token.access_token}` })
  await until('the calls are on the page', 5000, async () => {
    await developer.goto(`/developer/applications/${credentials.id}`)
    return /403/.test(await developer.textContent('main'))
  })
  await everywhere(developer)
  assert.match(await developer.textContent('main'), /99\.99\d[^]*Tháng này còn 1\.999\.99\d trên 2\.000\.000/, 'what is left today and this month')
  await open(developer, agreement)
  await everywhere(developer)
  await open(developer, '/developer')
  await open(developer, '/account')
})

test('the publisher sees where answers are not as the document describes them, and forgets it', async () => {
  const desk = `/agency/so-noi-vu/apis/${api}/v1`
  await open(publisher, desk)
  assert.match(await publisher.textContent('main'), /Chưa thấy chỗ nào khác với tài liệu/)
  await everywhere(publisher)
  await lgsp.sql(`insert into gateway.drift (version_id, operation, direction, place, code, first_at, last_at, count, trace_id)
    select v.id, 'xem-nguoi-co-cong', d, p, c, now() - interval '2 days', now(), n, '4bf92f3577b34da6a3ce929d0e0e4736'
      from catalog.version v join catalog.api a on a.id = v.api_id,
           (values ('answer', 'body/data/*/troCap/mucHuong', 'type', 12480), ('answer', 'status', 'status', 31), ('request', 'query/trang', 'range', 2),
                   ('request', 'body/danhSachNguoiCoCong/*/thongTinThanNhan/soDinhDanhCaNhan', 'pattern', 1)) as f (d, p, c, n)
     where a.slug = '${api}'`)
  await open(publisher, desk)
  assert.match(await publisher.textContent('main'), /body\/data\/\*\/troCap\/mucHuong[^]*12\.480/)
  await everywhere(publisher)
  await open(publisher, `/en${desk}`)
  await everywhere(publisher)
  await press(publisher, 'form[action$="/drift/clear"] button')
  assert.doesNotMatch(await publisher.textContent('main'), /mucHuong/)
})

test('the steward suspends; it is refused within a second and the page says so', async () => {
  await open(steward, agreement)
  await steward.fill('form[action$="/suspend"] [name=reason]', 'Kiểm tra đột xuất')
  await press(steward, 'main form[action$="/suspend"] button')
  assert.match(await steward.textContent('main'), /1 ứng dụng mất quyền gọi[^]*Không gọi được nữa/, 'who loses what is said first')
  await everywhere(steward)
  await press(steward, 'main form[action$="/suspend"] button')
  let refusal
  await until('refused', 1000, async () => {
    refusal = await lgsp.call(`${prefix}/doi-tuong`, { 'X-API-Key': credentials.key, 'X-Request-Id': 'hanh-trinh-1' })
    return refusal.status === 403
  })
  const { explain } = refusal.body
  await until('the call can be found by its request_id', 10000, async () => (await developer.goto(explain)).status() === 200)
  await developer.goto(explain)
  await everywhere(developer)
  assert.match(await developer.textContent('main'), /tạm dừng[^]*Thoả thuận lúc đó và bây giờ/)
  await open(developer, agreement)
  assert.match(await developer.textContent('main'), /Kiểm tra đột xuất/)
})

test('an auditor sees the exchanges and the state of the log', async () => {
  const auditor = await browser.signedIn('auditor', 1280)
  await open(auditor, '/audit')
  assert.match(await auditor.textContent('main'), /xem-nguoi-co-cong|Xem hồ sơ người có công/)
  assert.doesNotMatch(await auditor.textContent('main'), new RegExp(subject), 'the subject is never in clear')
  await open(auditor, '/audit/ledger')
  await open(auditor, '/audit/acts')
})

test('the operator’s pages', async () => {
  const operator = await browser.signedIn('operator', 390)
  await open(operator, '/operator')
  await open(operator, '/operator/upstreams')
})
