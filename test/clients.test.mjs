// The authorization server met by clients of other makers that run outside
// this process: oidc-client-ts in a browser, Apache's mod_auth_openidc, Authlib
// in Python.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, test } from 'node:test'
import { Browser } from './browser.mjs'
import { Platform, freePorts, until } from './platform.mjs'

const service = '/so-noi-vu/nguoi-co-cong/v1'
const require = createRequire(import.meta.url)

let lgsp, browser

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  const app = lgsp.info.application
  const registered = await lgsp.api('developer', 'PUT', `/applications/${app.client_id}`, {
    name: 'Tra cứu một cửa (trình diễn)', redirect_uris: ['http://127.0.0.1/cb'], // any port (RFC 8252 §7.3)
  })
  assert.equal(registered.status, 200, registered.text)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

/** Signs in as the citizen and consents, where asked, until arrived(url). */
async function through(page, arrived) {
  await page.waitForURL((now) => now.pathname === '/sign-in' || now.pathname === '/consent' || arrived(now))
  if (page.url().startsWith(`${lgsp.portal}/sign-in`)) {
    const { email, password } = lgsp.account('citizen')
    await page.fill('input[name=email]', email)
    await page.fill('input[name=password]', password)
    await page.click('main form button[type=submit]')
    await page.waitForURL((now) => now.pathname === '/consent' || arrived(now))
  }
  if (page.url().startsWith(`${lgsp.portal}/consent`)) {
    await page.click('button[name=answer][value=allow]')
    await page.waitForURL(arrived)
  }
}

