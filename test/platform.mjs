// The platform as its users meet it: bin/lgsp with the demo province, started
// on free ports and a data directory of its own.
import { execFile, spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
export const binary = path.resolve(import.meta.dirname, '../bin/lgsp')

/** Ports that nobody listens on just now. */
export async function freePorts(count) {
  const servers = await Promise.all(Array.from({ length: count }, () => new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve(server))
  })))
  const ports = servers.map((s) => s.address().port)
  await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))))
  return ports
}

/** Where a platform lies: in memory where there is room, which is sooner there. */
async function scratch() {
  const memory = await statfs('/dev/shm').catch(() => null)
  return memory && memory.bavail * memory.bsize >= 4 * 2 ** 30 ? '/dev/shm' : '/tmp'
}

/** A running platform; start() gives one, stop() ends it. Where
 * LGSP_TEST_PREPARED names the data directory of one that was stopped, one
 * without settings of its own goes on from a copy of that. */
export class Platform {
  static async start(settings = {}) {
    const p = new Platform()
    p.dir = await mkdtemp(`${await scratch()}/lgsp-journey-`)
    await chmod(p.dir, 0o711) // the private PostgreSQL may run as another user
    const [portal, gateway, ops] = await freePorts(3)
    p.portal = `http://localhost:${portal}`
    p.gateway = `http://localhost:${gateway}`
    p.ops = `http://127.0.0.1:${ops}`
    p.env = {
      ...process.env,
      LGSP_DATA_DIR: path.join(p.dir, 'data'),
      LGSP_PORTAL_ADDR: `127.0.0.1:${portal}`,
      LGSP_GATEWAY_ADDR: `127.0.0.1:${gateway}`,
      LGSP_OPS_ADDR: `127.0.0.1:${ops}`,
      ...settings,
    }
    const prepared = process.env.LGSP_TEST_PREPARED
    if (prepared && Object.keys(settings).length === 0) await run('cp', ['-a', prepared, p.env.LGSP_DATA_DIR])
    await p.launch()
    p.info = JSON.parse(await p.lgsp('demo', 'info', '--json'))
    p.portal = p.info.portal // https where the settings say so
    p.gateway = p.info.gateway
    return p
  }

  /** Starts the process and waits until it is ready. */
  async launch() {
    this.output = ''
    this.process = spawn(binary, ['serve', '--demo'], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.on('data', (text) => { this.output += text })
    }
    this.ended = new Promise((resolve) => this.process.once('exit', (code, signal) => resolve({ code, signal })))
    await until('the platform is ready', 60_000, async () => {
      if (this.process.exitCode !== null) throw new Error(`lgsp ended:\n${this.output}`)
      const answer = await fetch(`${this.ops}/readyz`).catch(() => null)
      return answer?.ok && this.output.includes('curl')
    })
  }

  /** Runs another command of the binary on the same data directory. */
  async lgsp(...args) {
    const { stdout } = await run(binary, args, { env: this.env })
    return stdout
  }

  /** The process id of the private PostgreSQL. */
  async postmaster() {
    return (await readFile(path.join(this.dir, 'data/postgres/data/postmaster.pid'), 'utf8')).split('\n')[0]
  }

  /** The address of the private PostgreSQL, for another process. */
  async databaseURL() {
    const socket = (await readFile(path.join(this.dir, 'data/postgres/data/postmaster.pid'), 'utf8')).split('\n')[4]
    return `postgres://lgsp@/lgsp?host=${socket}`
  }

  /** Runs SQL on the private PostgreSQL, as someone who got at the database would. */
  async sql(text) {
    const { stdout } = await run('psql', [await this.databaseURL(), '-v', 'ON_ERROR_STOP=1', '-Atc', text], { maxBuffer: 64 << 20 })
    return stdout.trim()
  }

  account(role) {
    return this.info.accounts.find((a) => a.role === role)
  }

  /** Calls /api/v1 as a role of the demo, a token, or nobody. */
  async api(who, method, address, body, headers = {}) {
    const token = this.account(who)?.token ?? who
    const answer = await fetch(`${this.portal}/api/v1${address}`, {
      method,
      headers: {
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(body !== undefined && !(body instanceof Uint8Array) ? { 'Content-Type': 'application/json' } : {}),
        ...headers,
      },
      body: body === undefined || body instanceof Uint8Array ? body : JSON.stringify(body),
    })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, body: text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : null }
  }

  /** Calls the gateway. */
  async call(address, headers = {}, options = {}) {
    const answer = await fetch(`${this.gateway}${address}`, { headers, ...options })
    const text = await answer.text()
    return { status: answer.status, headers: answer.headers, text, body: text.startsWith('{') ? JSON.parse(text) : null }
  }

  /** The links in the newest letter to an address, from the files that letters become. */
  async letter(to, holding = '') {
    const dir = path.join(this.dir, 'data/mail')
    return until(`a letter to ${to}`, 20_000, async () => {
      const names = await readdir(dir).catch(() => [])
      for (const name of names.sort().reverse()) {
        const text = (await readFile(path.join(dir, name), 'latin1')).replace(/=\r?\n/g, '').replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
        const links = [...text.matchAll(/https?:\/\/\S+/g)].map((m) => m[0])
        if (text.includes(`<${to}>`) && links.some((link) => link.includes(holding))) return links
      }
      return null
    })
  }

  /** The one-time link, holding a text, in a letter to an address. */
  async link(to, holding) {
    return (await this.letter(to, holding)).find((link) => link.includes(holding))
  }

  /** Ends the process, and leaves what it kept. */
  async halt() {
    this.process.kill('SIGTERM')
    const { code } = await this.ended
    if (code !== 0) throw new Error(`lgsp ended with ${code}:\n${this.output}`)
  }

  async stop() {
    await this.halt().finally(() => rm(this.dir, { recursive: true, force: true }))
  }
}

/** Asks until the answer is true; fails after so many milliseconds. */
export async function until(what, milliseconds, ask) {
  const end = Date.now() + milliseconds
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > end) throw new Error(`${what}: not within ${milliseconds} ms`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
