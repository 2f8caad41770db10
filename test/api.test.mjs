// The main job through /api/v1 and the gateway, with no browser: publish,
// agree, call, check, and every refusal on the way.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Platform, until } from './platform.mjs'

const specs = path.resolve(import.meta.dirname, '../demo/specs')
let lgsp, version, prefix, newcomer, agreement
const subject = '000138000002' // a made-up person: numbers that begin with 000 belong to nobody

before(async () => { lgsp = await Platform.start() })
after(() => lgsp.stop())

/** Asserts a problem (RFC 9457): its status, its code, and a trace id. */
function refused(answer, status, code) {
  assert.equal(answer.status, status, answer.text)
  assert.equal(answer.body.code, code, answer.text)
  assert.match(answer.headers.get('content-type'), /^application\/problem\+json/)
  assert.match(answer.body.trace_id, /^[0-9a-f]{32}$/)
  assert.ok(answer.body.detail, 'a problem says what to do')
}

function ok(answer, status = 200) {
  assert.equal(answer.status, status, answer.text)
  return answer.body
}

test('a publisher sees what is wrong with a document', async () => {
  const text = await readFile(path.join(import.meta.dirname, 'trial.openapi.yaml'), 'utf8')
  const document = ok(await lgsp.api('publisher', 'POST', '/specs/inspect', { text }))
  assert.equal(document.operations.length, 2)
  assert.ok(document.findings.length > 0, 'an operation without an id and an answer without a schema are findings')
  assert.ok(document.findings.every((f) => f.code && f.severity))
})

test('documents that must not be read are refused with the place', async () => {
  const bomb = 'a: &a [x,x,x,x,x,x,x,x,x,x]\n' + 'bcdefghij'.split('').map((c, i) => {
    const before = 'abcdefghij'[i]
    return `${c}: &${c} [${Array(10).fill('*' + before).join(',')}]\n`
  }).join('')
  const remote = 'openapi: 3.1.0\ninfo: {title: x, version: "1"}\npaths:\n  /x:\n    $ref: "http://example.com/x.yaml"\n'
  for (const [name, text] of Object.entries({ bomb, remote, 'not yaml': 'a: [', empty: '' })) {
    const answer = await lgsp.api('publisher', 'POST', '/specs/inspect', { text })
    assert.equal(answer.status, 400, `${name}: ${answer.text.slice(0, 300)}`)
  }
  assert.equal((await lgsp.api('publisher', 'POST', '/specs/inspect', { text: 'x'.repeat(11 << 20) })).status, 413)
  assert.equal((await lgsp.api('publisher', 'POST', '/specs/inspect', { url: 'http://127.0.0.1:1/' })).status >= 400, true)
})

