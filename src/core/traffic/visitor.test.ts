import assert from 'node:assert/strict'
import { test } from 'node:test'
import { agentOf, agentReader, probeReader, probeValue } from './visitor.ts'

const CASES: readonly [userAgent: string | undefined, seen: string][] = [
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
    'chrome',
  ],
  ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/141.0.0.0 Safari/537.36 Edg/141.0', 'edge'],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'firefox'],
  ['Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1', 'safari'],
  ['Mozilla/5.0 (iPhone) CriOS/141.0 Mobile/15E148 Safari/604.1', 'chrome'],
  ['Mozilla/5.0 (Linux; Android 14; SM-S911B) SamsungBrowser/28.0 Chrome/130.0 Mobile Safari/537.36', 'samsung'],
  ['Mozilla/5.0 (Linux; Android 9; CUBOT X19) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36', 'chrome'],
  ['Something Nobody Knows', ''],
  ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 'bot'],
  ['Mozilla/5.0 AppleWebKit/537.36 HeadlessChrome/141.0.0.0 Safari/537.36', 'bot'],
  ['ELB-HealthChecker/2.0', 'bot'],
  ['Amazon-Route53-Health-Check-Service (ref 1)', 'bot'],
  ['kube-probe/1.31', 'bot'],
  ['curl/8.5.0', 'bot'],
  ['', 'bot'],
  [undefined, 'bot'],
]

for (const [userAgent, seen] of CASES) {
  test(`${userAgent?.slice(-40) || 'no User-Agent'} is ${seen || 'a citizen of unknown browser'}`, () => {
    const { bot, segment } = agentOf(userAgent)
    assert.equal(bot ? 'bot' : segment, seen)
    assert.deepEqual(agentReader(1)(userAgent), { bot, segment })
  })
}

test('a probe shows the secret, and may name the release to verify', () => {
  const probe = { header: 'x-probe', secret: 'opensesame' }
  const read = probeReader(probe)
  assert.deepEqual(read(probeValue(probe)), {})
  assert.deepEqual(read(probeValue(probe, 'canary')), { arm: 'canary' })
  assert.deepEqual(read(probeValue(probe, 'stable')), { arm: 'stable' })
  for (const wrong of [undefined, '', 'open', 'opensesame;arm=both', 'opensesame ', ';arm=canary']) {
    assert.equal(read(wrong), undefined, wrong)
  }
})

test('without a secret nobody is a probe', () => {
  assert.equal(probeReader({ header: 'x-probe', secret: '' })(''), undefined)
})
