// The authorization server met by client libraries that others wrote:
// openid-client 6 and oauth4webapi, and a browser where a person takes part.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { importPKCS8 } from 'jose'
import * as strict from 'oauth4webapi'
import * as client from 'openid-client'
import { Browser } from './browser.mjs'
import { Platform, until } from './platform.mjs'

const service = '/so-noi-vu/nguoi-co-cong/v1'
const file = `${service}/ho-so/000138000002` // a made-up person: numbers that begin with 000 belong to nobody
const overHTTP = { execute: [client.allowInsecureRequests] } // the demo listens on localhost
const http = { [strict.allowInsecureRequests]: true }

let lgsp, browser, person, app, config, callback

/** The client's own web server, which the browser comes back to. */
class Callback {
  static start() {
    const c = new Callback()
    c.arrived = []
    c.server = createServer((request, response) => {
      const url = new URL(request.url, c.uri)
      if (url.pathname === '/cb') c.arrived.push(url)
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>client</title><h1>The client has it</h1>')
    })
    return new Promise((resolve) => c.server.listen(0, '127.0.0.1', () => {
      c.uri = `http://127.0.0.1:${c.server.address().port}/cb`
      resolve(c)
    }))
  }

  stop() {
    this.server.close()
    this.server.closeAllConnections()
  }
}

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  callback = await Callback.start()
  person = await browser.person()
  app = lgsp.info.application
  const registered = await lgsp.api('developer', 'PUT', `/applications/${app.client_id}`, {
    name: 'Tra cứu một cửa (trình diễn)', redirect_uris: ['http://127.0.0.1/cb'], // any port (RFC 8252 §7.3)
  })
  assert.equal(registered.status, 200, registered.text)
  config = await client.discovery(new URL(lgsp.info.issuer), app.client_id, app.client_secret, undefined, overHTTP)
})
after(async () => {
  await browser?.stop()
  callback?.stop()
  await lgsp?.stop()
})

/** Opens an authorization address as the citizen: signs in and answers where
 * asked, and gives the address that the client was called back at. */
async function authorize(page, url, answer = 'allow') {
  const before = callback.arrived.length
  await page.goto(url.href)
  if (page.url().startsWith(`${lgsp.portal}/sign-in`)) {
    const { email, password } = lgsp.account('citizen')
    await page.fill('input[name=email]', email)
    await page.fill('input[name=password]', password)
    await page.click('main form button[type=submit]')
    await page.waitForURL((now) => now.pathname === '/consent' || now.href.startsWith(callback.uri))
  }
  if (page.url().startsWith(`${lgsp.portal}/consent`)) {
    await page.click(`button[name=answer][value=${answer}]`)
    await page.waitForURL((now) => now.href.startsWith(callback.uri))
  }
  await until('the client is called back', 5000, () => callback.arrived.length > before)
  assert.equal(callback.arrived.length, before + 1, 'the client is called back once')
  assert.deepEqual(page.faults, [], page.url())
  return callback.arrived.at(-1)
}

/** A fresh answer to an authorization request, and what its code is redeemed with. */
async function code(more = {}, page = person) {
  const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: callback.uri, scope: 'openid offline_access', state: checks.expectedState,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256', ...more,
  })
  return { url: await authorize(page, url), checks }
}

async function tokens(more) {
  const { url, checks } = await code(more)
  return client.authorizationCodeGrant(config, url, checks)
}

