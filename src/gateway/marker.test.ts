import assert from 'node:assert/strict'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { LOOKED_AT_BYTES, markerSearch } from './marker.ts'

const found = (marker: string, encoding: string | undefined, chunks: readonly Buffer[]) =>
  new Promise<boolean>((done) => {
    const search = markerSearch(marker, encoding)
    for (const chunk of chunks) search.push(chunk)
    search.end(done)
  })

const PAGE = Buffer.from('<h1>Application\n  received</h1><p>Ben &amp; Ann&#39;s reference: 12</p>')
const filler = (bytes: number) => Buffer.alloc(bytes, 'x')

const CASES: readonly [says: string, marker: string, encoding: string | undefined, chunks: Buffer[], found: boolean][] =
  [
    ['plain', 'reference: 12', undefined, [PAGE], true],
    ['not there', 'reference: 13', undefined, [PAGE], false],
    ['an empty page', 'reference', undefined, [], false],
    ['over a line break, as a reader sees it', 'Application received', undefined, [PAGE], true],
    ['with entities, as a reader sees it', "Ben & Ann's", undefined, [PAGE], true],
    ['cut anywhere into chunks', 'reference: 12', undefined, [...PAGE].map((byte) => Buffer.from([byte])), true],
    ['gzip', 'reference: 12', 'gzip', [gzipSync(PAGE)], true],
    ['gzip, in upper case', 'reference: 12', 'GZIP', [gzipSync(PAGE)], true],
    ['brotli', 'reference: 12', 'br', [brotliCompressSync(PAGE)], true],
    ['deflate', 'reference: 12', 'deflate', [deflateSync(PAGE)], true],
    ['gzip without it', 'reference: 13', 'gzip', [gzipSync(PAGE)], false],
    ['called gzip, but is not', 'reference: 12', 'gzip', [PAGE], false],
    ['in an encoding that we cannot read', 'reference: 12', 'zstd', [Buffer.from([1, 2])], true],
    ['at the end of the first 64 KiB', 'abc', undefined, [filler(LOOKED_AT_BYTES - 3), Buffer.from('abc')], true],
    ['after the first 64 KiB', 'abc', undefined, [filler(LOOKED_AT_BYTES), Buffer.from('abc')], false],
    ['in 100 MB that were packed into 100 kB', 'abc', 'gzip', [gzipSync(filler(100_000_000))], false],
    [
      'early in a packed page that is cut off',
      'reference: 12',
      'gzip',
      [gzipSync(Buffer.concat([PAGE, filler(9_000)])).subarray(0, 90)],
      true,
    ],
  ]

for (const [says, marker, encoding, chunks, is] of CASES) {
  test(`a marker: ${says}`, async () => assert.equal(await found(marker, encoding, chunks), is))
}
