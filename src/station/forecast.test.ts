import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Service } from '../core/define/schema.ts'
import type { ShadowingPlan } from '../core/deploy/shadowing.ts'
import { nothingToDeploy, shadowForecast } from './forecast.ts'

const PLAN = { msMin: 60_000, sampleMin: 300, unsafe: ['apply/send'] } as unknown as ShadowingPlan
const service = (normalPerMinute?: number) =>
  ({
    journeys: [
      {
        id: 'apply',
        demand: { normalPerMinute },
        steps: [
          { id: 'start', route: '/' },
          { id: 'send', route: '/send' },
        ],
      },
    ],
  }) as unknown as Service

test('how long the shadow takes follows from the pages that are copied, and is never less than its shortest time', () => {
  const { ms, says } = shadowForecast(service(10), PLAN)
  assert.equal(ms, 600_000)
  assert.match(says, /about 30 pages a minute .* about 10 min; the trial begins after that/)
  assert.equal(shadowForecast(service(10_000), PLAN).ms, 60_000)
  assert.match(shadowForecast(service(), PLAN).says, /cannot tell how long/)
})

test('a release that is not here, or that serves already, cannot be started', () => {
  const here = import.meta.dirname
  assert.equal(nothingToDeploy({ release: 'r2', folder: here }, 'r1'), null)
  assert.match(nothingToDeploy({ release: 'r2', folder: here }, 'r2') ?? '', /answers citizens already/)
  assert.match(nothingToDeploy({ release: 'r9', folder: `${here}/r9` }, 'r1') ?? '', /There is no release r9 here/)
})
