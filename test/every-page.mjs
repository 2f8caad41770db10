// Every page that links lead to, found as people find them: from where each
// role begins, one link after another, until every kind of address was seen.
import { readFile } from 'node:fs/promises'
import path from 'node:path'

/** Where each role begins. */
const starts = {
  nobody: ['/', '/apis', '/agencies', '/docs', '/dev/components', '/demo/mail', '/forgot-password', '/signed-out', '/no-such-page'],
  citizen: ['/account'],
  developer: ['/developer', '/calls', '/account/notices'],
  publisher: ['/agency'],
  steward: ['/agency', '/audit'],
  auditor: ['/audit'],
  operator: ['/operator', '/agency', '/audit'],
}

/** The addresses of pages as the router knows them, the most literal first;
 * the authorization test holds the list complete. */
async function routes() {
  const golden = await readFile(path.resolve(import.meta.dirname, '../cmd/lgsp/testdata/authorization_pages.txt'), 'utf8')
  const names = [...new Set([...golden.matchAll(/^GET (\S+)/gm)].map((m) => m[1]))]
  const rank = (name) => name.split('/').map((part) => (part.startsWith('{') ? (part.includes(':') ? 1 : 2) : 0)).join('')
  return names.sort((a, b) => (rank(a) < rank(b) ? -1 : 1)).map((name) => {
    const pattern = name.replaceAll('.', '\\.').replace(/\{\w+(?::((?:[^{}]|\{[\d,]+\})+))?\}/g, (_, of) => (of ? `(?:${of})` : '[^/]+'))
    return { name, pattern: new RegExp(`^${pattern}$`) }
  })
}

/** The cookies of a role of the demo, as a header. */
export async function cookiesOf(lgsp, role) {
  if (role === 'nobody') return ''
  const { email, password } = lgsp.account(role)
  const answer = await fetch(`${lgsp.portal}/sign-in`, { method: 'POST', redirect: 'manual', body: new URLSearchParams({ email, password }) })
  return answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ')
}

/** The same for a browser's context. */
export const jar = (lgsp, cookies) => cookies.split('; ').filter(Boolean).map((pair) => {
  const [name, value] = pair.split(/=(.*)/s)
  return { name, value, url: lgsp.portal }
})

/** Asks for every page, up to two of a kind for each role; gives each kind
 * once: its route, the role that saw it, the address, status and HTML. What
 * signs out or is a file is left alone. */
export async function everyPage(lgsp) {
  const known = await routes()
  const pages = new Map()
  for (const [role, from] of Object.entries(starts)) {
    const cookie = await cookiesOf(lgsp, role)
    const asked = new Set(), times = new Map()
    for (const queue = [...from]; queue.length > 0;) {
      const address = queue.shift()
      const place = address.split('?')[0]
      const route = known.find((r) => r.pattern.test(place))?.name ?? (place === '/no-such-page' ? place : null)
      const often = times.get(route) ?? 0
      if (!route || asked.has(address) || often > 1 || /sign-out$|export|download|[.]/.test(place)) continue
      asked.add(address)
      times.set(route, often + 1)
      const answer = await fetch(lgsp.portal + address, { redirect: 'manual', headers: { cookie } })
      const onward = answer.headers.get('location')
      if (onward) queue.push(onward.replace(lgsp.portal, ''))
      if (!answer.headers.get('content-type')?.startsWith('text/html')) continue
      const html = await answer.text()
      if (!pages.has(route) && (answer.status === 200 || route === place)) pages.set(route, { route, role, address, cookie, status: answer.status, html })
      for (const [, href] of html.matchAll(/<a [^>]*?href="([^"#]+)/g)) {
        const to = href.replaceAll('&amp;', '&').replace(lgsp.portal, '')
        if (to.startsWith('/') && !/^[/]en([/?]|$)/.test(to)) queue.push(to)
      }
    }
  }
  return [...pages.values()]
}
