// Devices without a browser, applications that register themselves, and
// officials who act through an application, as client libraries that others
// wrote do it, with the pages in a real browser.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as strict from 'oauth4webapi'
import * as client from 'openid-client'
import { accessible, Browser } from './browser.mjs'
import { Platform, until } from './platform.mjs'

const grant = 'urn:ietf:params:oauth:grant-type:device_code'
const overHTTP = { execute: [client.allowInsecureRequests] } // the demo listens on localhost
const http = { [strict.allowInsecureRequests]: true }

let lgsp, browser

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

/** A client that registers itself with openid-client. */
const registered = (metadata, authentication) => client.dynamicClientRegistration(new URL(lgsp.info.issuer), metadata, authentication, {
  ...overHTTP, initialAccessToken: lgsp.info.registration_token,
})

for (const [width, locale, javaScriptEnabled] of [[1280, '', true], [390, '/en', false]]) {
  test(`a device is let in on the page ${locale}/device at ${width} px`, async () => {
    const config = await registered({ client_name: 'Trạm tra cứu', token_endpoint_auth_method: 'none', grant_types: [grant] }, client.None())
    const asked = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
    assert.match(asked.user_code, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
    assert.equal(asked.verification_uri, `${lgsp.portal}/device`)
    const polling = client.pollDeviceAuthorizationGrant(config, asked)

    const page = await browser.person(width, { javaScriptEnabled })
    await page.goto(`${locale}/device`)
    const { email, password } = lgsp.account('citizen')
    await page.fill('input[name=email]', email)
    await page.fill('input[name=password]', password)
    await page.click('main form button[type=submit]')
    await page.waitForURL((url) => url.pathname === `${locale}/device`)
    if (javaScriptEnabled) await accessible(page)
    await page.fill('input[name=user_code]', asked.user_code.toLowerCase().replace('-', ' '))
    await page.click('main form button[type=submit]')
    await page.waitForSelector('button[name=answer][value=allow]')
    assert.match(await page.textContent('main'), /Trạm tra cứu/)
    if (javaScriptEnabled) await accessible(page)
    await page.click('button[name=answer][value=allow]')
    const granted = await polling
    assert.ok(granted.claims().sub)
    if (javaScriptEnabled) await accessible(page)
    await page.context().close()
  })
}

test('a device waits, and hears no, by oauth4webapi', async () => {
  const config = await registered({ token_endpoint_auth_method: 'none', grant_types: [grant] }, client.None())
  const [server, me] = [config.serverMetadata(), { client_id: config.clientMetadata().client_id }]
  const asked = await strict.processDeviceAuthorizationResponse(server, me,
    await strict.deviceAuthorizationRequest(server, me, strict.None(), { scope: 'openid' }, http))
  const poll = async () => strict.processDeviceCodeResponse(server, me, await strict.deviceCodeGrantRequest(server, me, strict.None(), asked.device_code, http))
  await assert.rejects(poll, { error: 'authorization_pending' })
  await assert.rejects(poll, { error: 'slow_down' })
  const page = await browser.signedIn('developer')
  await page.goto(asked.verification_uri_complete)
  assert.equal(await page.inputValue('input[name=user_code]'), asked.user_code)
  await page.click('main form button[type=submit]')
  await page.click('button[name=answer][value=deny]')
  await page.waitForSelector('h1:has-text("không được phép")')
  await assert.rejects(poll, { error: 'access_denied' })
  await page.context().close()
})

test('an application registers itself, and is nobody’s manager', async () => {
  const config = await registered({ client_name: 'Tự đăng ký', redirect_uris: ['https://app.example.vn/cb'], grant_types: ['authorization_code', 'client_credentials'] })
  const metadata = config.clientMetadata()
  assert.match(metadata.client_secret, /^lgsp_secret_/)
  await assert.rejects(client.clientCredentialsGrant(config, { scope: 'lgsp.manage' }), { error: 'invalid_scope' })
  await assert.rejects(client.clientCredentialsGrant(config), { error: 'invalid_target' }) // it has no agreement

  const own = (method, body) => fetch(metadata.registration_client_uri, {
    method, body, headers: { Authorization: `Bearer ${metadata.registration_access_token}`, 'Content-Type': 'application/json' },
  })
  assert.equal((await (await own('GET')).json()).client_name, 'Tự đăng ký')
  assert.equal((await own('DELETE')).status, 204)
  assert.equal((await own('GET')).status, 401)
  const nobody = await fetch(`${lgsp.info.issuer}/oauth2/register`, { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } })
  assert.equal(nobody.status, 401)
  assert.equal((await nobody.json()).error, 'invalid_token')
})

