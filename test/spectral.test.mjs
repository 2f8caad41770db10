// The description of the management API, linted by a program that others wrote
// (Stoplight's Spectral), with rules of our own beside OpenAPI's: problem+json,
// paging, an id and a summary for each operation.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const run = promisify(execFile)
const here = import.meta.dirname

// findings are what Spectral finds in a document, by rule.
async function findings(file) {
  const lint = ['lint', file, '--ruleset', join(here, 'management-api.spectral.yaml'), '--format', 'json', '--fail-severity', 'hint', '--quiet']
  const { stdout } = await run(join(here, 'node_modules/.bin/spectral'), lint, { maxBuffer: 64 << 20 }).catch(e => {
    if (e.code !== 1) throw e // 1: something was found
    return e
  })
  return JSON.parse(stdout || '[]').map(f => `${f.code} ${f.path.join('/')}`)
}

test('Spectral finds nothing in the description of /api/v1', async () => {
  assert.deepEqual(await findings(join(here, '../portal/openapi.json')), [])
})

test('Spectral finds what was broken', async () => {
  const document = JSON.parse(await readFile(join(here, '../portal/openapi.json'), 'utf8'))
  const paths = document.paths
  delete paths['/search'].get.operationId
  delete paths['/agencies'].get.responses.default
  const paged = paths['/versions/{id}/revisions'].get
  paged.parameters = paged.parameters.filter(p => p.name !== 'limit')
  document.components.responses.Problem.content = { 'application/json': {} }
  const file = join(await mkdtemp(join(tmpdir(), 'lgsp-spectral-')), 'openapi.json')
  await writeFile(file, JSON.stringify(document))
  const found = await findings(file)
  for (const one of ['operation-operationId paths//search/get', 'problem-json paths//agencies/get/responses', 'paged paths//versions/{id}/revisions/get/parameters']) {
    assert.ok(found.some(f => f.startsWith(one)), `not found: ${one}; found ${found.slice(0, 20).join(', ')}`)
  }
  assert.ok(found.some(f => f.startsWith('problem-json-media')), found.slice(0, 20).join(', '))
})
