// Lighthouse's marks, for a phone, of six pages of the running demo: npx
// fetches version 12. Evidence to read, not a test: marks of speed depend on
// the machine. node test/lighthouse.mjs [file for the table]
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { Platform } from './platform.mjs'

const run = promisify(execFile)
const pages = {
  home: '/', search: '/search?q=thue+bao', dataset: '/dataset/thue-bao-vien-thong', api: '/apis/so-noi-vu/nguoi-co-cong/v1',
  operation: '/apis/so-nong-nghiep-moi-truong/dat-dai/v1/xem-thua-dat', 'sign-in': '/sign-in', 'home in English': '/en',
}
const categories = ['performance', 'accessibility', 'best-practices', 'seo']

const lgsp = await Platform.start()
const rows = [`| page | ${categories.join(' | ')} | below 1 |`, `|---|${categories.map(() => '--:|').join('')}---|`]
try {
  for (const [name, address] of Object.entries(pages)) {
    const { stdout } = await run('npx', ['--yes', 'lighthouse@12', lgsp.portal + address, '--quiet', '--output=json', `--only-categories=${categories}`,
      '--chrome-flags=--headless=new --no-sandbox --disable-gpu'], { env: { ...process.env, CHROME_PATH: '/usr/bin/chromium' }, maxBuffer: 64 << 20 })
    const report = JSON.parse(stdout)
    const marks = categories.map((c) => Math.round(report.categories[c].score * 100))
    const lacking = categories.flatMap((c) => report.categories[c].auditRefs.filter((ref) => ref.weight > 0 && report.audits[ref.id].score !== null && report.audits[ref.id].score < 1).map((ref) => ref.id))
    rows.push(`| ${name} | ${marks.join(' | ')} | ${[...new Set(lacking)].join(', ')} |`)
    console.log(rows.at(-1))
  }
} finally {
  await lgsp.stop()
}
if (process.argv[2]) await writeFile(process.argv[2], rows.join('\n') + '\n')
