import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ambiguity, answerHeaders, requestHeaders } from './headers.ts'

const forward = (raw: string[], method = 'GET', more = {}) => {
  const headers: Record<string, string> = {}
  for (let i = 0; i < raw.length; i += 2) headers[raw[i]!.toLowerCase()] = raw[i + 1]!
  const options = { method, visitor: 'citizen', probeHeader: 'X-Probe', readable: false, ...more }
  const list = requestHeaders({ rawHeaders: raw, headers, remoteAddress: '192.0.2.9' }, options)
  return Object.fromEntries(list.flatMap((name, i) => (i % 2 === 0 ? [[name, list[i + 1]!]] : [])))
}

test('what speaks of one connection stays there', () => {
  const raw = [
    'Host',
    'a.test',
    'Connection',
    'close, X-Private',
    'X-Private',
    '1',
    'Keep-Alive',
    'timeout=5',
    'TE',
    'trailers',
    'A',
    'b',
  ]
  const sent = forward(raw)
  assert.deepEqual(Object.keys(sent), [
    'Host',
    'A',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Holdfast-Visitor',
  ])
})

test('Connection cannot take away what frames the message', () => {
  const sent = forward(['Host', 'a.test', 'Connection', 'Content-Length, Host', 'Content-Length', '5'], 'POST')
  assert.equal(sent['Content-Length'], '5')
  assert.equal(sent.Host, 'a.test')
})

test('only we may say that a request is a shadow, or who is visiting', () => {
  const sent = forward(['Host', 'a.test', 'X-Shadow', '1', 'X-Holdfast-Visitor', 'probe', 'x-probe', 'secret'])
  assert.equal(sent['X-Shadow'], undefined)
  assert.equal(sent['X-Holdfast-Visitor'], 'citizen')
  assert.equal(sent['x-probe'], undefined)
})

test('addresses are added to the list that a front has begun', () => {
  const sent = forward(['Host', 'a.test', 'X-Forwarded-For', '198.51.100.7', 'X-Forwarded-Proto', 'https'])
  assert.equal(sent['X-Forwarded-For'], '198.51.100.7, 192.0.2.9')
  assert.equal(sent['X-Forwarded-Proto'], 'https')
  assert.equal(forward(['X-Forwarded-Proto', 'javascript'])['X-Forwarded-Proto'], 'http')
})

test('a body keeps its framing, and a POST without one says so', () => {
  assert.equal(forward(['Transfer-Encoding', 'chunked'], 'POST')['Transfer-Encoding'], 'chunked')
  assert.equal(forward(['Host', 'a.test'], 'POST')['Content-Length'], '0')
  assert.equal(forward(['Host', 'a.test'])['Content-Length'], undefined)
})

test('where the page is searched, only encodings come back that can be read', () => {
  const ask = (value: string) => forward(['Accept-Encoding', value], 'GET', { readable: true })['Accept-Encoding']
  assert.equal(ask('gzip, deflate, br, zstd'), 'gzip, deflate, br')
  assert.equal(ask('zstd'), 'identity')
  assert.equal(forward(['Accept-Encoding', 'zstd'])['Accept-Encoding'], 'zstd')
})

test('answers keep repeats and spelling, and lose what spoke of their connection', () => {
  const raw = ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'Transfer-Encoding', 'chunked', 'X-hOP', '1', 'ETag', 'x']
  assert.deepEqual(answerHeaders(raw, 'x-hop', true).headers, ['Set-Cookie', 'a=1', 'Set-Cookie', 'b=2', 'ETag', 'x'])
})

test('whatever two servers could read differently is refused', () => {
  const cases: [string[], boolean][] = [
    [['Host', 'a', 'Content-Length', '1'], false],
    [['Host', 'a', 'Transfer-Encoding', 'Chunked'], false],
    [['Host', 'a', 'host', 'b'], true],
    [['Content-Length', '1', 'content-length', '1'], true],
    [['Content-Length', '1', 'Transfer-Encoding', 'chunked'], true],
    [['Transfer-Encoding', 'gzip, chunked'], true],
    [['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], true],
  ]
  for (const [raw, refused] of cases) assert.equal(ambiguity(raw) !== undefined, refused, raw.join(' '))
})
