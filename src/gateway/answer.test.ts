import assert from 'node:assert/strict'
import { type IncomingMessage, request } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { AnswerReader, BadAnswer } from './answer.ts'

interface Heard {
  readonly says: string
  readonly body: string
  readonly whole: boolean
  readonly over: number
}

/** What the reader makes of these bytes, arriving in pieces, and of the connection's end after them. */
function read(pieces: readonly Buffer[], method = 'GET'): Heard | 'refused' {
  const told: string[] = []
  const body: Buffer[] = []
  let whole = false
  const reader = new AnswerReader({
    goOn: () => void told.push('100'),
    head: ({ status, message, headers, keepAlive }) =>
      void told.push(`${status} ${message} [${headers.join('|')}] ${keepAlive ? 'keeps' : 'ends'}`),
    data: (chunk) => void body.push(chunk),
    whole: (trailers) => {
      whole = true
      if (trailers.length > 0) told.push(`trailers [${trailers.join('|')}]`)
    },
  })
  reader.expect(method)
  let over = 0
  try {
    for (const piece of pieces) over += reader.push(piece)
  } catch (thrown) {
    if (thrown instanceof BadAnswer) return 'refused'
    throw thrown
  }
  reader.end()
  return { says: told.join(', '), body: Buffer.concat(body).toString('latin1'), whole, over }
}

const lines = (...each: string[]) => Buffer.from(each.join('\r\n'), 'latin1')

const GOOD: readonly (readonly [bytes: Buffer, says: string, body: string, method?: string])[] = [
  [lines('HTTP/1.1 200 OK', 'Content-Length: 2', '', 'ab'), '200 OK [Content-Length|2] keeps', 'ab'],
  [lines('HTTP/1.1 200', 'Content-Length:0', '', ''), '200  [Content-Length|0] keeps', ''],
  [lines('HTTP/1.1 200 OK', 'Content-Length: 7', '', ''), '200 OK [Content-Length|7] keeps', '', 'HEAD'],
  [lines('HTTP/1.1 204 No Content', '', ''), '204 No Content [] keeps', ''],
  [lines('HTTP/1.1 304 Not Modified', 'Content-Length: 9', '', ''), '304 Not Modified [Content-Length|9] keeps', ''],
  [lines('HTTP/1.1 200 OK', '', 'all of it'), '200 OK [] ends', 'all of it'],
  [lines('HTTP/1.0 200 OK', 'Content-Length: 1', '', 'a'), '200 OK [Content-Length|1] ends', 'a'],
  [
    lines('HTTP/1.0 200 OK', 'Connection: Keep-Alive', 'Content-Length: 1', '', 'a'),
    '200 OK [Connection|Keep-Alive|Content-Length|1] keeps',
    'a',
  ],
  [
    lines('HTTP/1.1 200 OK', 'Connection: x, close', 'Content-Length: 1', '', 'a'),
    '200 OK [Connection|x, close|Content-Length|1] ends',
    'a',
  ],
  [
    lines('HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked', '', '3;x=y', 'abc', '0A', '0123456789', '0', '', ''),
    '200 OK [Transfer-Encoding|Chunked] keeps',
    'abc0123456789',
  ],
  [
    lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', '1', 'a', '000', 'X-Sum: 1', 'x: ', '', ''),
    '200 OK [Transfer-Encoding|chunked] keeps, trailers [X-Sum|1|x|]',
    'a',
  ],
  [
    lines(
      'HTTP/1.1 100 Continue',
      '',
      'HTTP/1.1 103 Early',
      'Link: x',
      '',
      'HTTP/1.1 200 OK',
      'Content-Length: 1',
      '',
      'a',
    ),
    '100, 200 OK [Content-Length|1] keeps',
    'a',
  ],
  [
    lines('HTTP/1.1 200 \xe9t\xe9', 'X: \t a\xa0b\xa0 \t', 'x:1', 'Content-Length: 0', '', ''),
    '200 \xe9t\xe9 [X|a\xa0b\xa0|x|1|Content-Length|0] keeps',
    '',
  ],
]