/** Sends a form as it is: what no library would send. */
async function post(address, form, headers = {}) {
  const answer = await fetch(lgsp.info.issuer + address, { method: 'POST', headers, body: new URLSearchParams(form) })
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

const basic = (id, secret) => ({ Authorization: 'Basic ' + btoa(`${id}:${secret}`) })

/** Asserts an error of RFC 6749 §5.2: JSON, not to be kept. */
function refused(answer, status, error) {
  assert.equal(answer.body.error, error, JSON.stringify(answer.body))
  assert.equal(answer.status, status)
  assert.match(answer.headers.get('content-type'), /^application\/json/)
  assert.match(answer.headers.get('cache-control'), /no-store/)
  assert.equal(answer.headers.get('www-authenticate') !== null, status === 401, 'WWW-Authenticate goes with 401')
}

const gateway = (token) => lgsp.call(file, { Authorization: `Bearer ${token}` })

test('both discovery documents are accepted', async () => {
  const issuer = new URL(lgsp.info.issuer)
  for (const algorithm of ['oidc', 'oauth2']) {
    const server = await strict.processDiscoveryResponse(issuer, await strict.discoveryRequest(issuer, { algorithm, ...http }))
    assert.equal(server.issuer, lgsp.info.issuer)
    assert.equal(server.authorization_response_iss_parameter_supported, true)
    assert.deepEqual(server.code_challenge_methods_supported, ['S256'])
  }
})

for (const [name, authentication] of [['basic', client.ClientSecretBasic], ['post', client.ClientSecretPost]]) {
  test(`client_credentials with client_secret_${name} opens the gateway`, async () => {
    const as = await client.discovery(new URL(lgsp.info.issuer), app.client_id, undefined, authentication(app.client_secret), overHTTP)
    const granted = await client.clientCredentialsGrant(as, { resource: lgsp.gateway + service })
    assert.equal(granted.token_type, 'bearer')
    assert.equal(granted.refresh_token, undefined)
    const answer = await until('the token opens the gateway', 2000, async () => {
      const a = await gateway(granted.access_token)
      return a.status === 200 && a
    })
    assert.ok(answer.body.hoTen, answer.text)
  })
}

test('an access token is what RFC 9068 says, to a resource server’s library', async () => {
  const granted = await client.clientCredentialsGrant(config, { resource: lgsp.gateway + service })
  const server = config.serverMetadata()
  const request = new Request(lgsp.gateway + file, { headers: { Authorization: `Bearer ${granted.access_token}` } })
  const claims = await strict.validateJwtAccessToken(server, request, lgsp.gateway + service, http)
  assert.equal(claims.client_id, app.client_id)
  assert.equal(claims.sub, app.client_id)
})

test('a person signs in, allows, and the client learns who it is', async () => {
  const nonce = client.randomNonce()
  const { url, checks } = await code({ scope: 'openid profile email offline_access', nonce, max_age: '3600' })
  assert.equal(url.searchParams.get('iss'), lgsp.info.issuer, 'RFC 9207')
  const granted = await client.authorizationCodeGrant(config, url, { ...checks, expectedNonce: nonce, idTokenExpected: true, maxAge: 3600 })
  const claims = granted.claims()
  assert.equal(claims.aud, app.client_id)
  const info = await client.fetchUserInfo(config, granted.access_token, claims.sub)
  assert.equal(info.email, lgsp.account('citizen').email)
  assert.ok(info.name)
})

test('a person without scripts arrives as well', async () => {
  const page = await browser.person(390, { javaScriptEnabled: false })
  const { url, checks } = await code({ prompt: 'consent' }, page)
  const granted = await client.authorizationCodeGrant(config, url, checks)
  assert.ok(granted.access_token)
  await page.context().close()
})

test('prompt=login and max_age ask who signed in a moment ago, once', async () => {
  const page = await browser.person()
  let before = 0
  for (const more of [{}, { prompt: 'login' }, { max_age: '1' }]) {
    await until('the sign-in is older than max_age', 5000, () => Date.now() / 1000 >= before + 2)
    const { url, checks } = await code({ scope: 'openid', ...more }, page)
    const claims = (await client.authorizationCodeGrant(config, url, { ...checks, idTokenExpected: true, maxAge: 60 })).claims()
    assert.ok(claims.auth_time > before, JSON.stringify(more))
    before = claims.auth_time
  }
  const { url, checks } = await code({ scope: 'openid', max_age: '10000' }, page)
  const claims = (await client.authorizationCodeGrant(config, url, { ...checks, idTokenExpected: true, maxAge: 10000 })).claims()
  assert.equal(claims.auth_time, before, 'no sign-in that nobody asked for')
  await page.context().close()
})

test('a person who says no sends an error to the client', async () => {
  const state = client.randomState()
  const url = await authorize(person, client.buildAuthorizationUrl(config, {
    redirect_uri: callback.uri, scope: 'openid', state, prompt: 'consent',
    code_challenge: await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier()), code_challenge_method: 'S256',
  }), 'deny')
  await assert.rejects(client.authorizationCodeGrant(config, url, { expectedState: state }), { error: 'access_denied' })
})

