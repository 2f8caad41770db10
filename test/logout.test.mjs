// Signing out, met by a relying party that others' code keeps honest:
// openid-client builds its requests, jose judges the logout tokens it is sent.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import * as client from 'openid-client'
import { accessible, Browser } from './browser.mjs'
import { Platform, until } from './platform.mjs'

const overHTTP = { execute: [client.allowInsecureRequests] } // the demo listens on localhost
const event = 'http://schemas.openid.net/event/backchannel-logout'

/** A web application with sessions of its own, which begin by OpenID Connect
 * and end when it is told (Back-Channel Logout 1.0 §2.6). */
class RelyingParty {
  static async start() {
    const rp = new RelyingParty()
    rp.sessions = new Map() // sid → tokens
    rp.heard = []
    rp.refused = []
    rp.server = createServer((request, response) => rp.serve(request, response).catch((error) => {
      rp.refused.push(String(error))
      response.writeHead(400).end()
    }))
    await new Promise((resolve) => rp.server.listen(0, '127.0.0.1', resolve))
    rp.origin = `http://127.0.0.1:${rp.server.address().port}`
    return rp
  }

  async serve(request, response) {
    const url = new URL(request.url, this.origin)
    let body = ''
    for await (const part of request) body += part
    if (url.pathname === '/logout' && request.method === 'POST') {
      await this.hear(new URLSearchParams(body).get('logout_token'))
      response.writeHead(200, { 'Cache-Control': 'no-store' }).end()
      return
    }
    if (url.pathname === '/cb') this.back = url
    if (url.pathname === '/bye') this.bye = url
    response.writeHead(200, { 'Content-Type': 'text/html' }).end(`<!doctype html><title>rp</title><h1>${url.pathname}</h1>${this.html ?? ''}`)
  }

  async hear(token) {
    const { payload } = await jwtVerify(token, this.keys, {
      issuer: this.config.serverMetadata().issuer, audience: this.clientID, typ: 'logout+jwt', requiredClaims: ['iat', 'exp', 'jti', 'events'], algorithms: ['ES256'],
    })
    assert.deepEqual(payload.events, { [event]: {} })
    assert.equal(payload.nonce, undefined)
    assert.ok(payload.exp - payload.iat <= 120)
    assert.ok(payload.sub || payload.sid)
    this.heard.push(payload)
    if (payload.sid) this.sessions.delete(payload.sid)
    else for (const [sid, t] of this.sessions) if (t.claims().sub === payload.sub) this.sessions.delete(sid)
  }

  /** Lets whoever sits at the page enter, and gives their tokens. */
  async enter(page, scope = 'openid profile', role = 'citizen') {
    const verifier = client.randomPKCECodeVerifier()
    const state = client.randomState()
    this.back = undefined
    await page.goto(client.buildAuthorizationUrl(this.config, {
      redirect_uri: `${this.origin}/cb`, scope, state, code_challenge: await client.calculatePKCECodeChallenge(verifier), code_challenge_method: 'S256',
    }).href)
    if (page.url().startsWith(`${lgsp.portal}/sign-in`)) {
      const { email, password } = lgsp.account(role)
      await page.fill('input[name=email]', email)
      await page.fill('input[name=password]', password)
      await page.click('main form button[type=submit]')
      await page.waitForURL((now) => now.pathname === '/consent' || now.href.startsWith(this.origin))
    }
    if (page.url().startsWith(`${lgsp.portal}/consent`)) {
      await page.click('button[name=answer][value=allow]')
      await page.waitForURL((now) => now.href.startsWith(this.origin))
    }
    const tokens = await client.authorizationCodeGrant(this.config, this.back, { pkceCodeVerifier: verifier, expectedState: state })
    assert.ok(tokens.claims().sid)
    this.sessions.set(tokens.claims().sid, tokens)
    return tokens
  }

  ended(tokens) {
    return until('the application is told', 8000, () => !this.sessions.has(tokens.claims().sid))
  }

  stop() {
    this.server.close()
    this.server.closeAllConnections()
  }
}

let lgsp, browser, rp

before(async () => {
  process.env.LGSP_EGRESS_ALLOW = '127.0.0.1/32' // where the relying party listens
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  rp = await RelyingParty.start()
  const app = lgsp.info.application
  rp.clientID = app.client_id
  const registered = await lgsp.api('developer', 'PUT', `/applications/${app.client_id}`, {
    name: 'Một cửa (trình diễn)', redirect_uris: [`${rp.origin}/cb`],
    post_logout_redirect_uris: [`${rp.origin}/bye`], backchannel_logout_uri: `${rp.origin}/logout`,
  })
  assert.equal(registered.status, 200, registered.text)
  rp.config = await client.discovery(new URL(lgsp.info.issuer), app.client_id, app.client_secret, undefined, overHTTP)
  rp.keys = createRemoteJWKSet(new URL(rp.config.serverMetadata().jwks_uri))
})
after(async () => {
  await browser?.stop()
  rp?.stop()
  await lgsp?.stop()
})

