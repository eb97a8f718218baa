/** The deployment hook must look at every file that decides how releases reach citizens, and leave people alone otherwise. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadService } from '../src/core/define/load.ts'
import { decidingFiles } from '../src/core/kit/deciding.ts'
import { type Part, render } from '../src/core/kit/file.ts'
import { globsOf, hookMatcher } from '../src/core/kit/glob.ts'
import { makeKit, sourceOf } from '../src/core/kit/kit.ts'
import { EXAMPLES, SHAPES } from './kit/world.ts'
import { REPOSITORIES } from './kit-repositories.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const { service } = loadService(readFileSync(`${root}examples/enquiries/service.yaml`, 'utf8'), 'service.yaml')

/** What the playbook's own hook would have matched, for comparison. */
const PLAYBOOK = /(^|\/)[^/]*(deploy|pipeline|release|rollback)[^/]*\.(yaml|yml|json|md)$/

interface Score {
  readonly right: number
  readonly matched: number
  readonly wanted: number
}

function score(matcher: RegExp, files: readonly { readonly path: string; readonly decides: boolean }[]): Score {
  const matched = files.filter(({ path }) => matcher.test(path))
  return {
    right: matched.filter(({ decides }) => decides).length,
    matched: matched.length,
    wanted: files.filter(({ decides }) => decides).length,
  }
}

const share = (part: number, whole: number) => (whole === 0 ? 1 : part / whole)
const sum = (scores: readonly Score[], name: keyof Score) => scores.reduce((all, one) => all + one[name], 0)

test('the matcher finds every deployment file of ten stacks, and almost nothing else', (t) => {
  const rows: string[] = []
  const ours: Score[] = []
  const theirs: Score[] = []
  const wrong: string[] = []
  for (const { name, files } of REPOSITORIES) {
    const source = sourceOf(service!, files)
    const matcher = new RegExp(hookMatcher(source))
    const own = score(matcher, files)
    const peer = score(PLAYBOOK, files)
    ours.push(own)
    theirs.push(peer)
    for (const { path, decides } of files)
      if (matcher.test(path) !== decides) wrong.push(`${name}: ${decides ? 'missed' : 'matched'} ${path}`)
    const figure = (s: Score) => `${share(s.right, s.wanted).toFixed(2)} / ${share(s.right, s.matched).toFixed(2)}`
    rows.push(`${name.padEnd(52)} ${String(files.length).padStart(3)}   ${figure(own)}   ${figure(peer)}`)
    for (const { path, decides } of files.filter((file) => file.decides && !file.path.includes('/')))
      assert.ok(decides && matcher.test(`/home/team/repo/${path}`), `${path} as an absolute path`)
  }
  const total = (scores: readonly Score[]) => ({
    recall: share(sum(scores, 'right'), sum(scores, 'wanted')),
    precision: share(sum(scores, 'right'), sum(scores, 'matched')),
  })
  const [own, peer] = [total(ours), total(theirs)]
  t.diagnostic(`${'repository'.padEnd(52)} files   recall / precision   the playbook's glob`)
  for (const row of rows) t.diagnostic(row)
  t.diagnostic(
    `all: recall ${own.recall.toFixed(2)}, precision ${own.precision.toFixed(2)}; the playbook's glob ${peer.recall.toFixed(2)}, ${peer.precision.toFixed(2)}`,
  )
  assert.equal(own.recall, 1, wrong.join('\n'))
  assert.ok(own.precision >= 0.95, wrong.join('\n'))
})

test('the matcher covers what the kit itself writes to bring releases out, and what a team adds beside it', () => {
  const beside = [
    { path: 'ops/infrastructure/network.tf', text: 'resource "aws_lb" "front" {}', decides: true },
    { path: 'ops/release/canary.yaml', text: 'apiVersion: apps/v1\nkind: Deployment\n', decides: true },
    { path: 'ops/runbooks/own.md', text: 'kubectl apply -f k8s', decides: false },
    { path: 'ops/alerts/own.rules.yml', text: 'apiVersion: v1\nkind: PrometheusRule\n', decides: false },
  ]
  const deciding = (part: Part) => part === 'pipelines' || part === 'infrastructure'
  let infrastructure = 0
  for (const [name, one] of [...EXAMPLES, ...SHAPES]) {
    const kit = makeKit(sourceOf(one, []), { legacy: true })
    const written = kit.map((file) => ({ path: file.path, text: render(file), decides: deciding(file.part) }))
    infrastructure += kit.filter(({ part }) => part === 'infrastructure').length
    for (const [repository, all] of [
      [[], written],
      [
        [...written, ...beside],
        [...written, ...beside],
      ],
    ] as const) {
      const own = score(new RegExp(hookMatcher(sourceOf(one, repository))), all)
      assert.deepEqual([own.right, own.matched], [own.wanted, own.wanted], name)
    }
    // The hook of a second run, with the kit in the repository, is the hook of the first.
    assert.equal(hookMatcher(sourceOf(one, written)), hookMatcher(sourceOf(one, [])), name)
  }
  assert.ok(infrastructure > 15, `${infrastructure} files of infrastructure`)
})

test('steering patterns are globs of the same files, one each', () => {
  for (const { files } of REPOSITORIES) {
    const deciding = decidingFiles(files)
    const globs = globsOf(deciding)
    assert.equal(globs.length, deciding.length)
    globs.forEach((glob, i) => assert.ok(glob === deciding[i] || glob === `**/${deciding[i]}`, glob))
  }
})

test('in this repository the hook looks at the workflows of its own, and at no sample', () => {
  // Workflows live in .ci here, and examples deploy nothing: whatever matches must be there and decide something.
  assert.ok(existsSync(`${root}examples`) && readdirSync(`${root}examples`).length > 5)
  const files = ['examples/heating-payment/service.yaml', 'examples/heating-payment/README.md'].map((path) => ({
    path,
    text: readFileSync(`${root}${path}`, 'utf8'),
  }))
  assert.deepEqual(decidingFiles(files), [])
})
