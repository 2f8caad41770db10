// What other programs read of the catalogue, read with other people's parsers:
// RDF in three syntaxes, held to shapes of DCAT-AP 3.0.1; Atom, the sitemap,
// data.json and schema.org. And nothing of it tells what is not published,
// whoever asks.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, test } from 'node:test'
import { DOMParser } from '@xmldom/xmldom'
import { JsonLdParser } from 'jsonld-streaming-parser'
import { Parser, Store } from 'n3'
import { isomorphic } from 'rdf-isomorphic'
import SHACLValidator from 'rdf-validate-shacl'
import { RdfXmlParser } from 'rdfxml-streaming-parser'
import { Platform } from './platform.mjs'

const DCAT = 'http://www.w3.org/ns/dcat#'
const RDF = 'http://www.w3.org/1999/02/22-rdf-syntax-ns#'
const ATOM = 'http://www.w3.org/2005/Atom'

let platform, tokens, shapes
before(async () => {
  platform = await Platform.start()
  tokens = Object.fromEntries(platform.info.accounts.map((a) => [a.role, a.token]))
  const text = await readFile(path.join(import.meta.dirname, 'dcat-shapes.ttl'), 'utf8')
  shapes = new Store(new Parser().parse(text))
})
after(() => platform?.stop())

const get = (where, headers = {}) => fetch(new URL(where, platform.portal), { headers, redirect: 'manual' })

/** Parses an answer into quads, as its media type says. */
async function quadsOf(answer) {
  assert.equal(answer.status, 200, answer.url)
  const media = answer.headers.get('content-type').split(';')[0]
  const text = await answer.text()
  if (media === 'text/turtle') return new Parser({ baseIRI: answer.url }).parse(text)
  const parser = media === 'application/rdf+xml'
    ? new RdfXmlParser({ baseIRI: answer.url })
    : new JsonLdParser({ baseIRI: answer.url, streamingProfile: false })
  const quads = []
  for await (const quad of Readable.from([text]).pipe(parser)) quads.push(quad)
  return quads
}

/** The same from all syntaxes, which must say the same. */
async function graphOf(address, query = '') {
  const [turtle, ...others] = await Promise.all(['ttl', 'rdf', 'xml', 'jsonld'].map(async (ending) =>
    // a page names itself and its neighbours, by their own endings
    (await quadsOf(await get(`${address}.${ending}${query}`))).filter((q) => !/hydra/.test(q.predicate.value + q.object.value))))
  assert.ok(turtle.length > 20, `${address} says little`)
  for (const other of others) assert.ok(isomorphic(turtle, other), `${address} says different things in different syntaxes`)
  return turtle
}

async function violations(quads) {
  const report = await new SHACLValidator(shapes).validate(new Store(quads))
  return report.results.map((r) => `${r.focusNode?.value} ${r.path?.value}: ${r.value?.value ?? ''} ${r.sourceConstraintComponent?.value}`)
}

/** Calls the management API as a role; refused is a failure. */
async function did(role, method, where, body, headers) {
  const answer = await platform.api(role, method, where, body, headers)
  assert.ok(answer.status < 300, `${method} ${where} as ${role}: ${answer.status} ${answer.text}`)
  return answer.body
}

/** Begins a dataset with one table. */
async function draft(slug, more = {}) {
  const agency = await did(null, 'GET', '/agencies/so-noi-vu')
  await did('publisher', 'POST', '/datasets', {
    agency: agency.id, slug, title_vi: `Thử ${slug}`, title_en: `Trial ${slug}`, notes_vi: 'Mô tả.', theme: 'TECH', keywords_vi: ['thử'], ...more,
  })
  await did('publisher', 'POST', `/datasets/${slug}/distributions?filename=bang.csv&title_vi=B%E1%BA%A3ng`,
    new TextEncoder().encode('ma,ten\n01,A\n'), { 'Content-Type': 'text/csv' })
}

async function publish(slug, more) {
  await draft(slug, more)
  for (const [role, step] of [['publisher', 'submit'], ['steward', 'approve'], ['publisher', 'publish']]) await did(role, 'POST', `/datasets/${slug}/${step}`)
}