test('oauth4webapi goes the same way, step by step', async () => {
  const issuer = new URL(lgsp.info.issuer)
  const server = await strict.processDiscoveryResponse(issuer, await strict.discoveryRequest(issuer, http))
  const { url, checks } = await code()
  const me = { client_id: app.client_id }
  const parameters = strict.validateAuthResponse(server, me, url, checks.expectedState)
  const answer = await strict.authorizationCodeGrantRequest(server, me, strict.ClientSecretBasic(app.client_secret), parameters,
    callback.uri, checks.pkceCodeVerifier, http)
  const granted = await strict.processAuthorizationCodeResponse(server, me, answer, { requireIdToken: true })
  await strict.validateApplicationLevelSignature(server, answer, http)
  const sub = strict.getValidatedIdTokenClaims(granted).sub
  const info = await strict.processUserInfoResponse(server, me, sub, await strict.userInfoRequest(server, me, granted.access_token, http))
  assert.equal(info.sub, sub)
})

test('a refresh token rotates, narrows, and its reuse ends the family', async () => {
  const first = await tokens({ resource: lgsp.gateway + service })
  await until('the first token opens the gateway', 2000, async () => (await gateway(first.access_token)).status === 200)
  const second = await client.refreshTokenGrant(config, first.refresh_token, { scope: 'offline_access' })
  assert.notEqual(second.refresh_token, first.refresh_token)
  assert.equal(second.scope ?? 'offline_access', 'offline_access')
  assert.equal((await gateway(second.access_token)).status, 200)
  await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), { error: 'invalid_grant' })
  await assert.rejects(client.refreshTokenGrant(config, second.refresh_token), { error: 'invalid_grant' }, 'the family is dead')
  for (const token of [first.access_token, second.access_token]) {
    await until('the gateway refuses the family', 1000, async () => (await gateway(token)).status === 401)
  }
})

test('a revocation reaches the gateway within a second', async () => {
  const granted = await client.clientCredentialsGrant(config, { resource: lgsp.gateway + service })
  await until('the token opens the gateway', 2000, async () => (await gateway(granted.access_token)).status === 200)
  await client.tokenRevocation(config, granted.access_token)
  await until('the gateway refuses it', 1000, async () => (await gateway(granted.access_token)).status === 401)
  assert.equal((await client.tokenIntrospection(config, granted.access_token)).active, false)
  await client.tokenRevocation(config, 'never issued')
})

test('introspection tells a client of its own tokens', async () => {
  const granted = await tokens({ resource: lgsp.gateway + service })
  const access = await client.tokenIntrospection(config, granted.access_token)
  assert.equal(access.active, true)
  assert.equal(access.client_id, app.client_id)
  assert.equal(access.aud, lgsp.gateway + service)
  await client.tokenRevocation(config, granted.refresh_token, { token_type_hint: 'refresh_token' })
  assert.equal((await client.tokenIntrospection(config, granted.access_token)).active, false, 'the access token went with it')
  await assert.rejects(client.refreshTokenGrant(config, granted.refresh_token), { error: 'invalid_grant' })
})