test('a publisher imports, marks and publishes', async () => {
  const agency = ok(await lgsp.api(null, 'GET', '/agencies/so-noi-vu'))
  const upstreams = ok(await lgsp.api('publisher', 'GET', `/agencies/${agency.id}/upstreams`)).items
  const current = ok(await lgsp.api('publisher', 'GET', '/apis')).items.find((a) => a.slug === 'nguoi-co-cong')
  const upstream = new URL(ok(await lgsp.api('publisher', 'GET', `/versions/${current.versions[0].id}`)).upstream_url)
  assert.ok(upstreams.some((u) => u.approved_at && u.host_port === upstream.host))
  const api = ok(await lgsp.api('publisher', 'POST', '/apis', {
    agency_id: agency.id, slug: 'ncc-thu', title_vi: 'Người có công, bản thử', title_en: 'People of merit, trial',
    description_vi: 'Thử hành trình công bố.', description_en: 'To try publishing.',
  }), 201)
  const text = await readFile(path.join(specs, 'nguoi-co-cong.yaml'), 'utf8')
  version = ok(await lgsp.api('publisher', 'POST', `/apis/${api.id}/versions`, { number: 'v1', text }), 201)
  assert.equal(version.state, 'draft')

  refused(await lgsp.api('publisher', 'POST', `/versions/${version.id}/publish`), 400, (await lgsp.api('publisher', 'POST', `/versions/${version.id}/publish`)).body.code)
  assert.equal((await lgsp.api(null, 'GET', `/versions/${version.id}`)).status, 404, 'a draft is hidden from the public')

  const operations = ok(await lgsp.api('publisher', 'GET', `/versions/${version.id}/operations`)).items
  const marks = {}
  for (const o of operations) {
    marks[o.slug] = o.slug === 'thong-ke-nguoi-co-cong' ? { access: 'open', classification: 'public', subject_in: '', subject_name: '' }
      : o.slug === 'danh-muc-doi-tuong' ? { access: 'restricted', classification: 'internal', subject_in: '', subject_name: '' }
        : { access: 'personal', classification: 'confidential', ...(o.method === 'POST' ? { subject_in: 'body', subject_name: '/soDinhDanh' } : { subject_in: 'path', subject_name: 'soDinhDanh' }) }
  }
  const secret = { ...marks, [operations[0].slug]: { access: 'restricted', classification: 'state-secret', subject_in: '', subject_name: '' } }
  const refusal = await lgsp.api('publisher', 'PUT', `/versions/${version.id}/operations`, secret)
  assert.equal(refusal.status, 400, refusal.text)
  assert.match(refusal.text, /state-secret/, 'what is a state secret cannot be saved')
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/operations`, marks))

  const strange = await lgsp.api('publisher', 'PUT', `/versions/${version.id}/upstream`, { url: 'http://169.254.169.254/' })
  assert.equal(strange.status, 400, strange.text)
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/upstream`, { url: upstream.href }))
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/plan`, { plan: 'standard-approval' }))
  assert.equal((await lgsp.api('developer', 'POST', `/versions/${version.id}/publish`)).status, 404, 'not of the agency')
  version = ok(await lgsp.api('publisher', 'POST', `/versions/${version.id}/publish`))
  assert.equal(version.state, 'published')
  prefix = '/so-noi-vu/ncc-thu/v1'
})

test('a developer signs up and is shown a key and a secret, once', async () => {
  const body = { email: 'lan@example.vn', name: 'Nguyễn Thị Lan', locale: 'vi' }
  ok(await lgsp.api(null, 'POST', '/sign-up', body), 202)
  const token = new URL(await lgsp.link(body.email, '/sign-up/confirm')).searchParams.get('token')
  const weak = await lgsp.api(null, 'POST', '/sign-up/confirm', { token, password: '1234' }, { 'Accept-Language': 'vi' })
  assert.equal(weak.status, 400)
  assert.equal(weak.body.errors[0].field, 'password')
  newcomer = ok(await lgsp.api(null, 'POST', '/sign-up/confirm', { token, password: 'gió biển Lý Sơn' }), 201)
  newcomer.key = newcomer.credentials.find((c) => c.kind === 'api_key').secret
  newcomer.secret = newcomer.credentials.find((c) => c.kind === 'client_secret').secret
  assert.match(newcomer.key, /^lgsp_key_[0-9A-Za-z]{49}$/)
  assert.match(newcomer.secret, /^lgsp_secret_[0-9A-Za-z]{49}$/)
  const listed = await lgsp.api(newcomer.token, 'GET', `/applications/${newcomer.application.id}/credentials`)
  assert.ok(!listed.text.includes(newcomer.key) && !listed.text.includes(newcomer.secret), 'a secret is shown once')
  assert.equal((await lgsp.api('developer', 'GET', `/applications/${newcomer.application.id}`)).status, 404, 'somebody else’s')
})

test('the API is found by typing without marks', async () => {
  const found = ok(await lgsp.api(null, 'GET', '/search?q=nguoi+co+cong+ban+thu&kind=api'))
  assert.equal(found.hits[0].slug, 'so-noi-vu/ncc-thu')
  assert.equal(found.partial, false)
})

test('before an agreement every call is refused, and says why', async () => {
  const key = { 'X-API-Key': newcomer.key }
  refused(await lgsp.call(`${prefix}/doi-tuong`), 401, 'no-credential')
  refused(await lgsp.call(`${prefix}/doi-tuong`, { 'X-API-Key': newcomer.key.slice(0, -1) + (newcomer.key.endsWith('0') ? '1' : '0') }), 401, (await lgsp.call(`${prefix}/doi-tuong`, { 'X-API-Key': 'lgsp_key_wrong' })).body.code)
  const answer = await until('the key is known', 2000, async () => {
    const a = await lgsp.call(`${prefix}/doi-tuong`, key)
    return a.status === 403 && a
  })
  refused(answer, 403, 'no-agreement')
  assert.equal((await lgsp.call(`${prefix}/khong-co`)).status, 404)
  assert.equal((await lgsp.call(`${prefix}//doi-tuong`)).status, 400)
  assert.equal((await lgsp.call(`${prefix}/thong-ke`)).status, 200, 'an open operation needs nothing')
})

