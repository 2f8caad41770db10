// An outside OpenID provider as others wrote it: npm oidc-provider, with its own
// sign-in and consent pages, on loopback. Whoever a test types is let in there.
import { generateKeyPairSync } from 'node:crypto'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

export class OutsideProvider {
  /** people: what the provider says of who signs in with a name. */
  constructor(port, redirect, people) {
    this.port = port
    this.issuer = `http://127.0.0.1:${port}`
    this.people = people
    this.spoil = {} // one thing that it does wrongly: see spoiled
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
    this.provider = new Provider(this.issuer, {
      jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256' }] },
      clients: [{ client_id: 'lgsp', client_secret: 'provider-secret', redirect_uris: [redirect], id_token_signed_response_alg: 'ES256' }],
      claims: { email: ['email', 'email_verified'], profile: ['name'] },
      cookies: { keys: ['loopback'] },
      pkce: { required: () => true },
      ttl: { IdToken: () => (this.spoil.expired ? 1 : 3600) },
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...this.people[id] }) }),
    })
    this.provider.use((ctx, next) => this.spoiled(ctx, next))
  }

  /** Does what the provider does, but for the one thing that is to be wrong. */
  async spoiled(ctx, next) {
    const { nonce, state, iss, gone, expired } = this.spoil
    if (gone && ctx.path === '/token') return ctx.req.socket.destroy()
    if (nonce && ctx.path === '/auth') ctx.querystring = ctx.querystring.replace(/(^|&)nonce=[^&]*/, `$1nonce=${nonce}`)
    await next()
    if (expired && ctx.path === '/token') await new Promise((resolve) => setTimeout(resolve, 2100)) // the token lives for a second
    const to = ctx.response.get('location') ?? ''
    if (!to.includes('/sign-in/outside/callback')) return
    this.back = to
    const url = new URL(to)
    if (state) url.searchParams.set('state', state)
    if (iss) url.searchParams.set('iss', iss)
    ctx.set('Location', url.href)
  }

  start() {
    this.server = createServer(this.provider.callback())
    return new Promise((resolve, reject) => this.server.once('error', reject).listen(this.port, '127.0.0.1', resolve))
  }

  async stop() {
    if (!this.server?.listening) return
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.server.closeAllConnections()
    await closed
  }
}