test('an answer is read the same, however it is cut into pieces', () => {
  for (const [bytes, says, body, method] of GOOD) {
    const wanted = { says, body, whole: true, over: 0 }
    assert.deepEqual(read([bytes], method), wanted)
    for (let i = 1; i < bytes.length; i++) {
      assert.deepEqual(read([bytes.subarray(0, i), bytes.subarray(i)], method), wanted, `cut at ${i} of ${says}`)
    }
    const drops = Array.from(bytes, (_, i) => bytes.subarray(i, i + 1))
    assert.deepEqual(read(drops, method), wanted, 'byte by byte')
  }
})

test('what comes behind an answer is told, and never read as the next one', () => {
  for (const [bytes, says, , method] of GOOD) {
    if (says.endsWith('[] ends')) continue
    const heard = read([Buffer.concat([bytes, lines('HTTP/1.1 200 OK', '', '')])], method)
    assert.equal(heard !== 'refused' && heard.over, 19, says)
  }
})

test('half an answer is not whole', () => {
  for (const [bytes, says, , method] of GOOD) {
    if (says.endsWith('[] ends')) continue
    const heard = read([bytes.subarray(0, -1)], method)
    assert.ok(heard === 'refused' || !heard.whole, says)
  }
})

const head = (...headers: string[]) => lines('HTTP/1.1 200 OK', ...headers, '', '')

const BAD: readonly (readonly [says: string, bytes: Buffer])[] = [
  ['another protocol', lines('SSH-2.0-OpenSSH', '')],
  ['another version', lines('HTTP/2.0 200 OK', '', '')],
  ['a status of two digits', lines('HTTP/1.1 20 OK', '', '')],
  ['a status below 100', lines('HTTP/1.1 099 OK', '', '')],
  ['line feeds alone', Buffer.from('HTTP/1.1 200 OK\nContent-Length: 0\n\n')],
  ['a carriage return in a value', head('X: a\rb')],
  ['a NUL in a value', head('X: a\0b')],
  ['a space before the colon', head('Content-Length : 5')],
  ['a folded line', head('X: a', ' b')],
  ['a line without a colon', head('nonsense')],
  ['a header without a name', head(': x')],
  ['Content-Length and chunks', head('Content-Length: 5', 'Transfer-Encoding: chunked')],
  ['two Content-Lengths', head('Content-Length: 5', 'Content-Length: 6')],
  ['the same Content-Length twice', head('Content-Length: 5', 'Content-Length: 5')],
  ['a signed Content-Length', head('Content-Length: +5')],
  ['an empty Content-Length', head('Content-Length:')],
  ['an encoding besides chunked', head('Transfer-Encoding: gzip, chunked')],
  ['a tab behind chunked', head('Transfer-Encoding: chunked\t')],
  ['chunked twice', head('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked')],
  ['chunks for HTTP/1.0', lines('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked', '', '0', '', '')],
  ['a switch of protocols', lines('HTTP/1.1 101 Switching Protocols', 'Upgrade: x', '', '')],
  ['a chunk size that is none', Buffer.concat([head('Transfer-Encoding: chunked'), lines('x', '')])],
  ['a chunk size beyond counting', Buffer.concat([head('Transfer-Encoding: chunked'), lines('fffffffffffff', '')])],
  ['a chunk size that never ends', Buffer.concat([head('Transfer-Encoding: chunked'), Buffer.alloc(2_000, '0')])],
  ['a chunk longer than it says', Buffer.concat([head('Transfer-Encoding: chunked'), lines('1', 'abc')])],
  ['a broken trailer', Buffer.concat([head('Transfer-Encoding: chunked'), lines('0', 'a', '', '')])],
  ['a trailer with a line feed', Buffer.concat([head('Transfer-Encoding: chunked'), lines('0', 'a:\nb')])],
  ['a head that is too large', head(`X: ${'a'.repeat(17_000)}`)],
  ['a head that never ends', lines('HTTP/1.1 200 OK', `X: ${'a'.repeat(17_000)}`)],
  [
    'trailers that never end',
    Buffer.concat([head('Transfer-Encoding: chunked'), lines('0', `X: ${'a'.repeat(17_000)}`)]),
  ],
]

