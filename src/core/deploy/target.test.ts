import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definition } from '../../../test/journeys/scene.ts'
import { type Environment, environmentMeant, factsIn, judgeTarget } from './target.ts'

const LIVE: Environment = {
  id: 'production',
  kind: 'production',
  account: '111122223333',
  region: 'eu-west-2',
  databaseHost: 'db.live.internal',
}
const URL_OF_LIVE = 'postgres://app:hunter22@db.live.internal:5432/heating'
const judge = (env: Record<string, string>, url: string | null = URL_OF_LIVE, meant = LIVE) =>
  judgeTarget(definition(), meant, factsIn(env, url ?? undefined))

test('everything agrees: the place, and how many people it reaches', () => {
  const { passed, says } = judge({ AWS_ACCOUNT_ID: '111122223333', AWS_REGION: 'eu-west-2' })
  assert.ok(passed)
  assert.match(says, /This is "production" \(111122223333\).*It reaches about 780 citizens an hour, 310,000 a year/)
})

/** What is different around here, and what is said. */
const WRONG: readonly (readonly [string, Record<string, string>, string, RegExp])[] = [
  [
    'another account',
    { AWS_ACCOUNT_ID: '999988887777' },
    URL_OF_LIVE,
    /account is 999988887777 \(AWS_ACCOUNT_ID\), and 111122223333 is meant/,
  ],
  ['another region', { AWS_ACCOUNT_ID: '111122223333', AWS_REGION: 'us-east-1' }, URL_OF_LIVE, /region is us-east-1/],
  ['another environment', { HOLDFAST_ENVIRONMENT: 'staging' }, URL_OF_LIVE, /environment is staging/],
  [
    'another database',
    { AWS_ACCOUNT_ID: '111122223333' },
    'postgres://db.test.internal/heating',
    /database host is db\.test\.internal/,
  ],
  [
    'two accounts in one shell',
    { AWS_ACCOUNT_ID: '111122223333', CDK_DEFAULT_ACCOUNT: '999988887777' },
    URL_OF_LIVE,
    /999988887777/,
  ],
]
for (const [says, env, url, told] of WRONG) {
  test(`${says}: refused, and citizens affected are named`, () => {
    const answer = judge(env, url)
    assert.ok(!answer.passed)
    assert.match(answer.says, told)
    assert.match(answer.says, /It would reach about 780 citizens an hour/)
    assert.doesNotMatch(answer.says, /hunter22/)
  })
}

test('cannot tell is a refusal in production, with what to type; elsewhere it is not', () => {
  const silent = judge({}, null)
  assert.ok(!silent.passed)
  assert.match(silent.says, /^Cannot tell whether this is "production"/)
  assert.match(silent.fix, /export HOLDFAST_ENVIRONMENT=production .*HOLDFAST_ACCOUNT='111122223333'/)
  const account = judge({ HOLDFAST_ENVIRONMENT: 'production' })
  assert.ok(!account.passed, 'an account that is declared must be seen')
  assert.ok(judge({}, null, { ...LIVE, kind: 'test' }).passed)
})

test('a number of an account says nothing about the name of a cluster', () => {
  const cluster = { id: 'production', kind: 'production', account: 'heating-live' } as Environment
  assert.ok(judge({ KUBE_CONTEXT: 'heating-live', AWS_ACCOUNT_ID: '111122223333' }, null, cluster).passed)
  const other = judge({ KUBE_CONTEXT: 'heating-test' }, null, cluster)
  assert.match(other.says, /account is heating-test \(KUBE_CONTEXT\)/)
})

test('which environment is meant: the one named, the only one, the only production; else nobody can tell', () => {
  const service = definition()
  const of = (environments: Environment[], named?: string) => environmentMeant({ ...service, environments }, named)
  const rehearsal: Environment = { id: 'rehearsal', kind: 'rehearsal' }
  assert.equal(of([]), undefined)
  assert.deepEqual(of([LIVE, rehearsal]), { environment: LIVE })
  assert.deepEqual(of([LIVE, rehearsal], 'rehearsal'), { environment: rehearsal })
  assert.match(
    JSON.stringify(of([LIVE, rehearsal], 'live')),
    /no environment \\"live\\"; it names production and rehearsal/,
  )
  assert.match(JSON.stringify(of([rehearsal, { ...rehearsal, id: 'test' }])), /not said which environment/)
})
