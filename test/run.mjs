// Runs every test file, two at a time. The demo province is loaded once: each
// file's platform goes on from a copy of it.
import { spawn } from 'node:child_process'
import { readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { Platform } from './platform.mjs'

const files = (await readdir(import.meta.dirname)).filter((name) => name.endsWith('.test.mjs')).sort()
const platform = await Platform.start()
try {
  await platform.halt()
  const tests = spawn(process.execPath, ['--test', '--test-concurrency=2', ...files], {
    cwd: import.meta.dirname, stdio: 'inherit', env: { ...process.env, LGSP_TEST_PREPARED: path.join(platform.dir, 'data') },
  })
  process.exitCode = await new Promise((resolve) => tests.once('exit', (code) => resolve(code ?? 1)))
} finally {
  await rm(platform.dir, { recursive: true, force: true })
}