const signedIn = async (page) => {
  const answer = await page.request.get('/account/sessions', { maxRedirects: 0 })
  return answer.status() === 200
}

const endSession = (parameters) => client.buildEndSessionUrl(rp.config, parameters)

test('what discovery promises of signing out', () => {
  const server = rp.config.serverMetadata()
  assert.equal(server.end_session_endpoint, `${lgsp.info.issuer}/oauth2/logout`)
  assert.equal(server.backchannel_logout_supported, true)
  assert.equal(server.backchannel_logout_session_supported, true)
  assert.equal(server.frontchannel_logout_supported, undefined)
  assert.equal(server.check_session_iframe, undefined)
  assert.ok(server.claims_supported.includes('sid'))
})

test('an application signs a person out, and is told of it itself', async () => {
  const page = await browser.person()
  const tokens = await rp.enter(page, 'openid offline_access')
  const state = client.randomState()
  await page.goto(endSession({ id_token_hint: tokens.id_token, post_logout_redirect_uri: `${rp.origin}/bye`, state }).href)
  assert.equal(page.url(), `${rp.origin}/bye?state=${state}`)
  assert.equal(await signedIn(page), false)
  await rp.ended(tokens)
  assert.equal(rp.heard.at(-1).sub, tokens.claims().sub)
  assert.equal(rp.heard.at(-1).sid, tokens.claims().sid)
  const again = await client.refreshTokenGrant(rp.config, tokens.refresh_token) // offline_access: it goes on
  assert.ok(again.access_token)
  assert.deepEqual(rp.refused, [])
})

test('signing out on the portal ends what the session gave', async () => {
  const page = await browser.person()
  const tokens = await rp.enter(page, 'openid')
  assert.equal((await client.tokenIntrospection(rp.config, tokens.access_token)).active, true)
  await page.goto('/account/sessions')
  await page.click('header form[action="/sign-out"] button, form[action="/sign-out"] button')
  await rp.ended(tokens)
  assert.equal((await client.tokenIntrospection(rp.config, tokens.access_token)).active, false)
})

for (const [name, options] of [['with scripts', {}], ['without scripts', { javaScriptEnabled: false }]]) {
  test(`without an ID token the person is asked, ${name}`, async () => {
    const page = await browser.person(390, options)
    await rp.enter(page, 'openid')
    for (const language of ['vi', 'en']) {
      await page.goto(endSession({ post_logout_redirect_uri: `${rp.origin}/bye`, state: 'x', ui_locales: language }).href)
      assert.equal(new URL(page.url()).pathname, language === 'vi' ? '/sign-out' : '/en/sign-out')
      if (name === 'with scripts') await accessible(page)
      assert.equal(await signedIn(page), true)
    }
    await page.click('main form button[type=submit]')
    await page.waitForURL(`${rp.origin}/bye?state=x`)
    assert.equal(await signedIn(page), false)
    await page.goto(endSession({ ui_locales: 'en' }).href.replace(/client_id=[^&]*/, ''))
    assert.equal(page.url(), `${lgsp.portal}/en/signed-out`)
    if (name === 'with scripts') await accessible(page)
  })
}

test('a form that the application’s page sends signs out too', async () => {
  const page = await browser.person()
  const tokens = await rp.enter(page, 'openid')
  rp.html = `<form method="post" action="${lgsp.info.issuer}/oauth2/logout"><input name="id_token_hint" value="${tokens.id_token}">
    <input name="post_logout_redirect_uri" value="${rp.origin}/bye"><button>out</button></form>`
  await page.goto(`${rp.origin}/form`)
  rp.html = ''
  await page.click('button')
  await page.waitForURL(`${rp.origin}/bye`)
  assert.equal(await signedIn(page), false)
  await rp.ended(tokens)
})