test('errors of the token endpoint (RFC 6749 §5.2)', async (t) => {
  const me = basic(app.client_id, app.client_secret)
  const rows = {
    'wrong secret': [{ grant_type: 'client_credentials' }, basic(app.client_id, app.client_secret.replace(/.$/, '_')), 401, 'invalid_client'],
    'wrong secret in the body': [{ grant_type: 'client_credentials', client_id: app.client_id, client_secret: 'x' }, {}, 401, 'invalid_client'],
    'unknown client': [{ grant_type: 'client_credentials' }, basic(crypto.randomUUID(), 'x'), 401, 'invalid_client'],
    'no client': [{ grant_type: 'client_credentials' }, {}, 401, 'invalid_client'],
    'unknown grant': [{ grant_type: 'password', username: 'x', password: 'x' }, me, 400, 'unsupported_grant_type'],
    'no grant': [{}, me, 400, 'invalid_request'],
    'a parameter twice': [[['grant_type', 'client_credentials'], ['grant_type', 'client_credentials']], me, 400, 'invalid_request'],
    'two credentials': [{ grant_type: 'client_credentials', client_secret: app.client_secret }, me, 400, 'invalid_request'],
    'unknown scope': [{ grant_type: 'client_credentials', scope: 'all' }, me, 400, 'invalid_scope'],
    'no agreement': [{ grant_type: 'client_credentials', resource: 'https://elsewhere.example/' }, me, 400, 'invalid_target'],
    'a code that never was': [{ grant_type: 'authorization_code', code: 'x', redirect_uri: callback.uri, code_verifier: 'x'.repeat(43) }, me, 400, 'invalid_grant'],
    'a refresh token that never was': [{ grant_type: 'refresh_token', refresh_token: 'x' }, me, 400, 'invalid_grant'],
  }
  for (const [name, [form, headers, status, error]] of Object.entries(rows)) {
    await t.test(name, async () => refused(await post('/oauth2/token', form, headers), status, error))
  }
})

test('a code is one client’s, one address’s, one verifier’s, once and for a minute', async () => {
  const me = basic(app.client_id, app.client_secret)
  const redeem = (answer, more = {}, as = me) => post('/oauth2/token', {
    grant_type: 'authorization_code', code: answer.url.searchParams.get('code'), redirect_uri: callback.uri,
    code_verifier: answer.checks.pkceCodeVerifier, ...more,
  }, as)
  const made = await lgsp.api('citizen', 'POST', '/applications', { name: 'Ứng dụng khác', redirect_uris: ['http://127.0.0.1/cb'] })
  assert.equal(made.status, 201, made.text)
  const foreign = basic(made.body.id, made.body.credentials.find((c) => c.kind === 'client_secret').secret)

  const answer = await code()
  refused(await redeem(answer, {}, foreign), 400, 'invalid_grant')
  refused(await redeem(answer, { redirect_uri: callback.uri + '/other' }), 400, 'invalid_grant')
  refused(await redeem(answer, { code_verifier: client.randomPKCECodeVerifier() }), 400, 'invalid_grant')
  refused(await redeem(answer, { code_verifier: '' }), 400, 'invalid_grant')
  const granted = await redeem(answer)
  assert.equal(granted.status, 200, JSON.stringify(granted.body))
  refused(await redeem(answer), 400, 'invalid_grant')
  refused(await post('/oauth2/token', { grant_type: 'refresh_token', refresh_token: granted.body.refresh_token }, me), 400, 'invalid_grant')

  const late = await code()
  await lgsp.sql(`update auth.oauth_code set expires_at = now() - interval '1 second' where used_at is null`)
  refused(await redeem(late), 400, 'invalid_grant')
})

test('an address that is not registered is not redirected to', async () => {
  const challenge = await client.calculatePKCECodeChallenge(client.randomPKCECodeVerifier())
  for (const [name, change] of Object.entries({
    'another path': { redirect_uri: callback.uri + '/other' },
    'another host': { redirect_uri: 'https://elsewhere.example/cb' },
    'a user name': { redirect_uri: callback.uri.replace('//', '//user@') },
    'another client': { client_id: crypto.randomUUID() },
  })) {
    const url = client.buildAuthorizationUrl(config, { redirect_uri: callback.uri, scope: 'openid', code_challenge: challenge, code_challenge_method: 'S256', ...change })
    const answer = await fetch(url, { redirect: 'manual' })
    assert.equal(answer.status, 400, name)
    assert.equal(answer.headers.get('location'), null, name)
  }
})

