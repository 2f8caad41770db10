// Large files come in pieces: by tus-js-client, which others wrote, over a
// connection that keeps breaking, and by the page, which takes up again what a
// broken connection or a closed window stopped.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import path from 'node:path'
import { after, before, test } from 'node:test'
import * as tus from 'tus-js-client'
import { Browser, everywhere } from './browser.mjs'
import { Platform, until } from './platform.mjs'

let lgsp, browser, agency

before(async () => {
  lgsp = await Platform.start()
  browser = await Browser.start(lgsp)
  agency = (await lgsp.api(null, 'GET', '/agencies/so-noi-vu')).body
})
after(async () => {
  await browser?.stop()
  await lgsp?.stop()
})

async function draft(slug) {
  const made = await lgsp.api('publisher', 'POST', '/datasets', { agency: agency.id, slug, title_vi: `Tệp lớn ${slug}`, notes_vi: 'Thử gửi tệp lớn.', theme: 'TECH' })
  assert.equal(made.status, 201, made.text)
  return made.body
}

/** A door to the platform whose connections break after so many bytes from the client. */
async function breaking(bytes) {
  const to = new URL(lgsp.portal)
  const door = { broken: 0 }
  const server = createServer((client) => {
    const upstream = connect(Number(to.port), '127.0.0.1')
    let passed = 0
    client.on('data', (chunk) => {
      passed += chunk.length
      upstream.write(chunk)
      if (passed > bytes) {
        door.broken++
        client.destroy()
        upstream.destroy()
      }
    })
    upstream.pipe(client)
    for (const end of [client, upstream]) end.on('error', () => {}).on('close', () => { client.destroy(); upstream.destroy() })
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  door.address = `http://localhost:${server.address().port}`
  door.close = () => server.close()
  return door
}

test('tus-js-client sends 64 MiB over a connection that breaks every 10 MiB', async () => {
  const set = await draft('tep-lon-tus')
  const body = randomBytes(64 << 20)
  const door = await breaking(10 << 20)
  const { token } = lgsp.account('publisher')
  const url = await new Promise((done, fail) => {
    const upload = new tus.Upload(body, {
      endpoint: `${door.address}/api/v1/datasets/${set.slug}/uploads`,
      metadata: { filename: 'ảnh chụp.pdf' },
      headers: { Authorization: `Bearer ${token}` },
      retryDelays: Array(20).fill(200),
      onSuccess: () => done(upload.url),
      onError: fail,
    })
    upload.start()
  })
  door.close()
  assert.ok(door.broken >= 3, `the connection broke ${door.broken} times`)
  const added = await lgsp.api('publisher', 'POST', `/datasets/${set.slug}/distributions?upload=${url.split('/').pop()}`)
  assert.equal(added.status, 201, added.text)
  assert.equal(added.body.file_name, 'ảnh chụp.pdf')
  assert.equal(added.body.hash, createHash('sha256').update(body).digest('hex'))
  const options = await fetch(`${lgsp.portal}/api/v1/uploads`, { method: 'OPTIONS' })
  assert.equal(options.headers.get('tus-extension'), 'creation,termination,expiration')
  assert.equal(options.headers.get('tus-max-size'), String(1 << 30))
})

test('the page goes on after a broken connection, and after its window was closed', async () => {
  const set = await draft('tep-lon-trang')
  const line = '01234567,Thuê bao trả trước,1.234.567,30/7/2019\n'
  const file = path.join(lgsp.dir, 'số liệu lớn.csv')
  await writeFile(file, 'Mã,Dịch vụ,Số,Ngày\n' + line.repeat(500_000)) // 26 MB: four pieces
  const page = await browser.signedIn('publisher')
  const desk = `/agency/${agency.slug}/datasets/${set.slug}`
  const sent = []
  let refuse = 0
  await page.route('**/uploads**', (route) => {
    const request = route.request()
    sent.push(request.method() + (request.method() === 'PATCH' ? ` ${request.headers()['upload-offset']}` : ''))
    if (request.method() === 'PATCH' && refuse-- > 0) return route.abort('connectionreset')
    return route.continue()
  })
  const add = async () => {
    await page.goto(desk)
    await page.setInputFiles('#file, input[name=file]', file)
    await page.click('main form[data-uploads] button[type=submit]')
  }
  await add()
  await until('a first piece', 20_000, () => sent.filter((s) => s.startsWith('PATCH')).length >= 2)
  await page.close({ runBeforeUnload: false })
  const context = page.context()
  const again = await context.newPage()
  again.faults = []
  sent.length = 0
  refuse = 2
  await again.route('**/uploads**', (route) => {
    const request = route.request()
    sent.push(request.method() + (request.method() === 'PATCH' ? ` ${request.headers()['upload-offset']}` : ''))
    if (request.method() === 'PATCH' && refuse-- > 0) return route.abort('connectionreset')
    return route.continue()
  })
  await again.goto(desk)
  await again.setInputFiles('input[name=file]', file)
  await again.click('main form[data-uploads] button[type=submit]')
  await again.waitForSelector('text=Mất kết nối')
  await again.waitForSelector('text=500.000', { timeout: 90_000 })
  assert.equal(sent[0], 'HEAD', `it asks how far the file came: ${sent}`)
  assert.ok(Number(sent[1].split(' ')[1]) >= 8 << 20, `and goes on from there: ${sent}`)
  await everywhere(again)
  await again.goto('/en' + desk)
  await everywhere(again)
  await context.close()
})

test('the page says why a file is not taken', async () => {
  const set = await draft('tep-khong-nhan')
  const file = path.join(lgsp.dir, 'chương trình.exe')
  await writeFile(file, 'MZ')
  const page = await browser.signedIn('publisher', 390)
  await page.goto(`/agency/${agency.slug}/datasets/${set.slug}`)
  await page.setInputFiles('input[name=file]', file)
  await page.click('main form[data-uploads] button[type=submit]')
  await page.waitForSelector('.sending [role=alert]')
  assert.match(await page.textContent('.sending'), /Không nhận tệp “chương trình.exe”/)
  await everywhere(page)
  await page.context().close()
})

test('a link is added, and shown with what was found', async () => {
  const set = await draft('lien-ket-ngoai')
  const page = await browser.signedIn('publisher')
  const desk = `/agency/${agency.slug}/datasets/${set.slug}`
  await page.goto(desk)
  await page.fill('main input[name=url]', 'ftp://du-lieu.example/bang.csv')
  await page.evaluate(() => { document.querySelector('main input[name=url]').type = 'text' })
  await Promise.all([page.waitForNavigation(), page.click('form[action$="/links"] button')])
  assert.match(await page.textContent('main'), /Không phải địa chỉ trang/)
  await everywhere(page)
  await page.fill('main input[name=url]', `${lgsp.portal}/mot-duong-dan-rat-dai-${'x'.repeat(120)}/bang.csv`)
  await Promise.all([page.waitForNavigation(), page.click('form[action$="/links"] button')])
  assert.match(await page.textContent('main'), /Chưa kiểm tra/)
  await until('the link is checked', 90_000, async () => {
    await page.goto(desk)
    return /địa chỉ không công khai/.test(await page.textContent('main'))
  })
  await everywhere(page)
  for (const language of ['', '/en']) {
    await page.goto(`${language}/dataset/${set.slug}`)
    assert.match(await page.textContent('#download'), language ? /Does not open/ : /Không mở được/)
    await everywhere(page)
  }
  await page.context().close()
})
