// oidc-provider as a peer in the benchmark: client_credentials for one
// confidential client and one resource, ES256 JWT access tokens, in memory.
// Settings come as JSON in argv[2]: port, client_id, client_secret, resource.
import Provider from 'oidc-provider'
import { generateKeyPairSync } from 'node:crypto'

const { port, client_id, client_secret, resource } = JSON.parse(process.argv[2])
const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })
const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [{ ...key, use: 'sig', alg: 'ES256' }] },
  clients: [{ client_id, client_secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [], id_token_signed_response_alg: 'ES256' }],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      getResourceServerInfo: () => ({ scope: '', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 300, jwt: { sign: { alg: 'ES256' } } }),
    },
  },
})
provider.listen(port, '127.0.0.1', () => console.log('ready'))