test('errors that the client is told of at its address', async () => {
  const good = { redirect_uri: callback.uri, scope: 'openid', response_type: 'code', state: 's', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256' }
  for (const [name, [change, error]] of Object.entries({
    'no challenge': [{ code_challenge: '' }, 'invalid_request'],
    'a plain challenge': [{ code_challenge_method: 'plain' }, 'invalid_request'],
    'the implicit grant': [{ response_type: 'token' }, 'unsupported_response_type'],
    'a request object': [{ request: 'a.b.c' }, 'request_not_supported'],
    'a request object elsewhere': [{ request_uri: 'https://elsewhere.example/r' }, 'request_uri_not_supported'],
    'an unknown scope': [{ scope: 'openid all' }, 'invalid_scope'],
    'nobody signed in': [{ prompt: 'none' }, 'login_required'],
  })) {
    const url = client.buildAuthorizationUrl(config, { ...good, ...change })
    const answer = await fetch(url, { redirect: 'manual' })
    const back = new URL(answer.headers.get('location') ?? lgsp.portal)
    assert.ok(back.href.startsWith(callback.uri), `${name}: ${answer.status} ${back}`)
    assert.equal(back.searchParams.get('error'), error, name)
    assert.equal(back.searchParams.get('iss'), lgsp.info.issuer, name)
    assert.equal(back.searchParams.get('state'), 's', name)
  }
})

test('userinfo takes a person’s token from the header and nothing else', async () => {
  const machine = await client.clientCredentialsGrant(config, { resource: lgsp.gateway + service })
  const address = lgsp.info.issuer + '/oauth2/userinfo'
  for (const [name, [url, headers, status]] of Object.entries({
    'nothing': [address, {}, 401],
    'nonsense': [address, { Authorization: 'Bearer x' }, 401],
    'a token for elsewhere': [address, { Authorization: `Bearer ${machine.access_token}` }, 401],
    'a token in the address': [`${address}?access_token=${machine.access_token}`, {}, 401],
  })) {
    const answer = await fetch(url, { headers })
    assert.equal(answer.status, status, name)
    assert.match(answer.headers.get('www-authenticate'), /^Bearer/, name)
  }
})

/** Sets the public half of fresh keys, and gives the private ones by kid. */
async function setKeys(algorithms) {
  const pairs = {}
  const keys = []
  for (const [kid, algorithm] of Object.entries(algorithms)) {
    const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    pairs[kid] = { key: privateKey, kid }
    keys.push({ ...await crypto.subtle.exportKey('jwk', publicKey), kid })
  }
  const answer = await lgsp.api('developer', 'PUT', `/applications/${app.client_id}/keys`, { keys })
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(answer.body.items.map((k) => k.kid), Object.keys(algorithms).sort())
  return pairs
}

test('a client proves itself by its own key (private_key_jwt)', async () => {
  const pairs = await setKeys({
    es: { name: 'ECDSA', namedCurve: 'P-256' },
    ps: { name: 'RSA-PSS', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    ed: { name: 'Ed25519' },
  })
  const server = config.serverMetadata()
  assert.ok(server.token_endpoint_auth_methods_supported.includes('private_key_jwt'))
  const me = { client_id: app.client_id }
  const resource = lgsp.gateway + service
  for (const [kid, pair] of Object.entries(pairs)) {
    for (const key of [pair, pair.key]) { // with a kid in the header and without
      const answer = await strict.clientCredentialsGrantRequest(server, me, strict.PrivateKeyJwt(key), { resource }, http)
      assert.ok((await strict.processClientCredentialsResponse(server, me, answer)).access_token, kid)
    }
    const as = await client.discovery(new URL(lgsp.info.issuer), app.client_id, undefined, client.PrivateKeyJwt(pair), overHTTP)
    const granted = await client.clientCredentialsGrant(as, { resource })
    await until('the token opens the gateway', 2000, async () => (await gateway(granted.access_token)).status === 200)
    assert.equal((await client.tokenIntrospection(as, granted.access_token)).active, true)
    await client.tokenRevocation(as, granted.access_token)
  }

  let sent
  const record = (change) => strict.PrivateKeyJwt(pairs.es, { [strict.modifyAssertion]: (header, payload) => { change(payload); sent = payload } })
  const ask = async (authentication) => {
    const answer = await strict.clientCredentialsGrantRequest(server, me, authentication, { resource }, http)
    return { status: answer.status, headers: answer.headers, body: await answer.json() }
  }
  assert.equal((await ask(record(() => {}))).status, 200)
  const { jti } = sent
  refused(await ask(record((p) => { p.jti = jti })), 401, 'invalid_client')
  refused(await ask(record((p) => { p.aud = server.token_endpoint })), 401, 'invalid_client')
  refused(await ask(record((p) => { p.aud = [server.issuer] })), 401, 'invalid_client')
  refused(await ask(record((p) => { p.exp -= 3600 })), 401, 'invalid_client')
  refused(await ask(record((p) => { p.exp += 3600 })), 401, 'invalid_client')
  await setKeys({ es: { name: 'ECDSA', namedCurve: 'P-256' } })
  const answer = await until('the key that was taken away is forgotten', 2000, async () => {
    const a = await ask(strict.PrivateKeyJwt(pairs.es))
    return a.status !== 200 && a
  })
  refused(answer, 401, 'invalid_client')
})

/** Headers of a call with a bound token, as oauth4webapi makes them, not sent. */
async function boundCall(token, pair, url, nonce) {
  const DPoP = strict.DPoP({ client_id: app.client_id }, pair, { [strict.modifyAssertion]: (_, payload) => { payload.nonce = nonce } })
  let headers
  const caught = (_, options) => { headers = options.headers; return new Response('{}') }
  await strict.protectedResourceRequest(token, 'GET', new URL(url), undefined, undefined, { ...http, DPoP, [strict.customFetch]: caught })
  return Object.fromEntries(new Headers(headers))
}

test('a machine’s token is bound to its key (DPoP)', async () => {
  const resource = lgsp.gateway + service
  const url = new URL(lgsp.gateway + file)
  assert.ok(config.serverMetadata().dpop_signing_alg_values_supported.includes('ES256'))
  for (const algorithm of ['ES256', 'PS256', 'Ed25519']) {
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair(algorithm))
    const granted = await client.clientCredentialsGrant(config, { resource }, { DPoP }) // openid-client takes the nonce and asks again
    assert.equal(granted.token_type, 'dpop')
    const answer = await client.fetchProtectedResource(config, granted.access_token, url, 'GET', undefined, undefined, { DPoP })
    assert.equal(answer.status, 200)
    assert.ok((await answer.json()).hoTen)
  }

  const pair = await client.randomDPoPKeyPair('ES256')
  const DPoP = client.getDPoPHandle(config, pair)
  const { access_token } = await client.clientCredentialsGrant(config, { resource }, { DPoP })
  const first = await lgsp.call(file, await boundCall(access_token, pair, url))
  assert.equal(first.status, 401)
  assert.equal(first.body.code, 'dpop-nonce')
  assert.match(first.headers.get('www-authenticate'), /^DPoP .*error="use_dpop_nonce".*algs="ES256 /)
  const nonce = first.headers.get('dpop-nonce')
  const good = await boundCall(access_token, pair, url, nonce)
  const request = new Request(url, { headers: good }) // what a resource server's library says of token and proof
  assert.equal((await strict.validateJwtAccessToken(config.serverMetadata(), request, resource, { ...http, requireDPoP: true })).client_id, app.client_id)
  const refusals = {
    'dpop-absent': { Authorization: `Bearer ${access_token}` }, // stolen
    'dpop-key': await boundCall(access_token, await client.randomDPoPKeyPair('ES256'), url, nonce), // stolen, with the thief's key
    'dpop-address': await boundCall(access_token, pair, lgsp.gateway + service, nonce),
    'dpop-token': { ...await boundCall('another token', pair, url, nonce), authorization: `DPoP ${access_token}` },
  }
  for (const [code, headers] of Object.entries(refusals)) {
    const answer = await lgsp.call(file, headers)
    assert.equal(answer.body.code, code)
    assert.equal(answer.status, 401)
  }
  assert.equal((await lgsp.call(file, good)).status, 200)
  assert.equal((await lgsp.call(file, good)).body.code, 'dpop-replayed')

  const told = await client.tokenIntrospection(config, access_token)
  assert.equal(told.token_type, 'DPoP')
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey)
  const sum = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify({ crv, kty, x, y })))
  assert.equal(told.cnf.jkt, Buffer.from(sum).toString('base64url'))
})

