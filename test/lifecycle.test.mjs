// Starting and stopping: what a person at a terminal, systemd, or a power cut
// does to the platform.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Browser, everywhere, press } from './browser.mjs'
import { Platform, freePorts, until } from './platform.mjs'

const binary = path.resolve(import.meta.dirname, '../bin/lgsp')
let lgsp, agencies

/** Runs the binary to its end and gives its exit code and what it said. */
function run(args, env) {
  return new Promise((resolve) => execFile(binary, args, { env, timeout: 60_000 },
    (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr })))
}

const count = async () => (await lgsp.api(null, 'GET', '/agencies?limit=100')).body.items.length

async function restart() {
  const begun = Date.now()
  await lgsp.launch()
  assert.equal(await count(), agencies, 'all data is kept')
  return Date.now() - begun
}

before(async () => {
  lgsp = await Platform.start()
  agencies = await count()
  assert.ok(agencies > 5)
})
after(() => lgsp.stop())

test('it prints addresses, accounts and two calls that work as pasted', async () => {
  assert.match(lgsp.output, new RegExp(lgsp.portal))
  assert.match(lgsp.output, /publisher@/)
  const calls = lgsp.output.split('\n').map((l) => l.trim()).filter((l) => l.startsWith('curl '))
  assert.equal(calls.length, 2)
  for (const call of calls) {
    const answer = await new Promise((resolve, reject) => execFile('bash', ['-c', `${call} -sS -o /dev/null -w '%{http_code}'`],
      (error, stdout) => (error ? reject(error) : resolve(stdout))))
    assert.equal(answer, '200', call)
  }
})

for (const signal of ['SIGINT', 'SIGTERM']) {
  test(`${signal} stops it cleanly, PostgreSQL included, and the next start keeps all`, async () => {
    const postmaster = Number(await lgsp.postmaster())
    lgsp.process.kill(signal)
    assert.deepEqual(await lgsp.ended, { code: 0, signal: null })
    assert.throws(() => process.kill(postmaster, 0), 'PostgreSQL is gone')
    assert.ok((await restart()) < 5000, 'up within 5 s')
  })
}

test('kill -9 leaves nothing that stops the next start', async () => {
  lgsp.process.kill('SIGKILL')
  await lgsp.ended
  await restart()
})

test('a second one on the same data is refused', async () => {
  const { code, stderr } = await run(['serve', '--demo'], lgsp.env)
  assert.equal(code, 1)
  assert.match(stderr, /another lgsp is running/)
})

test('a taken port is one clear line', async () => {
  const server = createServer()
  const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)))
  const { code, stderr } = await run(['serve', '--demo'], { ...lgsp.env, LGSP_DATA_DIR: path.join(lgsp.dir, 'other'), LGSP_PORTAL_ADDR: `127.0.0.1:${port}`, LGSP_GATEWAY_ADDR: '127.0.0.1:0', LGSP_OPS_ADDR: '127.0.0.1:0' })
  server.close()
  assert.equal(code, 1)
  assert.equal(stderr.trim(), `lgsp: LGSP_PORTAL_ADDR: 127.0.0.1:${port} is taken by another program; stop it or set another address`)
})

test('wrong settings are told all at once', async () => {
  const { code, stderr } = await run(['serve'], { ...lgsp.env, LGSP_DRAIN: 'soon', LGSP_LOG_LEVEL: 'loud' })
  assert.equal(code, 1)
  assert.match(stderr, /LGSP_DRAIN/)
  assert.match(stderr, /LGSP_LOG_LEVEL/)
})

test('a gateway node alone serves from the same database, with the same secret', async () => {
  const [gateway, ops] = await freePorts(2)
  const env = { ...lgsp.env, LGSP_DATABASE_URL: await lgsp.databaseURL(), LGSP_DATA_DIR: path.join(lgsp.dir, 'node'),
    LGSP_GATEWAY_ADDR: `127.0.0.1:${gateway}`, LGSP_OPS_ADDR: `127.0.0.1:${ops}`, LGSP_DRAIN: '1s' }
  const without = await run(['gateway'], env)
  assert.equal(without.code, 1)
  assert.match(without.stderr, /LGSP_SECRET_FILE/)
  const node = spawn(binary, ['gateway'], { env: { ...env, LGSP_SECRET_FILE: path.join(lgsp.dir, 'data/secret') }, stdio: 'ignore' })
  const ended = new Promise((resolve) => node.once('exit', resolve))
  await until('the node is ready', 10_000, async () => (await fetch(`http://127.0.0.1:${ops}/readyz`).catch(() => null))?.ok)
  const { url } = lgsp.info.calls.find((c) => c.needs === 'key')
  const here = url.replace(lgsp.gateway, `http://127.0.0.1:${gateway}`)
  assert.equal((await fetch(here)).status, 401, 'it knows the route and what it takes')
  const known = await fetch(here, { headers: { 'X-API-Key': lgsp.info.application.api_key } })
  assert.equal(known.status, 502, 'it knows the key and the agreement; this machine’s simulators are not its to reach')
  node.kill('SIGTERM')
  assert.equal(await ended, 0)
})

