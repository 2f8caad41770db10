// A developer's first ten minutes: the steps are counted, the samples are run,
// and the form that calls from the page is shown what can go wrong.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { tmpdir } from 'node:os'
import { accessible, everywhere } from './browser.mjs'

const run = promisify(execFile)
const open = '/apis/van-phong-ubnd-tinh/thu-tuc-hanh-chinh/v1/tim-thu-tuc'
const restricted = '/apis/so-nong-nghiep-moi-truong/dat-dai/v1/xem-thua-dat'

/** Presses the form's button and gives what its status line and its answer then say. */
async function call(page) {
  await page.evaluate(() => { document.querySelector('[data-status]').textContent = '' })
  await page.click('[data-try] button[type=submit]')
  await page.waitForFunction((calling) => !['', calling].includes(document.querySelector('[data-status]').textContent),
    await page.evaluate(() => document.querySelector('[data-words]').content.querySelector('[data-say=calling]').textContent))
  return { status: await page.textContent('[data-status]'), answer: await page.textContent('[data-answer]') }
}

/** The sample in a language, as it is copied. */
const sampleIn = (page, language) => page.textContent(`.samples code.language-${language}`)

/** Adds the tests to a file that has a platform and a browser running. */
export function firstMinutes(test, at) {
  test('an anonymous open call takes one step, by hand or by pressing once', async () => {
    const { browser } = at()
    const page = await browser.person(1280)
    const { headers } = { headers: (await page.goto(open)).headers() }
    assert.doesNotMatch(headers['content-security-policy'], /unsafe/)
    const scripts = await page.evaluate(async () => Promise.all([...document.scripts].map(async (s) => (await (await fetch(s.src)).text()).length)))
    assert.ok(scripts.reduce((a, b) => a + b, 0) <= 60_000, `${scripts} bytes of script`)
    assert.ok(await page.isVisible('.samples code.language-shell'), 'the call is there to be copied')
    const { stdout } = await run('bash', ['-c', await sampleIn(page, 'shell')])
    const { status, answer } = await call(page) // one press
    assert.match(status, /^200 · \d+ ms · /)
    assert.match(answer, new RegExp(`"tongSo": ${JSON.parse(stdout).tongSo}`), 'it is the same answer')
    assert.match(answer, /Còn \d+ lời gọi trong phút này/)
    await everywhere(page)
    await page.context().close()
  })

  test('a key of one’s own takes three steps, its application makes itself, and the fourth is a restricted call in the sandbox', async () => {
    const { lgsp, browser } = at()
    const page = await browser.person(390)
    let steps = 0
    const step = async (selector) => {
      steps++
      await Promise.all([page.waitForNavigation(), page.click(selector)])
      await accessible(page)
    }
    await page.goto(`/en${restricted}`)
    await step('main a[href*="/developer/key"]')
    const { email, password } = lgsp.account('citizen')
    await page.fill('input[name=email]', email)
    await page.fill('input[name=password]', password)
    await step('main form button[type=submit]')
    await step('main form button[type=submit]')
    assert.equal(steps, 3)
    const key = (await page.$$eval('.secret', (all) => all.map((e) => e.textContent))).find((s) => s.startsWith('lgsp_key_'))
    assert.ok(key, 'the key is shown')
    for (const language of ['shell', 'javascript', 'python', 'go', 'java', 'csharp']) {
      assert.ok((await sampleIn(page, language)).includes(key), `${language} is filled in`)
    }
    const { status, answer } = await call(page)
    steps++
    assert.match(status, /^200 /)
    assert.equal(steps, 4)
    assert.match(answer, /dat-dai\/v1-sandbox\//, 'it is the operation that the reader came for, with made-up data')
    assert.match(answer, /lgsp-environment: sandbox/i)
    assert.ok(!answer.includes(key) && answer.includes('$LGSP_KEY'), 'what is shown to be shared holds no key')
    assert.ok((await page.getAttribute('main a.usa-button[href*="/request"]', 'href')).includes('operation=xem-thua-dat'), 'asking for access comes next')
    await everywhere(page)
    const { stdout } = await run('bash', ['-c', await sampleIn(page, 'shell')])
    assert.ok(JSON.parse(stdout))
    await page.context().close()
  })

  test('who has no agreement calls the sandbox from the operation’s page', async () => {
    const { browser } = at()
    const page = await browser.signedIn('citizen', 1280) // whose application was made a test ago
    await page.goto(`${restricted}`)
    const { status, answer } = await call(page)
    assert.match(status, /^200 /, answer)
    assert.match(answer, /dat-dai\/v1-sandbox\//)
    assert.doesNotMatch(answer, /eyJ/, 'the token is shown nowhere')
    const live = await page.evaluate(async (application) => (await fetch(document.querySelector('[data-try]').dataset.token.replace('?sandbox=yes', ''), { method: 'POST', body: new URLSearchParams({ application }) })).status,
      await page.inputValue('[data-caller]'))
    assert.equal(live, 403, 'no token for the version itself without an agreement')
    await everywhere(page)
    await page.context().close()
  })

  test('the samples run as they stand', async () => {
    const { lgsp, browser } = at()
    const page = await browser.person(1280, { javaScriptEnabled: false })
    await page.goto(restricted)
    const dir = await mkdtemp(path.join(tmpdir(), 'lgsp-samples-'))
    const env = { ...process.env, LGSP_KEY: lgsp.info.application.api_key }
    const first = {
      shell: ['call.sh', 'bash'], javascript: ['call.mjs', process.execPath], python: ['call.py', 'python3'], go: ['call.go', 'go', 'run'], java: ['Call.java', 'java'],
    }
    const answers = await Promise.all(Object.entries(first).map(async ([language, [name, command, ...args]]) => {
      await page.locator(`.samples input[value=${language}]`).waitFor({ state: 'attached' })
      const file = path.join(dir, name)
      await writeFile(file, await sampleIn(page, language))
      const here = await run('bash', ['-c', `command -v ${command}`]).then(() => true, () => false)
      if (!here && !['shell', 'javascript', 'go'].includes(language)) return null
      return JSON.parse((await run(command, [...args, file], { env })).stdout)
    }))
    await rm(dir, { recursive: true })
    for (const answer of answers.filter(Boolean)) assert.deepEqual(answer, answers[0])
    await page.click('.samples label:text("Python")')
    assert.ok(await page.isVisible('.samples code.language-python'), 'a language is chosen without scripts')
    assert.ok(!(await page.isVisible('.samples code.language-shell')))
    assert.ok(!(await page.isVisible('[data-try]')))
    await page.context().close()
  })

  test('the five commonest mistakes are made on purpose, and each is told for what it is', async () => {
    const { browser } = at()
    const page = await browser.person(1280)
    await page.goto('/en/docs/lesson')
    const lessons = await page.$$eval('main section', (all) => all.map((s) => s.id))
    assert.equal(lessons.length, 5)
    for (const code of lessons) {
      await page.click(`#${code} [data-try] button[type=submit]`)
      await page.waitForSelector(`#${code} [data-advice=${code}]`)
      assert.ok(await page.isVisible(`#${code} [data-advice] a[href="/en/docs/problems/${code}"]`))
    }
    await everywhere(page)
    await page.context().close()
  })

  test('a call for an own application carries a token of the page’s own', async () => {
    const { browser } = at()
    const page = await browser.signedIn('developer', 1280)
    await page.goto(restricted)
    const { status, answer } = await call(page)
    assert.match(status, /^200 /, answer)
    assert.match(answer, /-H "Authorization: Bearer \$LGSP_TOKEN"/)
    assert.doesNotMatch(answer, /eyJ/, 'the token is shown nowhere')
    await everywhere(page)
    await page.fill('[data-in=path] >> nth=0', '\u202eabc\u200b')
    assert.match((await call(page)).status, /^4\d\d /)
    assert.equal(await page.evaluate(() => document.querySelector('[data-advice]') !== null), true)
    await page.context().clearCookies()
    await page.reload()
    assert.match(await page.textContent('[data-try]'), /Đăng nhập để gọi thử/)
    await page.context().close()
  })

  test('what can go wrong with a call is said in plain words', async () => {
    const { lgsp, browser } = at()
    const page = await browser.signedIn('developer', 1280)
    await page.goto(restricted)
    const typed = await page.inputValue('[data-in=path] >> nth=0')
    await page.context().clearCookies()
    assert.match((await call(page)).status, /Phiên đăng nhập đã hết/)
    assert.equal(await page.inputValue('[data-in=path] >> nth=0'), typed, 'what was typed is kept')
    await page.fill('[data-in=path] >> nth=0', '..')
    assert.match((await call(page)).status, /không thể là/)

    await page.goto(open)
    const address = `${lgsp.gateway}${open.replace('/apis', '').replace(/[^/]+$/, '')}**`
    const answers = (answer) => page.unrouteAll().then(() => page.route(address, (route) => answer
      ? route.fulfill({ status: 200, headers: { 'access-control-allow-origin': '*', 'content-type': 'application/json', ...answer.headers }, body: answer.body })
      : route.abort()))
    await answers(null)
    assert.match((await call(page)).status, /CORS/)
    await page.route(`${lgsp.gateway}/**`, (route) => route.abort())
    assert.match((await call(page)).status, /Không nối được/)
    await page.context().setOffline(true)
    assert.match((await call(page)).status, /mất mạng/)
    await page.context().setOffline(false)
    const big = `{"a":${JSON.stringify('x'.repeat(2_000_000))}}`
    for (const [answer, says, size] of [
      [{ body: big }, /Chỉ hiện 262 kB đầu tiên/, 300_000],
      [{ body: '<img src=x onerror="document.title=1"><script>document.title=1</script>', headers: { 'content-type': 'text/html' } }, /<img src=x onerror/],
      [{ body: Buffer.from([0x89, 0x50, 0, 0xff]), headers: { 'content-type': 'image/png' } }, /không phải văn bản/],
      [{ body: '' }, /không có nội dung/],
      [{ body: '{"n":12345678901234567890.10,"a":[],"rtl":"\u202e"}' }, /"n": 12345678901234567890\.10,\s+"a": \[\],\s+"rtl": "\\u202e"/],
      [{ body: '{"broken":' }, /\{"broken":/],
    ]) {
      await answers(answer)
      const said = await call(page)
      assert.match(said.answer, says)
      assert.ok(said.answer.length < (size ?? 2000))
    }
    assert.equal(await page.locator('[data-answer] :is(img, script)').count(), 0, 'an answer is text and nothing else')
    await accessible(page)
    await page.context().close()
  })
}