test('nobody is signed out by a picture, a link or another person’s ID token', async () => {
  const [mine, theirs] = [await browser.person(), await browser.person()]
  const tokens = await rp.enter(mine, 'openid')
  const stranger = await rp.enter(theirs, 'openid', 'developer')
  rp.html = `<img src="${endSession({ post_logout_redirect_uri: `${rp.origin}/bye` }).href.replaceAll('&', '&amp;')}" alt="">`
  await mine.goto(`${rp.origin}/picture`, { waitUntil: 'networkidle' })
  rp.html = ''
  assert.equal(await signedIn(mine), true)
  await mine.goto(endSession({ id_token_hint: stranger.id_token, post_logout_redirect_uri: `${rp.origin}/bye` }).href)
  assert.equal(new URL(mine.url()).pathname, '/sign-out')
  for (const wrong of [
    { id_token_hint: tokens.id_token, post_logout_redirect_uri: 'https://evil.example/' },
    { id_token_hint: tokens.id_token.slice(0, -4) + 'AAAA' },
    { post_logout_redirect_uri: `${rp.origin}/bye?more` },
  ]) {
    const answer = await mine.goto(endSession(wrong).href)
    assert.equal(answer.status(), 400)
    assert.ok(await mine.textContent('h1'))
    assert.ok(mine.url().startsWith(lgsp.info.issuer), mine.url())
  }
  await accessible(mine)
  assert.equal(await signedIn(mine), true)
  assert.equal(await signedIn(theirs), true)
})

test('a person sees where they are signed in, and ends it', async () => {
  const agent = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1'
  const [desk, phone] = [await browser.person(), await browser.person(390, { userAgent: agent })]
  await rp.enter(desk, 'openid')
  const tokens = await rp.enter(phone, 'openid')
  for (const [page, address] of [[desk, '/account/sessions'], [desk, '/en/account/sessions'], [phone, '/account/sessions'], [phone, '/en/account/sessions']]) {
    await page.goto(address)
    await accessible(page)
  }
  await desk.goto('/account/sessions')
  assert.match(await desk.textContent('main'), /Safari trên iPhone/)
  await desk.locator('tr', { hasText: 'Safari trên iPhone' }).first().locator('button').click()
  await rp.ended(tokens)
  assert.equal(await signedIn(phone), false)
  assert.equal(await signedIn(desk), true)
  const third = await browser.person()
  await rp.enter(third, 'openid')
  const list = await lgsp.api('citizen', 'GET', '/me/sessions')
  assert.ok(list.body.items.length >= 2, list.text)
  await desk.goto('/account/sessions')
  await desk.click('form[action$="/end-others"] button')
  assert.equal(await signedIn(third), false)
  assert.equal(await signedIn(desk), true)
})

test('a person sees what they allowed, and takes it back', async () => {
  const page = await browser.person(390)
  const tokens = await rp.enter(page, 'openid profile email offline_access')
  for (const address of ['/account/consents', '/en/account/consents']) {
    await page.goto(address)
    await accessible(page)
  }
  await page.goto('/account/consents')
  assert.match(await page.textContent('main'), /Một cửa \(trình diễn\)[^]*Xem địa chỉ thư điện tử của bạn/)
  assert.equal((await lgsp.api('citizen', 'GET', '/me/consents')).body.items[0].client_id, rp.clientID)
  await page.click('form[action$="/revoke"] button')
  await assert.rejects(client.refreshTokenGrant(rp.config, tokens.refresh_token), (error) => error.error === 'invalid_grant')
  assert.equal((await client.tokenIntrospection(rp.config, tokens.access_token)).active, false)
  await page.goto(client.buildAuthorizationUrl(rp.config, {
    redirect_uri: `${rp.origin}/cb`, scope: 'openid email', code_challenge: await client.calculatePKCECodeChallenge('v'.repeat(43)), code_challenge_method: 'S256',
  }).href)
  assert.equal(new URL(page.url()).pathname, '/consent', 'asked anew')
  await accessible(page)
  assert.equal((await lgsp.api('citizen', 'DELETE', `/me/consents/${rp.clientID}`)).status, 404)
})

test('a request that can be sent nowhere is explained to people, and JSON to programs', async () => {
  const address = client.buildAuthorizationUrl(rp.config, { redirect_uri: 'https://evil.example/', scope: 'openid' }).href
  const page = await browser.person(390, { locale: 'en-GB' })
  const answer = await page.goto(address)
  assert.equal(answer.status(), 400)
  assert.equal(await page.textContent('h1'), 'The address to return to is not registered')
  await accessible(page)
  const program = await fetch(address, { redirect: 'manual' })
  assert.equal(program.status, 400)
  assert.equal((await program.json()).error, 'invalid_request')
})

test('an owner sees what their application could not be told', async () => {
  const page = await browser.person()
  const tokens = await rp.enter(page, 'openid')
  rp.server.close()
  rp.server.closeAllConnections()
  await lgsp.api('citizen', 'DELETE', '/me/sessions')
  const list = await until('the failure is noted', 8000, async () => {
    const answer = await lgsp.api('developer', 'GET', `/applications/${rp.clientID}/logout-notices`)
    return answer.body.items.find((n) => n.failure && n.sid === tokens.claims().sid)
  })
  assert.equal(list.failure, 'unreachable')
  assert.equal((await lgsp.api('citizen', 'GET', `/applications/${rp.clientID}/logout-notices`)).status, 404)
})