describe('RDF', () => {
  test('the catalogue says the same in every syntax, and what DCAT-AP asks', async () => {
    const quads = await graphOf('/catalog')
    assert.deepEqual(await violations(quads), [])
    const of = (type) => new Set(quads.filter((q) => q.predicate.value === `${RDF}type` && q.object.value === DCAT + type).map((q) => q.subject.value))
    assert.ok(of('Dataset').size >= 10 && of('DataService').size > of('Dataset').size - 5)
  })

  test('the shapes see what is missing', async () => {
    const quads = await quadsOf(await get('/catalog.ttl'))
    for (const predicate of ['http://purl.org/dc/terms/license', `${DCAT}accessURL`, 'http://xmlns.com/foaf/0.1/name', `${DCAT}theme`, 'http://spdx.org/rdf/terms#checksumValue']) {
      const without = quads.filter((q) => q.predicate.value !== predicate)
      assert.ok(without.length < quads.length && (await violations(without)).length > 0, `nothing is amiss without ${predicate}`)
    }
    for (const type of ['http://purl.org/dc/terms/LicenseDocument', 'http://purl.org/dc/terms/MediaType', 'http://www.w3.org/2004/02/skos/core#Concept']) {
      const without = quads.filter((q) => !(q.predicate.value === `${RDF}type` && q.object.value === type))
      assert.ok((await violations(without)).length > 0, `nothing is amiss where nothing is a ${type}`)
    }
  })

  test('a dataset with every kind of character goes through every syntax', async () => {
    const odd = 'Trích "dẫn" \\ \'nháy\' <b>&amp;</b> ]]> </script> \u2028 😀 e\u0323\u0302 \t.'
    await publish('ky-tu-la', {
      notes_vi: `${odd}\n\nĐoạn\nhai.`, notes_en: odd, source_url: "https://example.vn/a'b?x=%20&y=ế", source_document: odd,
      contact_email: 'a@example.vn', contact_phone: '+84 255 382', spatial: odd, temporal_start: '2025-01-01',
      provenance_vi: odd, conforms_to: ['https://example.vn/chuẩn'], bbox: [108, 14, 109, 15], spatial_codes: ['51'], version: '2.0',
    })
    const quads = await graphOf('/dataset/ky-tu-la')
    assert.deepEqual(await violations(quads), [])
    const notes = quads.find((q) => q.predicate.value.endsWith('/description') && q.object.language === 'vi')
    assert.equal(notes.object.value, `${odd.normalize('NFC')}\n\nĐoạn\nhai.`)
  })

  test('Accept chooses, a browser gets the page, and pages lead to the descriptions', async () => {
    for (const media of ['text/turtle', 'application/rdf+xml', 'application/ld+json']) {
      for (const address of ['/dataset/thue-bao-vien-thong', '/catalog']) {
        const answer = await get(address, { Accept: media })
        assert.equal(answer.headers.get('content-type').split(';')[0], media)
        assert.match(answer.headers.get('vary') ?? '', /Accept/)
        assert.ok((await quadsOf(answer)).length > 20)
      }
    }
    for (const address of ['/dataset/thue-bao-vien-thong', '/en/dataset/thue-bao-vien-thong']) {
      const page = await get(address, { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' })
      const html = await page.text()
      assert.match(page.headers.get('content-type'), /text\/html/)
      for (const [media, ending] of [['text/turtle', 'ttl'], ['application/rdf+xml', 'rdf'], ['application/ld+json', 'jsonld']]) {
        const link = html.match(new RegExp(`<link rel="alternate" type="${media.replace('+', '(?:\\+|&#43;)')}" href="([^"]+)"`))
        assert.ok(link, `${address} has no link to ${media}`)
        assert.equal((await get(link[1])).status, 200)
        assert.ok(link[1].endsWith(ending))
      }
    }
  })

  test('what has not changed is not sent again, and every site may read', async () => {
    const first = await get('/catalog.ttl', { Origin: 'https://elsewhere.example' })
    assert.equal(first.headers.get('access-control-allow-origin'), '*')
    assert.equal((await get('/catalog.ttl', { 'If-None-Match': first.headers.get('etag') })).status, 304)
    assert.equal((await get('/catalog.ttl', { 'If-Modified-Since': first.headers.get('last-modified') })).status, 304)
  })
})

/** An XML document, well formed and with nothing a parser complains of. */
function xmlOf(text) {
  return new DOMParser({ onError: (level, message) => assert.fail(`${level}: ${message}`) }).parseFromString(text, 'text/xml')
}

const children = (node, name) => Array.from(node.childNodes).filter((c) => c.nodeType === 1 && (!name || c.localName === name))
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/ // RFC 3339

/** Holds a container's children to RFC 4287 §4.1: how often each may stand. */
function counted(node, rules) {
  for (const child of children(node)) {
    assert.equal(child.namespaceURI, ATOM)
    assert.ok(rules[child.localName], `${child.localName} may not stand in ${node.localName}`)
  }
  for (const [name, [least, most]] of Object.entries(rules)) {
    const n = children(node, name).length
    assert.ok(n >= least && n <= most, `${node.localName} has ${n} ${name}`)
  }
}

test('feeds are Atom (RFC 4287) and their pages hang together (RFC 5005)', async () => {
  for (const address of ['/feeds/dataset.atom', '/feeds/organization/so-khoa-hoc-cong-nghe.atom']) {
    const answer = await get(address)
    assert.equal(answer.headers.get('content-type'), 'application/atom+xml; charset=utf-8')
    const feed = xmlOf(await answer.text()).documentElement
    assert.equal(`${feed.namespaceURI} ${feed.localName}`, `${ATOM} feed`)
    counted(feed, { id: [1, 1], title: [1, 1], updated: [1, 1], author: [1, 9], link: [1, 99], entry: [1, 50] })
    const rels = children(feed, 'link').map((l) => l.getAttribute('rel'))
    assert.ok(rels.includes('self') && rels.includes('first') && rels.includes('alternate'))
    const ids = new Set()
    let last = '9'
    for (const entry of children(feed, 'entry')) {
      counted(entry, { id: [1, 1], title: [1, 1], updated: [1, 1], published: [0, 1], author: [1, 9], link: [1, 99], category: [0, 99], rights: [0, 1], summary: [0, 1] })
      for (const name of ['updated', 'published']) assert.match(children(entry, name)[0].textContent, instant)
      const id = children(entry, 'id')[0].textContent
      assert.match(id, /^urn:uuid:[0-9a-f-]{36}$/)
      assert.ok(!ids.has(id))
      ids.add(id)
      const at = children(entry, 'updated')[0].textContent
      assert.ok(at <= last, 'newest first')
      last = at
      // §4.1.2: no two alternates of the same type and language
      const alternates = children(entry, 'link').filter((l) => l.getAttribute('rel') === 'alternate').map((l) => `${l.getAttribute('type')} ${l.getAttribute('hreflang')}`)
      assert.equal(new Set(alternates).size, alternates.length)
      for (const link of children(entry, 'link')) assert.ok(new URL(link.getAttribute('href')))
      for (const person of children(entry, 'author')) assert.ok(children(person, 'name')[0].textContent)
      for (const category of children(entry, 'category')) assert.ok(category.getAttribute('term'))
    }
  }
})

test('the sitemap is one (sitemaps.org), and robots are told what not to walk', async () => {
  const answer = await get('/sitemap.xml')
  const text = await answer.text()
  const root = xmlOf(text).documentElement
  assert.equal(`${root.namespaceURI} ${root.localName}`, 'http://www.sitemaps.org/schemas/sitemap/0.9 urlset')
  assert.ok(text.length < 50 << 20)
  const seen = new Set()
  for (const url of children(root)) {
    assert.equal(url.localName, 'url')
    const names = children(url).map((c) => c.localName)
    assert.ok(names[0] === 'loc' && names.slice(1).every((n) => n === 'lastmod') && names.length <= 2, `a url has ${names}`)
    const loc = children(url, 'loc')[0].textContent
    assert.ok(loc.startsWith(platform.portal) && !seen.has(loc) && loc.length < 2048)
    seen.add(loc)
    for (const at of children(url, 'lastmod')) assert.match(at.textContent, instant)
  }
  assert.ok(seen.size > 30 && seen.size <= 50_000)
  for (const loc of [...seen].slice(0, 200)) assert.equal((await get(loc)).status, 200, loc)
  const robots = await (await get('/robots.txt')).text()
  assert.match(robots, new RegExp(`^Sitemap: ${platform.portal}/sitemap.xml$`, 'm'))
  assert.match(robots, /^Disallow: \/search\?$/m)
  for (const [address, hidden] of [['/search', false], ['/search?theme=TECH', true], ['/search?q=thue+bao', true], ['/en/search?kind=dataset&agency=so-noi-vu', true]]) {
    const html = await (await get(address)).text()
    assert.equal(/<meta name="robots" content="noindex/.test(html), hidden, address)
  }
})

test('data.json is DCAT-US 1.1', async () => {
  const document = await (await get('/data.json')).json()
  assert.equal(document.conformsTo, 'https://project-open-data.cio.gov/v1.1/schema')
  assert.ok(document.dataset.length >= 10)
  for (const d of document.dataset) {
    for (const name of ['title', 'description', 'modified', 'identifier', 'accessLevel']) assert.ok(typeof d[name] === 'string' && d[name], `${d.identifier} has no ${name}`)
    assert.ok(d.keyword.length > 0 && d.publisher.name && d.contactPoint.fn)
    assert.match(d.modified, instant)
    assert.ok(['public', 'restricted public', 'non-public'].includes(d.accessLevel))
    for (const file of d.distribution) assert.ok(!file.downloadURL || file.mediaType, 'mediaType beside downloadURL')
  }
})

test('Croissant names the columns that the rows come with', async () => {
  const quads = await quadsOf(await get('/dataset/thue-bao-vien-thong/croissant.jsonld'))
  const CR = 'http://mlcommons.org/croissant/'
  const values = (predicate) => quads.filter((q) => q.predicate.value === CR + predicate).map((q) => q.object.value)
  const rows = quads.find((q) => q.predicate.value === 'https://schema.org/contentUrl' && q.object.value.includes('/rows?')).object.value
  const head = (await (await fetch(rows)).text()).split('\n')[0].trim().split(',')
  assert.deepEqual(values('column'), head)
  assert.equal(values('field').length, head.length)
  assert.ok(values('dataType').every((t) => t.startsWith('https://schema.org/')))
  assert.equal(quads.filter((q) => q.object.value === `${CR}RecordSet`).length, 1)
})

test('a dataset page holds a schema.org Dataset that no text breaks out of', async () => {
  for (const [locale, lang] of [['', 'vi'], ['/en', 'en']]) {
    const html = await (await get(`${locale}/dataset/ky-tu-la`)).text()
    const blocks = [...html.matchAll(/<script type="application\/ld\+json">([^]*?)<\/script>/g)]
    assert.equal(blocks.length, 1)
    const about = JSON.parse(blocks[0][1])
    assert.equal(about['@type'], 'Dataset')
    assert.equal(about.inLanguage, lang)
    assert.match(about.description, /<\/script> \u2028 😀/)
    assert.equal(about.license, 'https://creativecommons.org/licenses/by/4.0/')
    assert.equal(about.temporalCoverage, '2025-01-01/..')
    assert.equal(about.spatialCoverage.geo.box, '14 108 15 109')
    assert.match(about.distribution[0].contentUrl, /\/r\//)
    assert.ok(about.variableMeasured.length === 2 && about.datePublished && about.includedInDataCatalog.url)
  }
})

test('nothing tells of a draft, and of what was withdrawn only that it was, whoever asks', async () => {
  await draft('chua-cong-bo')
  await publish('da-rut')
  await did('publisher', 'POST', '/datasets/da-rut/withdraw', { text: 'thử' })
  const sitemap = await (await get('/sitemap.xml')).text()
  const agencies = [...sitemap.matchAll(/\/en\/agencies\/([a-z-]+)</g)].map((m) => m[1])
  assert.ok(agencies.includes('so-noi-vu'))
  const lists = ['/catalog.ttl', '/catalog.rdf', '/catalog.xml', '/catalog.jsonld', '/catalog.ttl?q=thu+chua+cong+bo', '/catalog.ttl?modified_since=2020-01-01',
    '/data.json', '/feeds/dataset.atom', '/sitemap.xml', ...agencies.map((slug) => `/feeds/organization/${slug}.atom`)]
  for (const role of [undefined, ...Object.keys(tokens)]) {
    const headers = role ? { Authorization: `Bearer ${tokens[role]}` } : {}
    for (const address of lists) {
      const answer = await get(address, headers)
      assert.equal(answer.status, 200, address)
      const text = await answer.text()
      assert.doesNotMatch(text, /chua-cong-bo|Thử da-rut|Trial da-rut/, `${address} as ${role}`)
      if (address.includes('modified_since')) assert.match(text, /da-rut/, `${address} as ${role}`)
      else if (/dataset.atom|so-noi-vu.atom/.test(address)) assert.match(text, /deleted-entry/, `${address} as ${role}`)
      else assert.doesNotMatch(text, /da-rut/, `${address} as ${role}`)
    }
    for (const [slug, status] of [['chua-cong-bo', 404], ['da-rut', 410]]) {
      for (const ending of ['ttl', 'rdf', 'xml', 'jsonld']) assert.equal((await get(`/dataset/${slug}.${ending}`, headers)).status, status)
      assert.equal((await get(`/dataset/${slug}/croissant.jsonld`, headers)).status, status)
      assert.equal((await get(`/dataset/${slug}`, { ...headers, Accept: 'text/turtle' })).status, status)
    }
  }
})
