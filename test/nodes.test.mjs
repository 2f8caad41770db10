// Two gateway nodes behind a load balancer (haproxy), as a province runs them:
// restarted one after the other under load, told of a revocation, killed.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { binary, freePorts, Platform, until } from './platform.mjs'

const prefix = '/so-noi-vu/so/v1'
const balancers = []
let lgsp, upstream, doors, nodes, version, agreement, key

/** The first address of this machine that is not loopback: a node alone reaches no upstream there. */
function ownAddress() {
  const found = Object.values(os.networkInterfaces()).flat().find((a) => a.family === 'IPv4' && !a.internal && !a.address.startsWith('169.254.'))
  assert.ok(found, 'this machine has no address but loopback, and a gateway node alone reaches no upstream there')
  return found.address
}

/** A system of an agency: it gives back the number it is asked for or sent. */
async function startUpstream() {
  upstream = http.createServer(async (request, response) => {
    const parts = []
    for await (const part of request) parts.push(part)
    const so = request.method === 'POST' ? JSON.parse(Buffer.concat(parts)).so : request.url.split('/').at(-1)
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ so }))
  })
  upstream.keepAliveTimeout = 60_000
  await new Promise((resolve) => upstream.listen(0, ownAddress(), resolve))
  return `${upstream.address().address}:${upstream.address().port}`
}

/** A gateway node alone. */
class Node {
  constructor(name, gateway, ops, env) {
    Object.assign(this, { name, gateway, ops, env: {
      ...env, LGSP_DATA_DIR: path.join(lgsp.dir, name), LGSP_SECRET_FILE: path.join(lgsp.dir, 'data/secret'),
      LGSP_GATEWAY_ADDR: `127.0.0.1:${gateway}`, LGSP_OPS_ADDR: `127.0.0.1:${ops}`, LGSP_DRAIN: '8s',
    } })
  }

  async start() {
    this.output = ''
    this.process = spawn(binary, ['gateway'], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => { this.output += text })
    this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })))
    await until(`${this.name} is ready`, 20_000, async () => {
      assert.equal(this.process.exitCode, null, this.output)
      return (await this.readiness()) === 200
    })
  }

  /** The status of /readyz, 0 when nobody answers. */
  async readiness() {
    return (await fetch(`http://127.0.0.1:${this.ops}/readyz`).catch(() => null))?.status ?? 0
  }

  async stop(signal = 'SIGTERM') {
    this.process.kill(signal)
    return this.ended
  }

  /** The status that this node answers a call with. */
  status(credential) {
    return fetch(`http://127.0.0.1:${this.gateway}${prefix}/so/1`, { headers: { 'X-API-Key': credential } }).then(async (a) => {
      await a.arrayBuffer()
      return a.status
    })
  }
}

/** Runs haproxy until the test ends. */
async function runHaproxy(name, settings, port) {
  const file = path.join(lgsp.dir, `${name}.cfg`)
  await writeFile(file, settings)
  const haproxy = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  balancers.push(haproxy)
  let said = ''
  haproxy.stderr.on('data', (text) => { said += text })
  await until('haproxy answers', 10_000, () => fetch(`http://127.0.0.1:${port}/`).then((a) => a.status !== 503, () => {
    assert.equal(haproxy.exitCode, null, said)
    return false
  }))
}

/** haproxy as it stands before nodes: it asks /readyz, tries nothing twice, and keeps connections. */
async function startBalancer(ports) {
  const servers = nodes.map((n) => `  server ${n.name} 127.0.0.1:${n.gateway} check port ${n.ops} inter 300ms fall 2 rise 1`).join('\n')
  await runHaproxy('balancer', `
defaults
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  retries 0
  balance roundrobin
  option httpchk GET /readyz
listen requests
  mode http
  bind 127.0.0.1:${ports[0]}
  http-reuse always
${servers}
listen connections
  mode tcp
  bind 127.0.0.1:${ports[1]}
${servers}
`, ports[0])
}