test('a person’s tokens are bound to the key that the request was pushed with (PAR and DPoP)', async () => {
  const pair = await client.randomDPoPKeyPair('ES256')
  const DPoP = client.getDPoPHandle(config, pair)
  const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }
  const url = await client.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: callback.uri, scope: 'openid email offline_access lgsp.manage', state: checks.expectedState, prompt: 'consent',
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
  }, { DPoP })
  const back = await authorize(person, url)
  await assert.rejects(client.authorizationCodeGrant(config, back, checks), { error: 'invalid_grant' }, 'a stolen code')
  const thief = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  await assert.rejects(client.authorizationCodeGrant(config, back, checks, undefined, { DPoP: thief }), { error: 'invalid_grant' })
  const granted = await client.authorizationCodeGrant(config, back, checks, undefined, { DPoP })
  assert.equal(granted.token_type, 'dpop')
  const { sub } = granted.claims()
  assert.equal((await client.fetchUserInfo(config, granted.access_token, sub, { DPoP })).email, lgsp.account('citizen').email)
  await assert.rejects(client.fetchUserInfo(config, granted.access_token, sub))
  const fresh = await client.refreshTokenGrant(config, granted.refresh_token, undefined, { DPoP })
  assert.equal(fresh.token_type, 'dpop')
  const me = await client.fetchProtectedResource(config, fresh.access_token, new URL(`${lgsp.portal}/api/v1/me`), 'GET', undefined, undefined, { DPoP })
  assert.equal(me.status, 200)
  const stolen = await lgsp.api(fresh.access_token, 'GET', '/me')
  assert.equal(stolen.status, 401)
  assert.equal(stolen.body.code, 'dpop-absent')
})

