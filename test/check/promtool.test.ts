import assert from 'node:assert/strict'
import { test } from 'node:test'
import { promtool } from '../../src/adapters/tree/promtool.ts'
import { artefactOf } from '../../src/core/check/alerts/artefact.ts'
import { DEMAND, proveAlerts } from '../../src/core/check/alerts/prove.ts'
import { worldOf } from '../../src/core/check/world.ts'

const share = (window: string) => `sum(rate(r_total{code=~"5.."}[${window}])) / sum(rate(r_total[${window}]))`
const EXPRS = [
  `${share('5m')} > 0.05`,
  `${share('1h')} > 14.4 * 0.01 and ${share('5m')} > 14.4 * 0.01`,
  `1 - ${share('10m')} < 0.9`,
  'histogram_quantile(0.95, sum by (le) (rate(s_bucket[5m]))) > 1',
  'absent(r_total)',
  'up{job="a"} == 0',
  'r_errors_total > 5',
  'sum(increase(r_failed_total[5m])) > 3',
  'sum(rate(r_total[10m])) == 0',
  'rec:ratio > 0.2',
]

test('promtool agrees with every firing that we compute', async (t) => {
  const rules = EXPRS.map(
    (expr, index) => `      - alert: A${index}\n        for: ${index % 3}m\n        expr: '${expr}'\n`,
  ).join('')
  const text = `groups:\n  - name: g\n    rules:\n      - record: rec:ratio\n        expr: '${share('5m')}'\n${rules}`
  const world = worldOf({ files: [{ path: 'alerts.yml', text }], problems: [] }, 0)
  const proofs = proveAlerts(world)
  assert.equal(proofs.length, EXPRS.length)
  for (const proof of proofs) {
    const artefact = artefactOf(world, proof, DEMAND)
    assert.ok(artefact, `${proof.expr}: ${proof.why}`)
    const opinion = await promtool(artefact.rules, artefact.test)
    if ('absent' in opinion) return t.skip('promtool is not installed here; CI installs it')
    assert.ok(opinion.agrees, `${proof.expr}\n${'says' in opinion ? opinion.says : ''}`)
  }
})