function ok(answer, status = 200) {
  assert.equal(answer.status, status, answer.text)
  return answer.body
}

/** Publishes the numbers, and agrees on them for the demo's application. */
async function publish(hostPort) {
  const agency = ok(await lgsp.api(null, 'GET', '/agencies/so-noi-vu'))
  ok(await lgsp.api('operator', 'POST', `/agencies/${agency.id}/upstreams/approve`, { host_port: hostPort }))
  const api = ok(await lgsp.api('publisher', 'POST', '/apis', { agency_id: agency.id, slug: 'so', title_vi: 'Số', title_en: 'Numbers', description_vi: 'Thử.', description_en: 'Trial.' }), 201)
  const text = await readFile(path.join(import.meta.dirname, 'numbers.openapi.yaml'), 'utf8')
  version = ok(await lgsp.api('publisher', 'POST', `/apis/${api.id}/versions`, { number: 'v1', text }), 201)
  const mark = { access: 'restricted', classification: 'internal', subject_in: '', subject_name: '' }
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/operations`, { 'doc-so': mark, 'gui-so': mark }))
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/upstream`, { url: `http://${hostPort}` }))
  ok(await lgsp.api('publisher', 'PUT', `/versions/${version.id}/plan`, { plan: 'high' }))
  ok(await lgsp.api('publisher', 'POST', `/versions/${version.id}/publish`))
  const { client_id: application, api_key: secret } = lgsp.info.application
  key = secret
  agreement = ok(await lgsp.api('developer', 'POST', '/agreements', {
    application_id: application, version_id: version.id, purpose: 'dich-vu', purpose_text: 'Thử nhiều nút.',
    operations: ['doc-so', 'gui-so'].map((operation) => ({ operation, fields: ['/so'] })),
    legal_basis: ok(await lgsp.api(null, 'GET', '/legal-bases')).items.find((b) => b.confirmed).id,
    starts: new Date(Date.now() + 7 * 3600_000).toISOString().slice(0, 10), ends: new Date(Date.now() + 90 * 86400_000).toISOString().slice(0, 10),
    note: '', replaces: null,
  }), 201)
  ok(await lgsp.api('steward', 'POST', `/agreements/${agreement.id}/approve`, { text: '' }))
}

before(async () => {
  const ports = await freePorts(6)
  doors = ports.slice(0, 2)
  lgsp = await Platform.start({ LGSP_GATEWAY_URL: `http://localhost:${doors[0]}` })
  await publish(await startUpstream())
  const env = { ...lgsp.env, LGSP_DATABASE_URL: await lgsp.databaseURL() }
  nodes = [new Node('one', ports[2], ports[3], env), new Node('two', ports[4], ports[5], env)]
  await Promise.all(nodes.map((n) => n.start()))
  await startBalancer(doors)
})
after(async () => {
  for (const n of nodes ?? []) if (n.process?.exitCode === null) await n.stop()
  for (const b of balancers) b.kill('SIGTERM')
  await lgsp?.stop()
  upstream?.closeAllConnections()
  upstream?.close()
})

/** Callers without pause: some keep their connection, some open one for each call. */
class Load {
  constructor(t) {
    t.after(() => this.stop())
    this.answered = new Set() // traces of calls that got 200 and the right number
    this.failed = []
    this.going = true
    this.callers = doors.flatMap((port) => [true, true, true, false, false].map((keepAlive, i) => this.call(port, keepAlive, i)))
  }

