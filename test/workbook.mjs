// A workbook as a clerk leaves it, written by hand: the parts of an XLSX file
// (ECMA-376) in a ZIP archive that packs nothing.
import { crc32 } from 'node:zlib'

const head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
const office = 'http://schemas.openxmlformats.org'
const sheetML = `xmlns="${office}/spreadsheetml/2006/main"`
const relation = `${office}/officeDocument/2006/relationships`

const fixed = {
  '[Content_Types].xml': `${head}<Types xmlns="${office}/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/></Types>`,
  '_rels/.rels': `${head}<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="rId1" Type="${relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  'xl/_rels/workbook.xml.rels': `${head}<Relationships xmlns="${office}/package/2006/relationships"><Relationship Id="rId1" Type="${relation}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${relation}/styles" Target="styles.xml"/></Relationships>`,
  // Style 1 shows a date (format 14), style 2 a number with its leading zeros.
  'xl/styles.xml': `${head}<styleSheet ${sheetML}><numFmts count="1"><numFmt numFmtId="164" formatCode="00000"/></numFmts><fonts count="1"><font/></fonts><fills count="2"><fill/><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs></styleSheet>`,
}

const escaped = (text) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`)

/** A day as a spreadsheet holds it: a number shown as a date. */
export const day = (iso) => ({ n: Date.parse(iso) / 86_400_000 + 25_569, style: 1 })

/** A number shown with five digits, as codes are that lost their zeros. */
export const code = (n) => ({ n, style: 2 })

/** The bytes of a workbook with one sheet. A cell is a text, a number, day() or
 * code(); null is empty. Each of merged is a range such as "A1:G1". */
export function workbook(rows, { sheet = 'Sheet1', merged = [] } = {}) {
  const cell = (value, at) => {
    if (value === null) return ''
    if (typeof value === 'string') return `<c r="${at}" t="inlineStr"><is><t xml:space="preserve">${escaped(value)}</t></is></c>`
    const { n, style } = typeof value === 'number' ? { n: value, style: 0 } : value
    return `<c r="${at}" s="${style}"><v>${n}</v></c>`
  }
  const lines = rows.map((cells, i) => `<row r="${i + 1}">${cells.map((value, j) => cell(value, String.fromCharCode(65 + j) + (i + 1))).join('')}</row>`)
  const merges = merged.length ? `<mergeCells count="${merged.length}">${merged.map((range) => `<mergeCell ref="${range}"/>`).join('')}</mergeCells>` : ''
  return archive({
    ...fixed,
    'xl/workbook.xml': `${head}<workbook ${sheetML} xmlns:r="${relation}"><sheets><sheet name="${escaped(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>`,
    'xl/worksheets/sheet1.xml': `${head}<worksheet ${sheetML}><sheetData>${lines.join('')}</sheetData>${merges}</worksheet>`,
  })
}

/** A ZIP archive (APPNOTE 6.3) of files by name, stored as they are. */
function archive(files) {
  const parts = []
  const directory = []
  let at = 0
  for (const [path, text] of Object.entries(files)) {
    const name = Buffer.from(path)
    const body = Buffer.from(text)
    const said = Buffer.alloc(26) // what both headers say, from "version needed" on
    said.writeUInt16LE(20, 0)
    said.writeUInt16LE(0x800, 2) // names are UTF-8
    said.writeUInt16LE(0x21, 8) // 1980-01-01
    said.writeUInt32LE(crc32(body), 10)
    said.writeUInt32LE(body.length, 14)
    said.writeUInt32LE(body.length, 18)
    said.writeUInt16LE(name.length, 22)
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), said, name, body])
    const rest = Buffer.alloc(14) // no comment, first disk, attributes
    rest.writeUInt32LE(at, 10)
    directory.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), said, rest, name)
    parts.push(local)
    at += local.length
  }
  const index = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(Object.keys(files).length, 8)
  end.writeUInt16LE(Object.keys(files).length, 10)
  end.writeUInt32LE(index.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, index, end])
}
