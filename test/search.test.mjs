// Searching in a browser: suggestions by keyboard and by mouse, facets, kinds,
// a kept search, the operator's synonyms.
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Browser, accessible } from './browser.mjs'
import { Platform } from './platform.mjs'

let lgsp, browser
const shots = process.env.LGSP_TEST_SHOTS

before(async () => {
  if (shots) mkdirSync(shots, { recursive: true })
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

const shot = (page, name) => (shots ? page.screenshot({ path: path.join(shots, `${name}.png`) }) : undefined)

for (const [width, language] of [[1280, ''], [390, '/en']]) {
  test(`the search box suggests, by keyboard, at ${width} px${language}`, async () => {
    const page = await browser.person(width)
    await page.goto(`${language}/start`)
    const box = page.getByRole('combobox')
    assert.equal(await box.getAttribute('aria-expanded'), 'false')
    await box.pressSequentially('thue b')
    const list = page.getByRole('listbox')
    await list.waitFor()
    assert.equal(await box.getAttribute('aria-expanded'), 'true')
    assert.equal(await box.getAttribute('aria-controls'), await list.getAttribute('id'))
    const options = page.getByRole('option')
    const n = await options.count()
    assert.ok(n >= 1 && n <= 8, `${n} suggestions`)
    assert.match(await page.locator('.search [role=status]').textContent(), new RegExp(`^${n} `))
    await accessible(page)
    await shot(page, `suggest-${width}`)
    await page.keyboard.press('ArrowDown')
    assert.equal(await box.getAttribute('aria-activedescendant'), await options.first().getAttribute('id'))
    assert.equal(await options.first().getAttribute('aria-selected'), 'true')
    await page.keyboard.press('ArrowUp')
    assert.equal(await box.getAttribute('aria-activedescendant'), null, 'back in the box')
    await page.keyboard.press('Escape')
    assert.equal(await box.getAttribute('aria-expanded'), 'false')
    assert.equal(await box.inputValue(), 'thue b', 'Escape closes the list and empties nothing')
    await box.pressSequentially('ao')
    await list.waitFor()
    await page.keyboard.press('ArrowDown')
    await Promise.all([page.waitForURL(/\/(dataset|apis|agencies|search)/), page.keyboard.press('Enter')])
    assert.ok(new URL(page.url()).pathname.startsWith(language || '/'), page.url())
    assert.deepEqual(page.faults, [])
    await page.context().close()
  })
}

test('Enter sends what was typed, and a click takes a suggestion', async () => {
  const page = await browser.person()
  await page.goto('/')
  const box = page.getByRole('combobox')
  await box.pressSequentially('thue bao')
  await page.getByRole('listbox').waitFor()
  await Promise.all([page.waitForURL(/\/search\?q=thue\+bao/), page.keyboard.press('Enter')])
  assert.match(await page.textContent('h1'), /thue bao/)
  const results = page.getByRole('combobox')
  await results.fill('')
  await results.pressSequentially('nguoi co c')
  const option = page.getByRole('option').first()
  await option.waitFor()
  await Promise.all([page.waitForNavigation(), option.click()])
  assert.doesNotMatch(page.url(), /q=nguoi/)
  assert.deepEqual(page.faults, [])
  await page.context().close()
})

test('facets, operations and guides', async () => {
  for (const [width, language] of [[1280, ''], [390, '/en']]) {
    const page = await browser.person(width)
    await page.goto(`${language}/search?q=nguoi+co+cong`)
    await accessible(page)
    await shot(page, `results-${width}`)
    await page.goto(`${language}/search?q=nguoi+co+cong&kind=operation`)
    const operation = await page.getAttribute('main article h3 a', 'href')
    assert.equal((await page.goto(operation)).status(), 200, operation)
    const guide = language ? 'Query data by address' : 'Truy vấn dữ liệu bằng địa chỉ'
    await page.goto(`${language}/search?kind=document&q=${encodeURIComponent(guide)}`)
    await page.locator('main').getByRole('link', { name: guide }).first().click()
    assert.match(page.url(), /\/docs\/rows/)
    await page.goto(`${language}/search?access=open`)
    const counted = Number(await page.locator('main .facets [aria-current=true] .count').textContent())
    assert.equal(Number((await page.textContent('main .results-count')).match(/\d+/)[0]), counted)
    await page.context().close()
  }
})

test('a person keeps a search', async () => {
  const page = await browser.signedIn('citizen')
  await page.goto('/search?q=thue+bao&kind=dataset')
  await Promise.all([page.waitForURL(/\/account\/searches/), page.click('.keep-search button')])
  assert.match(await page.textContent('main'), /thue bao/)
  await accessible(page)
  await shot(page, 'saved-1280')
  await Promise.all([page.waitForURL(/\/search\?kind=dataset&q=thue\+bao/), page.click('main form[action$="/open"] button')])
  await page.setViewportSize({ width: 390, height: 900 })
  await page.goto('/en/account/searches')
  await accessible(page)
  await shot(page, 'saved-390')
  await Promise.all([page.waitForNavigation(), page.click('main form[action$="/drop"] button')])
  assert.equal(await page.locator('main table').count(), 0)
  await page.context().close()
})

test('the operator edits the words that search knows', async () => {
  const page = await browser.signedIn('operator')
  await page.goto('/operator/synonyms')
  await accessible(page)
  await shot(page, 'synonyms-1280')
  await page.fill('[name=term]', 'UBND')
  await page.fill('[name=meaning]', 'uỷ ban nhân dân')
  await page.click('main .form button[type=submit]')
  assert.match(await page.textContent('main'), /đã có trong bảng/)
  await accessible(page)
  await page.fill('[name=term]', 'TBDD')
  await page.fill('[name=meaning]', 'thuê bao')
  await Promise.all([page.waitForNavigation(), page.click('main .form button[type=submit]')])
  assert.match(await page.textContent('.flash'), /TBDD/)
  await page.goto('/search?q=tbdd')
  assert.match(await page.textContent('main article h3'), /[Tt]huê bao/)
  await page.setViewportSize({ width: 390, height: 900 })
  await page.goto('/en/operator/synonyms')
  await accessible(page)
  await shot(page, 'synonyms-390')
  await page.getByRole('link', { name: /TBDD/ }).click()
  await accessible(page)
  await page.fill('[name=note]', 'thử')
  await Promise.all([page.waitForURL(/\/operator\/synonyms$/), page.click('main .form button[type=submit]')])
  await Promise.all([page.waitForNavigation(), page.getByRole('button', { name: /TBDD/ }).click()])
  assert.equal(await page.getByRole('link', { name: /TBDD/ }).count(), 0)
  await page.context().close()
})