test('an agreement is asked for, and decided by somebody else', async () => {
  const offered = ok(await lgsp.api(newcomer.token, 'GET', `/versions/${version.id}/operations`)).items
  const fieldsOf = (slug, names) => offered.find((o) => o.slug === slug).doc.fields.map((f) => f.path).filter((p) => names.some((n) => p.endsWith('/' + n)))
  const purposes = ok(await lgsp.api(null, 'GET', '/purposes')).items
  const bases = ok(await lgsp.api(null, 'GET', '/legal-bases')).items
  assert.ok(bases.some((b) => b.confirmed) && bases.some((b) => !b.confirmed))
  const wanted = {
    application_id: newcomer.application.id, version_id: version.id,
    operations: [
      { operation: 'danh-muc-doi-tuong', fields: fieldsOf('danh-muc-doi-tuong', ['doiTuong']) },
      { operation: 'xem-nguoi-co-cong', fields: fieldsOf('xem-nguoi-co-cong', ['hoTen', 'trangThai']) },
    ],
    purpose: (purposes[0]).code, purpose_text: 'Xác nhận chế độ khi giải quyết thủ tục.',
    legal_basis: bases.find((b) => b.confirmed).id, subjects: 'Người có công', volume_per_day: 50, retention_days: 30, onward: '',
    starts: new Date(Date.now() + 7 * 3600_000).toISOString().slice(0, 10),
    ends: new Date(Date.now() + 90 * 86400_000).toISOString().slice(0, 10), note: '', replaces: null,
  }
  const wrong = await lgsp.api(newcomer.token, 'POST', '/agreements', { ...wanted, ends: '2020-01-01', purpose_text: '' }, { 'Accept-Language': 'vi' })
  assert.equal(wrong.status, 400)
  assert.ok(wrong.body.errors.length >= 2, wrong.text)
  const key = { 'Idempotency-Key': 'ask-1' }
  agreement = ok(await lgsp.api(newcomer.token, 'POST', '/agreements', wanted, key), 201)
  const again = await lgsp.api(newcomer.token, 'POST', '/agreements', wanted, key)
  assert.equal(again.status, 201)
  assert.equal(again.body.id, agreement.id, 'a repeat is answered the same')
  refused(await lgsp.api(newcomer.token, 'POST', '/agreements', { ...wanted, note: 'x' }, key), 409, 'idempotency-reused')

  const own = await lgsp.api(newcomer.token, 'POST', `/agreements/${agreement.id}/approve`, { text: '' })
  assert.ok([403, 404].includes(own.status), 'nobody approves their own')
  const summary = ok(await lgsp.api('steward', 'GET', `/agreements/${agreement.id}/summary`))
  assert.match(JSON.stringify(summary), /Xác nhận chế độ/)
  agreement = ok(await lgsp.api('steward', 'POST', `/agreements/${agreement.id}/approve`, { text: '' }))
  assert.equal(agreement.state, 'active')
})

test('a call gets the agreed fields and no other', async () => {
  const answer = await until('the agreement is in force', 2000, async () => {
    const a = await lgsp.call(`${prefix}/doi-tuong`, { 'X-API-Key': newcomer.key })
    return a.status === 200 && a
  })
  const names = new Set()
  JSON.stringify(answer.body, (name, value) => { if (name && !/^\d+$/.test(name)) names.add(name); return value })
  assert.ok(names.has('doiTuong'), answer.text.slice(0, 400))
  assert.ok(!names.has('tenDoiTuong'), answer.text.slice(0, 400))
})

test('personal data takes a token', async () => {
  const address = `${prefix}/ho-so/${subject}`
  const byKey = await lgsp.call(address, { 'X-API-Key': newcomer.key })
  assert.ok([401, 403].includes(byKey.status), byKey.text)
  const token = await fetch(`${lgsp.portal}/oauth2/token`, {
    method: 'POST', headers: { Authorization: 'Basic ' + btoa(`${newcomer.application.id}:${newcomer.secret}`) },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: lgsp.gateway + prefix }),
  }).then((a) => a.json())
  assert.ok(token.access_token, JSON.stringify(token))
  newcomer.bearer = { Authorization: `Bearer ${token.access_token}` }
  const answer = await lgsp.call(address, newcomer.bearer)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(Object.keys(answer.body).sort(), ['hoTen', 'trangThai'])
  assert.equal((await lgsp.call(address, { ...newcomer.bearer, 'X-API-Key': newcomer.key })).status, 400, 'two credentials at once')
  refused(await lgsp.call(`${prefix}/ho-so/${subject}/chi-tra`, newcomer.bearer), 403, 'operation-not-agreed')
})