test('what two readers could take for different things is refused as soon as it shows', () => {
  for (const [says, bytes] of BAD) {
    assert.equal(read([bytes]), 'refused', says)
    const size = Math.ceil(bytes.length / 500)
    const drops = Array.from({ length: 500 }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
    assert.equal(read(drops), 'refused', `${says}, drop by drop`)
  }
})

/** The same bytes as Node's own client reads them. */
function nodeReads(bytes: Buffer, method: string): Promise<Heard | 'refused'> {
  return new Promise((told) => {
    const wire = new Duplex({
      read() {},
      write(_chunk, _encoding, done) {
        done()
      },
      final(done) {
        this.push(bytes)
        this.push(null)
        done()
      },
      allowHalfOpen: true,
    })
    Object.assign(wire, { setTimeout() {}, setNoDelay() {}, setKeepAlive() {}, ref() {}, unref() {} })
    const asked = request({ method, createConnection: () => wire, headers: { host: 'a', connection: 'close' } })
    const over = (heard: Heard | 'refused') => {
      asked.destroy()
      wire.destroy()
      told(heard)
    }
    asked.on('error', () => over('refused'))
    asked.on('upgrade', () => over('refused'))
    asked.on('response', (answer: IncomingMessage) => {
      const body: Buffer[] = []
      answer.on('data', (chunk: Buffer) => body.push(chunk))
      answer.on('error', () => over('refused'))
      answer.on('end', () => {
        const trailers = answer.rawTrailers.length > 0 ? `, trailers [${answer.rawTrailers.join('|')}]` : ''
        const says = `${answer.statusCode} ${answer.statusMessage} [${answer.rawHeaders.join('|')}]${trailers}`
        over({ says, body: Buffer.concat(body).toString('latin1'), whole: answer.complete, over: 0 })
      })
    })
    asked.end(() => wire.end())
  })
}

test('whatever we take for a whole answer, Node reads as the same one', async () => {
  let seed = 11
  const dice = (n: number) => {
    seed = (seed * 48_271) % 2_147_483_647
    return seed % n
  }
  const spice = [
    '\r',
    '\n',
    '\r\n',
    ' ',
    '\t',
    ':',
    ';',
    ',',
    '0',
    '1',
    'f',
    '\0',
    '\x7f',
    '\xff',
    'Content-Length: 1\r\n',
  ]
  const originals = [...GOOD.map(([bytes, , , method = 'GET']) => ({ bytes, method }))]
  let compared = 0
  for (let i = 0; i < 4_000; i++) {
    const { bytes, method } = originals[i % originals.length]!
    let text = bytes.toString('latin1')
    for (let n = i < originals.length ? 0 : 1 + dice(2); n > 0; n--) {
      const at = dice(text.length)
      text = text.slice(0, at) + spice[dice(spice.length)]! + text.slice(at + dice(3))
    }
    const mutant = Buffer.from(text, 'latin1')
    const ours = read([mutant], method)
    if (ours === 'refused' || !ours.whole || ours.over > 0) continue
    const node = await nodeReads(mutant, method)
    assert.notEqual(node, 'refused', JSON.stringify(text))
    const says = ours.says.replace(/^(100, )+/, '').replace(/ (keeps|ends)(?=$|, trailers)/, '')
    assert.deepEqual({ ...ours, says }, node, JSON.stringify(text))
    compared++
  }
  assert.ok(compared > 300, `only ${compared} were good enough to compare`)
})