test('oidc-client-ts, a public client in the browser: sign in, renew, userinfo', async () => {
  const library = await readFile(require.resolve('oidc-client-ts').replace(/dist\/.*/, 'dist/browser/oidc-client-ts.min.js'))
  const server = createServer((request, response) => {
    if (request.url === '/oidc.js') return response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(library)
    response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>app</title><h1>App</h1><script src="/oidc.js"></script>')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${server.address().port}`
  try {
    const made = await lgsp.api('developer', 'POST', '/applications', {
      name: 'Trang của người dân (thử)', kind: 'public', redirect_uris: [`${origin}/cb`],
    })
    assert.equal(made.status, 201, made.text)
    const page = await browser.person()
    const manager = (act) => page.evaluate(`(async () => {
      const users = new oidc.UserManager({
        authority: ${JSON.stringify(lgsp.info.issuer)}, client_id: ${JSON.stringify(made.body.id)}, redirect_uri: ${JSON.stringify(`${origin}/cb`)},
        scope: 'openid profile email offline_access', loadUserInfo: true, automaticSilentRenew: false,
      })
      return (${act})(users)
    })()`)
    await page.goto(origin)
    await manager('(users) => { users.signinRedirect({ state: { basket: 7 } }) }')
    await through(page, (now) => now.origin === origin && now.pathname === '/cb')
    const user = await manager(`async (users) => { const u = await users.signinCallback()
      return { name: u.profile.name, email: u.profile.email, state: u.state, access: u.access_token, refresh: u.refresh_token } }`)
    assert.equal(user.email, lgsp.account('citizen').email)
    assert.ok(user.name)
    assert.deepEqual(user.state, { basket: 7 })
    const renewed = await manager('async (users) => { const u = await users.signinSilent(); return { access: u.access_token, refresh: u.refresh_token } }')
    assert.notEqual(renewed.access, user.access)
    assert.notEqual(renewed.refresh, user.refresh)
    await manager('(users) => users.revokeTokens()')
    const gone = await fetch(`${lgsp.info.issuer}/oauth2/userinfo`, { headers: { Authorization: `Bearer ${renewed.access}` } })
    assert.equal(gone.status, 401)
    assert.deepEqual(page.faults, [])
  } finally {
    server.close()
    server.closeAllConnections()
  }
})

test('Authlib in Python: sign in, refresh, introspect, revoke, client_credentials', async () => {
  const callback = createServer((_, response) => response.end('ok'))
  await new Promise((resolve) => callback.listen(0, '127.0.0.1', resolve))
  const uri = `http://127.0.0.1:${callback.address().port}/cb`
  const settings = { issuer: lgsp.info.issuer, ...lgsp.info.application, redirect_uri: uri, resource: lgsp.gateway + service }
  const python = spawn('/usr/bin/python3', [path.resolve(import.meta.dirname, 'authlib_client.py'), JSON.stringify(settings)], {
    stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, AUTHLIB_INSECURE_TRANSPORT: '1', NO_PROXY: '127.0.0.1,localhost' },
  })
  let wrong = ''
  python.stderr.on('data', (text) => { wrong += text })
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  const told = async () => {
    const { value, done } = await lines.next()
    assert.ok(!done, wrong)
    return JSON.parse(value)
  }
  try {
    const page = await browser.person()
    await page.goto((await told()).open)
    await through(page, (now) => now.href.startsWith(uri))
    python.stdin.write(`${page.url()}\n`)
    const who = await told()
    assert.match(who.sub, /^[0-9a-f-]{36}$/)
    assert.ok(who.name)
    assert.deepEqual(await told(), { refreshed: true })
    assert.deepEqual(await told(), { active: true })
    assert.deepEqual(await told(), { after_revocation: 'invalid_grant', used_code: 'invalid_grant' })
    const { own_token: token } = await told()
    const answer = await until('the token opens the gateway', 2000, async () => {
      const a = await lgsp.call(`${service}/ho-so/000138000002`, { Authorization: `Bearer ${token}` })
      return a.status === 200 && a
    })
    assert.ok(answer.body.hoTen, answer.text)
  } finally {
    python.kill()
    callback.close()
    callback.closeAllConnections()
  }
})

/** Apache with mod_auth_openidc before one page, on a port of its own. */
async function apache() {
  const [port] = await freePorts(1)
  const dir = await mkdtemp('/tmp/lgsp-apache-')
  await chmod(dir, 0o755)
  await mkdir(`${dir}/htdocs`)
  await writeFile(`${dir}/htdocs/index.shtml`, '<!doctype html><title>protected</title><p id="who"><!--#echo var="REMOTE_USER" --></p>')
  const modules = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'mime', 'include', 'dir', 'env', 'setenvif', 'auth_openidc']
  const { client_id: id, client_secret: secret } = lgsp.info.application
  await writeFile(`${dir}/httpd.conf`, `
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join('\n')}
ServerRoot ${dir}
ServerName 127.0.0.1
Listen 127.0.0.1:${port}
PidFile ${dir}/httpd.pid
ErrorLog ${dir}/error.log
Mutex file:${dir}
${process.getuid() === 0 ? 'User www-data\nGroup www-data' : ''}
DocumentRoot ${dir}/htdocs
DirectoryIndex index.shtml
TypesConfig /dev/null
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
OIDCProviderMetadataURL ${lgsp.info.issuer}/.well-known/openid-configuration
OIDCClientID ${id}
OIDCClientSecret ${secret}
OIDCRedirectURI http://127.0.0.1:${port}/cb
OIDCCryptoPassphrase ${crypto.randomUUID()}
OIDCScope "openid profile email"
OIDCPKCEMethod S256
OIDCSSLValidateServer Off
OIDCRemoteUserClaim email
<Directory ${dir}/htdocs>
  Options +Includes
</Directory>
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
`)
  const server = spawn('/usr/sbin/apache2', ['-X', '-f', `${dir}/httpd.conf`], { stdio: 'pipe' })
  let said = ''
  server.stderr.on('data', (text) => { said += text })
  const ended = new Promise((resolve) => server.once('exit', resolve))
  await until('Apache answers', 10_000, async () => {
    if (server.exitCode !== null) throw new Error(`apache2 ended: ${said}\n${await readFile(`${dir}/error.log`, 'utf8').catch(() => '')}`)
    return fetch(`http://127.0.0.1:${port}/`, { redirect: 'manual' }).then(() => true, () => false)
  })
  return {
    origin: `http://127.0.0.1:${port}`,
    log: () => readFile(`${dir}/error.log`, 'utf8'),
    async stop() {
      server.kill('SIGTERM')
      await ended
      await rm(dir, { recursive: true, force: true })
    },
  }
}

test('Apache’s mod_auth_openidc lets a person in, and nobody with a made-up answer', async () => {
  const web = await apache()
  try {
    const page = await browser.person()
    await page.goto(web.origin)
    await through(page, (now) => now.origin === web.origin && now.pathname === '/')
    assert.equal(await page.textContent('#who'), lgsp.account('citizen').email, await web.log())
    const forged = await fetch(`${web.origin}/cb?code=made-up&state=made-up`, { redirect: 'manual' })
    assert.notEqual(forged.status, 200)
  } finally {
    await web.stop()
  }
})