test('an application that registers itself and names no algorithm has ID tokens of RS256', async () => {
  const redirect_uri = 'https://app.example.vn/cb'
  const config = await registered({
    client_name: 'Chỉ đọc RS256', redirect_uris: [redirect_uri], client_uri: 'https://app.example.vn', policy_uri: 'https://app.example.vn/rieng-tu',
    tos_uri: 'https://dieu-khoan.example.vn/app', logo_uri: 'https://app.example.vn/logo.png',
  })
  assert.equal(config.clientMetadata().logo_uri, undefined)
  assert.equal(config.clientMetadata().id_token_signed_response_alg, 'RS256')
  client.enableNonRepudiationChecks(config) // so that the library checks the signature of an ID token that came over TLS, too
  const page = await browser.signedIn('citizen')
  await page.route('https://app.example.vn/**', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>app</title>' }))
  const checks = { pkceCodeVerifier: client.randomPKCECodeVerifier(), expectedState: client.randomState(), expectedNonce: client.randomNonce() }
  await page.goto(client.buildAuthorizationUrl(config, {
    redirect_uri, scope: 'openid offline_access', state: checks.expectedState, nonce: checks.expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier), code_challenge_method: 'S256',
  }).href)
  const pages = await page.locator('main a[rel~=noreferrer]').evaluateAll((links) => links.map((a) => [a.textContent, a.href]))
  assert.deepEqual(pages, [['app.example.vn', 'https://app.example.vn/'], ['app.example.vn', 'https://app.example.vn/rieng-tu'],
    ['dieu-khoan.example.vn', 'https://dieu-khoan.example.vn/app']])
  await accessible(page)
  await page.click('button[name=answer][value=allow]')
  await page.waitForURL((url) => url.origin === 'https://app.example.vn')
  const tokens = await client.authorizationCodeGrant(config, new URL(page.url()), checks)
  const algorithmOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url')).alg
  assert.equal(algorithmOf(tokens.id_token), 'RS256')
  assert.equal(algorithmOf(tokens.access_token), 'ES256')
  assert.ok(tokens.claims().sub)
  await page.context().close()
})

