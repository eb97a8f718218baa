import { flaggerWaysBack } from '../rollback/flagger.ts'
import { judgeWay } from '../rollback-time.ts'
import type { Rule, Verdict } from '../rule.ts'

export const rollbackTimeFlagger: Rule = {
  id: 'rollback-time-flagger',
  question: 1,
  title: 'Flagger takes a bad release back within 15 minutes',
  formats: ['kubernetes', 'kustomization'],
  severity: 'warn',
  reach: 2,
  harm: 'Citizens on the canary keep failing while the count of bad looks creeps up.',
  defaults:
    'interval 60 s, threshold 1, maxWeight 100. The count is tested before it is raised: (threshold + 1) × interval.',
  fix: 'Look every minute with a threshold below 10, and take larger steps of weight.',
  cites: 'Flagger documentation: canary analysis',
  bad: {
    'canary.yaml': `apiVersion: flagger.app/v1beta1
kind: Canary
metadata: { name: web }
spec:
  analysis: { interval: 2m, threshold: 10, maxWeight: 50, stepWeight: 5 }
`,
  },
  good: {
    'canary.yaml': `apiVersion: flagger.app/v1beta1
kind: Canary
metadata: { name: web }
spec:
  analysis: { interval: 1m, threshold: 3, maxWeight: 50, stepWeight: 10 }
`,
  },
  *check(world): Iterable<Verdict> {
    for (const answer of flaggerWaysBack(world)) {
      // Two ways back from one analysis: say which is meant.
      const isAfter = 'way' in answer && answer.way.how.startsWith('after')
      yield judgeWay(isAfter ? { way: { ...answer.way, what: `${answer.way.what} (once promoted)` } } : answer)
    }
  },
}