test('without --demo it refuses the demo’s data and creates no account', async () => {
  lgsp.process.kill('SIGTERM')
  await lgsp.ended
  const refused = await run(['serve'], lgsp.env)
  assert.equal(refused.code, 1)
  assert.match(refused.stderr, /demo accounts/)
  const earnest = { ...lgsp.env, LGSP_DATA_DIR: path.join(lgsp.dir, 'earnest') }
  const made = await run(['user', 'create', '--role', 'operator', '--email', 'an@example.vn', '--name', 'Nguyễn An'], earnest)
  assert.equal(made.code, 0, made.stderr)
  assert.match(made.stdout, /\/set-password\?token=\S+/)
  const agency = await run(['agency', 'create', '--slug', 'so-noi-vu', '--code', 'H48.11', '--name-vi', 'Sở Nội vụ', '--name-en', 'Home Affairs'], earnest)
  assert.equal(agency.code, 0, agency.stderr)
  const publisher = await run(['user', 'create', '--role', 'publisher', '--agency', 'so-noi-vu', '--email', 'binh@example.vn'], earnest)
  assert.equal(publisher.code, 0, publisher.stderr)
  const bad = await run(['user', 'create', '--role', 'king', '--email', 'an@example.vn'], earnest)
  assert.equal(bad.code, 1)
  await restart()
})

test('the log is whole, and what SQL changes in it is named', async () => {
  const verify = () => run(['ledger', 'verify'], lgsp.env)
  await until('the log is signed', 10_000, async () => (await lgsp.sql('select count(*) from ledger.entry where seq is null')) === '0')
  await until('the checkpoint follows', 5000, async () => (await verify()).code === 0)
  const last = await lgsp.sql('select id from ledger.entry order by seq desc limit 1')
  const some = await lgsp.sql('select id from ledger.entry where seq = 3')
  for (const [name, change, undo, names] of [
    ['altered', `update ledger.entry set payload = replace(payload, '{', '{ ') where id = '${some}'`, `update ledger.entry set payload = regexp_replace(payload, '\\{ ', '{', 'g') where id = '${some}'`, some],
    ['cut from the end', `create table kept as select * from ledger.entry where id = '${last}'; delete from ledger.entry where id = '${last}'`, 'insert into ledger.entry select * from kept; drop table kept', null],
    ['tree row altered', `update ledger.hash set hash = sha256(hash) where position = 0`, null, null],
  ]) {
    await lgsp.sql(change)
    const { code, stdout } = await verify()
    assert.equal(code, 1, `${name}: not noticed`)
    if (names) assert.match(stdout, new RegExp(names), `${name}: the entry is not named`)
    if (undo) await lgsp.sql(undo)
  }
})

test('with the database away, pages say so and are asked again', async () => {
  const host = await Platform.start() // its database serves another platform, which lives on when it goes
  await host.sql('create database other')
  const other = await Platform.start({ LGSP_DATABASE_URL: (await host.databaseURL()).replace('@/lgsp', '@/other') })
  const browser = await Browser.start(other)
  try {
    const person = await browser.signedIn('developer')
    host.process.kill('SIGTERM')
    await host.ended
    for (const address of ['/account', '/en/account', '/en/search?q=x']) {
      const answer = await person.goto(address)
      assert.equal(answer.status(), 503, address)
      await everywhere(person)
      assert.ok(await person.$(`main a.usa-button[href="${address}"]`), 'the same page again')
    }
    const stranger = await browser.person()
    await stranger.goto('/en/forgot-password') // nobody is looked up: it needs no database
    await stranger.fill('[name=email]', 'an@example.vn')
    await press(stranger, 'main form button')
    assert.match(await stranger.textContent('main'), /Go back to the page before/)
    assert.equal((await other.api('developer', 'GET', '/me')).body.code, 'temporarily-unavailable')
    await host.launch()
    await until('it answers again', 10_000, async () => (await other.api('developer', 'GET', '/me')).status === 200)
    assert.equal((await person.goto('/account')).status(), 200, 'still signed in')
  } finally {
    await browser.stop()
    await other.stop()
    await host.stop()
  }
})