test('the caller sees the calls and what is left, within seconds', async () => {
  const list = await until('the calls are listed', 5000, async () => {
    const page = ok(await lgsp.api(newcomer.token, 'GET', `/exchanges?application=${newcomer.application.id}&limit=50`))
    return page.items.some((e) => e.status === 200 && e.operation === 'xem-nguoi-co-cong') && page.items
  })
  assert.ok(list.some((e) => e.code === 'operation-not-agreed'), 'refused calls are evidence too')
  assert.ok(!JSON.stringify(list).includes(subject), 'the subject is never in clear')
  const quota = ok(await lgsp.api(newcomer.token, 'GET', `/agreements/${agreement.id}/quota`))
  assert.equal(quota.per_day, 100000)
  assert.ok(quota.remaining_today < quota.per_day)
  const seen = ok(await lgsp.api('auditor', 'GET', `/exchanges?version=${version.id}`)).items
  assert.ok(seen.length > 0, 'the auditor sees them')
  assert.equal((await lgsp.api('citizen', 'GET', `/exchanges?version=${version.id}`)).body?.items?.length ?? 0, 0)
})

test('over the limit is 429 and says when to come back', async () => {
  const answer = await until('the limit is met', 10_000, async () => {
    const all = await Promise.all(Array.from({ length: 30 }, () => lgsp.call('/van-phong-ubnd-tinh/thu-tuc-hanh-chinh/v1/linh-vuc')))
    return all.find((a) => a.status === 429)
  })
  assert.ok(Number(answer.headers.get('retry-after')) >= 1)
  assert.ok(answer.headers.get('ratelimit-policy'))
})

test('a suspended agreement is refused within a second', async () => {
  ok(await lgsp.api('steward', 'POST', `/agreements/${agreement.id}/suspend`, { text: 'Kiểm tra đột xuất' }))
  const begun = Date.now()
  const answer = await until('refused', 1000, async () => {
    const a = await lgsp.call(`${prefix}/ho-so/${subject}`, newcomer.bearer)
    return a.status === 403 && a
  })
  refused(answer, 403, 'agreement-suspended')
  assert.ok(Date.now() - begun <= 1000)
  ok(await lgsp.api('steward', 'POST', `/agreements/${agreement.id}/resume`, { text: '' }))
})

test('the explanation of a call is the gateway’s own', async () => {
  const ask = (operation, credential) => lgsp.api(newcomer.token, 'GET',
    `/explain/call?application=${newcomer.application.id}&version=${version.id}&operation=${operation}&credential=${credential}`)
  await until('the agreement is in force again', 2000, async () => ok(await ask('xem-nguoi-co-cong', 'token')).allowed)
  const byKey = ok(await ask('xem-nguoi-co-cong', 'api_key'))
  assert.equal(byKey.allowed, false)
  assert.equal(byKey.rule, 'key-for-personal-data')
  assert.ok(byKey.change.length > 0)
  assert.equal(ok(await ask('chi-tra-nguoi-co-cong', 'token')).rule, 'operation-not-agreed')
})

test('bad input gets a clear answer and loses nothing', async () => {
  const t = newcomer.token
  refused(await lgsp.api(t, 'GET', '/applications?limit=0'), 400, 'parameter-invalid')
  refused(await lgsp.api(t, 'GET', '/applications?seite=2'), 400, 'parameter-unknown')
  refused(await lgsp.api(t, 'GET', '/applications/no-uuid'), 400, 'id-invalid')
  refused(await lgsp.api(t, 'POST', '/applications', { name: 'x', colour: 'red' }), 400, 'field-unknown')
  refused(await lgsp.api(t, 'POST', '/applications', { name: 5 }), 400, 'field-type')
  refused(await lgsp.api('lgsp_pat_wrong', 'GET', '/me'), 401, 'token-invalid')
  refused(await lgsp.api(null, 'GET', '/me'), 401, 'token-required')
  refused(await lgsp.api(t, 'PATCH', '/me'), 405, 'no-such-method')
  refused(await lgsp.api(t, 'GET', '/nothing'), 404, 'no-such-address')
  const text = await fetch(`${lgsp.portal}/api/v1/applications`, { method: 'POST', headers: { Authorization: `Bearer ${t}`, 'Content-Type': 'text/plain' }, body: '{}' })
  assert.equal(text.status, 415)
})

test('an editor that saw an old version is told', async () => {
  const address = `/applications/${newcomer.application.id}`
  const read = await lgsp.api(newcomer.token, 'GET', address)
  const body = { agency: '00000000-0000-0000-0000-000000000000', name: 'Tra cứu của Lan', description: '', kind: '', redirect_uris: [] }
  const tag = { 'If-Match': read.headers.get('etag') }
  ok(await lgsp.api(newcomer.token, 'PUT', address, body, tag))
  refused(await lgsp.api(newcomer.token, 'PUT', address, body, tag), 412, 'if-match')
})
