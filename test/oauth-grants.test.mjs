// Devices without a browser, and applications that register themselves, as
// client libraries that others wrote do it, with the page in a real browser.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as strict from 'oauth4webapi'
import * as client from 'openid-client'
import { accessible, Browser } from './browser.mjs'
import { Platform } from './platform.mjs'

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
