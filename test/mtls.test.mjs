// TLS on the platform's own doors, and clients that prove themselves by a
// certificate, met by a library that others wrote: openid-client 6.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:https'
import path from 'node:path'
import { after, before, test } from 'node:test'
import * as client from 'openid-client'
import { freePorts, Platform, until } from './platform.mjs'

const service = '/so-noi-vu/nguoi-co-cong/v1'
const file = `${service}/ho-so/000138000002`

let dir, lgsp, mtls, id

/** Runs openssl in the test's directory. */
const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe' }).toString()

/** Makes NAME.pem and NAME.key, signed by the authority. */
function certify(name, subject, ...more) {
  openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-utf8', '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject, ...more)
  openssl('x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', '1', '-copy_extensions', 'copy', '-out', `${name}.pem`)
}

const read = (name) => readFileSync(path.join(dir, name))

/** A fetch over TLS, with a certificate of certify or without. */
function fetchWith(name) {
  return (url, { method = 'GET', headers = {}, body } = {}) => new Promise((resolve, reject) => {
    const out = request(url, {
      method, ca: read('ca.pem'), agent: false, ...(name ? { cert: read(`${name}.pem`), key: read(`${name}.key`) } : {}),
      headers: Object.fromEntries(new Headers(headers)),
    }, (answer) => {
      const parts = []
      answer.on('data', (part) => parts.push(part)).on('end', () => resolve(new Response(parts.length ? Buffer.concat(parts) : null, {
        status: answer.statusCode, headers: Object.entries(answer.headers).flatMap(([k, v]) => [v].flat().map((one) => [k, one])),
      })))
    })
    out.on('error', reject).end(body?.toString())
  })
}

before(async () => {
  dir = mkdtempSync('/tmp/lgsp-mtls-')
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '1', '-subj', '/CN=test CA')
  certify('server', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  certify('own', '/C=VN/O=Tổ một cửa/CN=may-chu-01')
  certify('other', '/C=VN/O=Tổ một cửa/CN=may-chu-01')
  certify('stranger', '/C=VN/O=Tổ một cửa/CN=may-chu-02')
  const [port] = await freePorts(1)
  mtls = `https://localhost:${port}`
  lgsp = await Platform.start({
    LGSP_TLS_CERT: path.join(dir, 'server.pem'), LGSP_TLS_KEY: path.join(dir, 'server.key'),
    LGSP_MTLS_ADDR: `127.0.0.1:${port}`, LGSP_MTLS_CA: path.join(dir, 'ca.pem'),
  })
  id = lgsp.info.application.client_id
  const registered = await fetchWith()(`${lgsp.portal}/api/v1/applications/${id}`, {
    method: 'PUT', headers: { Authorization: `Bearer ${lgsp.account('developer').token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({
      name: 'Tra cứu một cửa (trình diễn)', redirect_uris: ['http://127.0.0.1/cb'], token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: openssl('x509', '-in', 'own.pem', '-noout', '-subject', '-nameopt', 'RFC2253').replace('subject=', '').trim(),
      tls_client_certificate_bound_access_tokens: true,
    }),
  })
  assert.equal(registered.status, 200, await registered.text())
})
after(async () => {
  await lgsp?.stop()
  rmSync(dir, { recursive: true, force: true })
})

/** The client as openid-client knows it, with a certificate. */
const discover = (name) => client.discovery(new URL(lgsp.info.issuer), id, { use_mtls_endpoint_aliases: true },
  client.TlsClientAuth(), { [client.customFetch]: fetchWith(name) })

const grant = async (name) => client.clientCredentialsGrant(await discover(name), { resource: lgsp.gateway + service })

const call = (name, origin, token) => fetchWith(name)(origin + file, { headers: { Authorization: `Bearer ${token}` } })

test('the addresses are https by themselves', () => {
  for (const address of [lgsp.portal, lgsp.gateway, lgsp.info.issuer]) assert.match(address, /^https:/)
})

test('a certificate gets a token that is bound to it', async () => {
  const config = await discover('own')
  assert.equal(config.serverMetadata().mtls_endpoint_aliases.token_endpoint, `${mtls}/oauth2/token`)
  const { access_token: token } = await grant('own')
  const thumbprint = createHash('sha256').update(new X509Certificate(read('own.pem')).raw).digest('base64url')
  assert.equal(JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).cnf['x5t#S256'], thumbprint)
  const told = await client.tokenIntrospection(config, token)
  assert.equal(told.active, true)
  assert.equal(told.cnf['x5t#S256'], thumbprint)

  assert.equal((await call('own', mtls, token)).status, 200)
  for (const [what, name, origin] of [['another certificate of the same name', 'other', mtls], ['no certificate', undefined, mtls], ['the other door', 'own', lgsp.gateway]]) {
    const answer = await call(name, origin, token)
    assert.equal(answer.status, 401, what)
    assert.equal((await answer.json()).code, 'token-certificate', what)
    assert.match(answer.headers.get('www-authenticate'), /error="invalid_token"/)
  }

  await client.tokenRevocation(config, token)
  await until('the gateway knows of the revocation', 5000, async () => (await call('own', mtls, token)).status === 401)
})

/** A 401 reaches the library's caller as its challenge. */
const refusedAsClient = (error) => error instanceof client.WWWAuthenticateChallengeError && error.status === 401

test('who has not the certificate gets no token', async () => {
  for (const name of ['stranger', undefined]) {
    await assert.rejects(grant(name), refusedAsClient, name)
  }
  const { client_secret: secret } = lgsp.info.application
  const config = await client.discovery(new URL(lgsp.info.issuer), id, secret, undefined, { [client.customFetch]: fetchWith('own') })
  await assert.rejects(client.clientCredentialsGrant(config, { resource: lgsp.gateway + service }), refusedAsClient)
})