  async call(port, keepAlive, caller) {
    const agent = new http.Agent({ keepAlive, maxSockets: 1 })
    for (let n = 0; this.going; n++) {
      const trace = randomBytes(16).toString('hex')
      try {
        const { status, text } = await this.send(agent, port, (n + caller) % 2 ? 'POST' : 'GET', String(n), trace)
        assert.equal(status, 200, text)
        assert.deepEqual(JSON.parse(text), { so: String(n) })
        this.answered.add(trace)
      } catch (error) {
        this.failed.push(`${keepAlive ? 'kept' : 'new'} connection, port ${port}, call ${n}: ${error.code ?? ''} ${error.message}`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    agent.destroy()
  }

  send(agent, port, method, so, trace) {
    return new Promise((resolve, reject) => {
      const post = method === 'POST'
      const request = http.request({
        agent, host: '127.0.0.1', port, method, path: `${prefix}/so${post ? '' : '/' + so}`,
        headers: { 'X-API-Key': key, Traceparent: `00-${trace}-${trace.slice(0, 16)}-01`, ...(post ? { 'Content-Type': 'application/json' } : {}) },
      }, (answer) => {
        let text = ''
        answer.on('data', (part) => { text += part }).on('error', reject).on('end', () => resolve({ status: answer.statusCode, text }))
      })
      request.on('error', reject).end(post ? JSON.stringify({ so }) : undefined)
    })
  }

  async stop() {
    this.going = false
    await Promise.all(this.callers)
  }

  /** Runs until so many more calls are answered. */
  async more(calls) {
    const least = this.answered.size + calls
    await until(`${calls} more calls`, 30_000, () => this.answered.size >= least)
  }

  /** How often each call stands in the ledger, by its trace. */
  async entries() {
    const lines = await lgsp.sql(`select trace_id, count(*) from ledger.entry where version_id = '${version.id}' group by 1`)
    return new Map(lines.split('\n').map((line) => [line.slice(0, 32), Number(line.slice(33))]))
  }

  missing(entries) {
    return [...this.answered].filter((trace) => !entries.has(trace))
  }

  /** Each answered call stands in the ledger, and none twice. */
  async proved() {
    const entries = await until('every answered call is in the ledger', 30_000, async () => {
      const now = await this.entries()
      return this.missing(now).length === 0 && now
    })
    assert.deepEqual([...entries].filter(([trace, n]) => n > 1 && this.answered.has(trace)), [], 'no call stands there twice')
  }
}

test('two nodes are restarted one after the other, and no call fails', async (t) => {
  const load = new Load(t)
  await load.more(200)
  for (const node of nodes) {
    const stopping = node.stop()
    await until('it says that it is not ready', 1000, async () => (await node.readiness()) === 503)
    await load.more(50) // while it lets its callers go
    assert.equal(await node.readiness(), 503)


    assert.deepEqual(await stopping, { code: 0, signal: null }, node.output)
    await load.more(200)
    await node.start()
    await load.more(200)
  }
  await load.stop()
  t.diagnostic(`${load.answered.size} calls answered, ${load.failed.length} failed`)
  assert.equal(load.failed.length, 0, load.failed.slice(0, 5).join('\n'))
  await load.proved()
})

/** Until both nodes answer a call so, in ms since begun. */
async function bothAnswer(status, credential, begun = Date.now()) {
  await Promise.all(nodes.map((n) => until(`${n.name} answers ${status}`, 5000, async () => (await n.status(credential)) === status)))
  return Date.now() - begun
}

test('what is revoked or suspended is refused on both nodes within a second, from warm caches', async (t) => {
  const worst = { revoked: 0, suspended: 0 }
  for (let trial = 0; trial < 20; trial++) {
    const made = ok(await lgsp.api('developer', 'POST', `/applications/${lgsp.info.application.client_id}/credentials`, { kind: 'api_key' }), 201)
    await bothAnswer(200, made.secret)
    let begun = Date.now()
    assert.ok((await lgsp.api('developer', 'DELETE', `/credentials/${made.id}`)).status < 300)
    worst.revoked = Math.max(worst.revoked, await bothAnswer(401, made.secret, begun))

    await bothAnswer(200, key)
    begun = Date.now()
    ok(await lgsp.api('steward', 'POST', `/agreements/${agreement.id}/suspend`, { text: 'Thử' }))
    worst.suspended = Math.max(worst.suspended, await bothAnswer(403, key, begun))
    ok(await lgsp.api('steward', 'POST', `/agreements/${agreement.id}/resume`, { text: '' }))
  }
  await bothAnswer(200, key)
  t.diagnostic(`worst of 20: a key revoked ${worst.revoked} ms, an agreement suspended ${worst.suspended} ms, from before the request`)
  assert.ok(worst.revoked <= 1000 && worst.suspended <= 1000, JSON.stringify(worst))
})

/** Keeps every node from delivering evidence, until it is told to go on. */
async function holdLedger() {
  const psql = spawn('psql', [await lgsp.databaseURL(), '-v', 'ON_ERROR_STOP=1', '-At'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => psql.once('exit', resolve))
  psql.stdin.write("begin; lock table ledger.shipment; select 'held';\n")
  await new Promise((resolve, reject) => {
    psql.stdout.on('data', (text) => { if (String(text).includes('held')) resolve() })
    psql.once('exit', reject)
  })
  return async () => {
    psql.stdin.end('rollback;\n')
    await ended
  }
}

test('a node is killed under load, and what it answered is in the ledger after its restart', async (t) => {
  const load = new Load(t)
  await load.more(100)
  const release = await holdLedger()
  await load.more(200)
  await nodes[0].stop('SIGKILL')
  await load.more(200) // the other one goes on
  const missing = load.missing(await load.entries()).length
  assert.ok(missing > 0, 'evidence waits on the nodes')
  await release()
  await nodes[0].start()
  await load.more(100)
  await load.stop()
  t.diagnostic(`${load.answered.size} calls answered, ${load.failed.length} failed; ${missing} were in no ledger when the node was killed`)
  await load.proved()
})

/** The status of a call from an address of this machine; 0: it was cut off. */
function callFrom(localAddress, port, credential) {
  return new Promise((resolve) => {
    http.get({ localAddress, host: '127.0.0.1', port, path: `${prefix}/so/1`, agent: false, headers: { 'X-API-Key': credential, 'X-Forwarded-For': '127.0.0.9' } },
      (answer) => answer.resume().on('end', () => resolve(answer.statusCode))).on('error', () => resolve(0))
  })
}

test('behind haproxy that passes TCP on, a key is held to its network by the PROXY protocol', async () => {
  const [node] = nodes
  await node.stop()
  Object.assign(node.env, { LGSP_PROXY_PROTOCOL: '1', LGSP_TRUSTED_PROXIES: '127.0.0.1' })
  await node.start()
  const made = ok(await lgsp.api('developer', 'POST', `/applications/${lgsp.info.application.client_id}/credentials`, { kind: 'api_key', networks: ['127.0.0.9'] }), 201)
  const ports = await freePorts(2)
  await runHaproxy('passing', `
defaults
  mode tcp
  timeout connect 2s
  timeout client 30s
  timeout server 30s
${ports.map((port, i) => `listen v${i + 1}\n  bind 127.0.0.1:${port}\n  server node 127.0.0.1:${node.gateway} ${['send-proxy', 'send-proxy-v2'][i]}`).join('\n')}
`, ports[1])
  for (const port of ports) {
    await until('the key is known', 2000, async () => (await callFrom('127.0.0.9', port, made.secret)) === 200)
    assert.equal(await callFrom('127.0.0.8', port, made.secret), 403, 'another address, whatever it says of itself')
  }
  assert.equal(await callFrom('127.0.0.9', node.gateway, made.secret), 0, 'around the balancer')
  assert.equal(await callFrom('127.0.0.1', node.gateway, made.secret), 0, 'from its address, without a header')
  const metrics = await (await fetch(`http://127.0.0.1:${node.ops}/metrics`)).text()
  assert.match(metrics, /lgsp_connections_refused_total\{door="gateway",why="stranger"\} 1/)
  assert.match(metrics, /lgsp_connections_refused_total\{door="gateway",why="no-header"\} 1/)
  assert.match(node.output, /without a PROXY header are cut off/)
})