test('an application that has chosen bound tokens gets no others', async () => {
  const register = async (dpop_bound_access_tokens) => {
    const answer = await lgsp.api('developer', 'PUT', `/applications/${app.client_id}`, {
      name: 'Tra cứu một cửa (trình diễn)', redirect_uris: ['http://127.0.0.1/cb'], dpop_bound_access_tokens,
    })
    assert.equal(answer.status, 200, answer.text)
  }
  await register(true)
  const form = { grant_type: 'client_credentials', resource: lgsp.gateway + service }
  const ask = () => post('/oauth2/token', form, basic(app.client_id, app.client_secret))
  refused(await until('the server has heard of it', 2000, async () => {
    const answer = await ask()
    return answer.status !== 200 && answer
  }), 400, 'invalid_dpop_proof')
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  assert.equal((await client.clientCredentialsGrant(config, { resource: form.resource }, { DPoP })).token_type, 'dpop')
  await register(false)
  await until('the server has heard of it', 2000, async () => (await ask()).status === 200)
})

test('a client pushes its request first (PAR)', async () => {
  const register = async (pushed_only) => {
    const answer = await lgsp.api('developer', 'PUT', `/applications/${app.client_id}`, {
      name: 'Tra cứu một cửa (trình diễn)', redirect_uris: ['http://127.0.0.1/cb'], require_pushed_authorization_requests: pushed_only,
    })
    assert.equal(answer.status, 200, answer.text)
  }
  const pushed = async () => {
    const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState() }
    return { checks, url: await client.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: callback.uri, scope: 'openid', state: checks.expectedState, prompt: 'consent',
      code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
    }) }
  }
  await register(true)
  for (const javaScriptEnabled of [true, false]) { // somebody who signs in on the way
    const page = await browser.person(1280, { javaScriptEnabled })
    const { url, checks } = await pushed()
    await page.goto(url.href) // and loads the page again
    assert.deepEqual([...url.searchParams.keys()].sort(), ['client_id', 'request_uri'].sort())
    const back = await authorize(page, url)
    assert.ok((await client.authorizationCodeGrant(config, back, checks)).access_token)
    const again = await fetch(url, { redirect: 'manual' })
    assert.equal(again.status, 400)
    assert.equal((await again.json()).error, 'invalid_request_uri')
    await page.context().close()
  }
  const plain = client.buildAuthorizationUrl(config, {
    redirect_uri: callback.uri, scope: 'openid', code_challenge: 'x'.repeat(43), code_challenge_method: 'S256',
  })
  const answer = await fetch(plain, { redirect: 'manual' })
  assert.equal(new URL(answer.headers.get('location')).searchParams.get('error'), 'invalid_request')
  await assert.rejects(client.buildAuthorizationUrlWithPAR(config, { redirect_uri: callback.uri, scope: 'all' }), { error: 'invalid_scope' })
  await register(false)
})