test('an official acts through an application of their agency', async () => {
  const service = '/so-noi-vu/nguoi-co-cong/v1'
  const did = async (...call) => {
    const answer = await lgsp.api(...call)
    assert.ok(answer.status < 300, `${call}: ${answer.status} ${answer.text}`)
    return answer.body
  }
  const agency = await did(null, 'GET', '/agencies/trung-tam-phuc-vu-hanh-chinh-cong')
  await did('operator', 'POST', `/agencies/${agency.id}/members`, { email: lgsp.account('publisher').email, role: 'publisher' })
  const exchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
  const made = async (name, grants, redirects = []) => {
    const { id, credentials } = await did('publisher', 'POST', '/applications', { agency: agency.id, name, grant_types: grants, redirect_uris: redirects })
    const { secret } = credentials.find((one) => one.kind === 'client_secret')
    return client.discovery(new URL(lgsp.info.issuer), id, secret, undefined, overHTTP)
  }
  const cb = 'https://app.example.vn/cb'
  const desk = await made('Bàn làm việc', ['authorization_code', 'refresh_token'], [cb])
  const engine = await made('Máy chủ nghiệp vụ', [exchange])
  assert.ok(engine.serverMetadata().grant_types_supported.includes(exchange))
  const refused = await lgsp.api('developer', 'POST', '/applications', { name: 'Của riêng', grant_types: [exchange] })
  assert.equal(refused.status, 400, refused.text)
  assert.match(refused.text, /exchange-of-agency/)

  const api = (await did(null, 'GET', '/apis?limit=100')).items.find((one) => one.slug === 'nguoi-co-cong')
  const [version] = (await did(null, 'GET', `/apis/${api.id}`)).versions
  const day = (ahead) => new Date(Date.now() + 7 * 3600_000 + ahead * 86400_000).toISOString().slice(0, 10)
  const asked = await did('publisher', 'POST', '/agreements', {
    application_id: engine.clientMetadata().client_id, version_id: version.id, operations: [{ operation: 'xem-nguoi-co-cong', fields: ['/hoTen'] }],
    purpose: 'thu-tuc', purpose_text: 'Cán bộ một cửa xác nhận chế độ của người dân.', legal_basis: 'luat-60-2024-d11-2b', subjects: 'Người có công', volume_per_day: 50, retention_days: 30, starts: day(0), ends: day(30), note: '', replaces: null,
  })
  await did('steward', 'POST', `/agreements/${asked.id}/approve`, { text: '' })

  /** The token that the desk has of somebody who signs in there. */
  const signedIn = async (role) => {
    const page = await browser.signedIn(role)
    await page.route('https://app.example.vn/**', (route) => route.fulfill({ body: 'ok' }))
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    await page.goto(client.buildAuthorizationUrl(desk, {
      redirect_uri: cb, scope: 'openid offline_access', code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier), code_challenge_method: 'S256',
    }).href)
    await page.click('button[name=answer][value=allow]')
    await page.waitForURL(`${cb}**`)
    const tokens = await client.authorizationCodeGrant(desk, new URL(page.url()), { pkceCodeVerifier })
    await page.context().close()
    return tokens
  }
  const form = (token) => ({ subject_token: token, subject_token_type: 'urn:ietf:params:oauth:token-type:access_token', audience: lgsp.gateway + service })
  const official = await signedIn('publisher')
  const given = await client.genericGrantRequest(engine, exchange, form(official.access_token))
  assert.equal(given.issued_token_type, 'urn:ietf:params:oauth:token-type:access_token')
  assert.ok(given.expires_in > 200 && given.expires_in <= 300 && !given.refresh_token, JSON.stringify(given))
  const told = await client.tokenIntrospection(engine, given.access_token)
  assert.deepEqual([told.sub, told.act], [official.claims().sub, { sub: engine.clientMetadata().client_id }])

  const call = () => lgsp.call(`${service}/ho-so/000138000002`, { Authorization: `Bearer ${given.access_token}` })
  const answer = await until('the agreement is in force', 5000, async () => {
    const now = await call()
    return now.status === 200 && now
  })
  assert.deepEqual(Object.keys(answer.body), ['hoTen'])
  await until('the record names the official', 10_000, async () => {
    const { items } = await did('auditor', 'GET', `/exchanges?application=${told.client_id}&limit=10`)
    return items.some((one) => one.status === 200 && one.person_id === told.sub)
  })

  const [server, me] = [engine.serverMetadata(), { client_id: told.client_id }]
  const strictly = async (token) => strict.processGenericTokenEndpointResponse(server, me, await strict.genericTokenEndpointRequest(
    server, me, strict.ClientSecretPost(engine.clientMetadata().client_secret), exchange, form(token), http))
  assert.ok((await strictly(official.access_token)).access_token)
  await assert.rejects(strictly(given.access_token), { error: 'invalid_request' }) // not twice
  const citizen = await signedIn('citizen')
  await assert.rejects(strictly(citizen.access_token), (error) => error.error === 'invalid_request' && /person\.act-through/.test(error.error_description))

  await client.tokenRevocation(desk, official.refresh_token)
  await until('what was exchanged is dead', 5000, async () => (await call()).status === 401)
  await assert.rejects(strictly(official.access_token), { error: 'invalid_request' })
})