test('a key set in PEM, as openssl writes it, proves the client', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'lgsp-keys-'))
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, encoding: 'utf8', stdio: 'pipe' })
  openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'ec.pem')
  openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'rsa.pem')
  const [made, other] = await Promise.all(['ec.pem', 'rsa.pem'].map((name) => readFile(path.join(dir, name), 'utf8')))
  const certificate = openssl('req', '-x509', '-new', '-key', 'rsa.pem', '-subj', '/CN=may-chu-01', '-days', '1', '-text')
  const publicKey = openssl('pkey', '-in', 'ec.pem', '-pubout')
  await rm(dir, { recursive: true })
  const set = (body) => lgsp.api('developer', 'PUT', `/applications/${app.client_id}/keys`, body)
  for (const pem of [made, `${certificate}${other}`]) assert.equal((await set({ pem })).body.errors[0].code, 'jwk-private')
  const answer = await set({ pem: publicKey + certificate })
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual(answer.body.items.map((k) => k.jwk.alg).sort(), ['ES256', 'PS256'])
  for (const [pem, algorithm] of [[made, 'ES256'], [other, 'PS256']]) {
    const key = await importPKCS8(pem, algorithm)
    const { kid } = answer.body.items.find((k) => k.jwk.alg === algorithm)
    const as = await client.discovery(new URL(lgsp.info.issuer), app.client_id, undefined, client.PrivateKeyJwt({ key, kid }), overHTTP)
    await until(`the ${algorithm} key is known`, 2000, () => client.clientCredentialsGrant(as, { resource: lgsp.gateway + service }).then((a) => a.access_token, () => false))
  }
})

test('a key that will not do is refused with the reason', async () => {
  const jwk = async (algorithm, half) => crypto.subtle.exportKey('jwk', (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']))[half])
  const set = async (...keys) => (await lgsp.api('developer', 'PUT', `/applications/${app.client_id}/keys`, { keys })).body.errors?.[0].code
  const p256 = { name: 'ECDSA', namedCurve: 'P-256' }
  assert.equal(await set(await jwk(p256, 'privateKey')), 'jwk-private')
  assert.equal(await set(await jwk({ name: 'ECDSA', namedCurve: 'P-384' }, 'publicKey')), 'jwk-form')
  const good = { ...await jwk(p256, 'publicKey'), kid: 'a' }
  assert.equal(await set(good, good), 'jwk-kid')
  assert.equal(await set(...Array(6).fill(good)), 'jwk-many')
  assert.equal((await lgsp.api('citizen', 'PUT', `/applications/${app.client_id}/keys`, { keys: [] })).status, 404)
})
