/** The kit's files for agents, as a model of Kiro's loader meets them; and the playbook's five gotchas, each prevented and each tried. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { judge } from '../src/core/check/judge.ts'
import { RULES } from '../src/core/check/table.ts'
import { loadService } from '../src/core/define/load.ts'
import { render } from '../src/core/kit/file.ts'
import { hookMatcher } from '../src/core/kit/glob.ts'
import { makeKit, sourceOf } from '../src/core/kit/kit.ts'
import { frontOf, loadKiro, type TextFile } from './kiro-loader.ts'
import { REPOSITORIES } from './kit-repositories.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const services = readdirSync(`${root}examples`)
  .filter((folder) => existsSync(`${root}examples/${folder}/service.yaml`))
  .map((folder) => {
    const { service } = loadService(readFileSync(`${root}examples/${folder}/service.yaml`, 'utf8'), 'service.yaml')
    return { folder, service: service! }
  })
const kitOf = (service: (typeof services)[number]['service'], repository: readonly TextFile[] = []): TextFile[] =>
  makeKit(sourceOf(service, repository)).map((file) => ({ path: file.path, text: render(file) }))
const kits = services.map(({ folder, service }) => ({ folder, service, files: kitOf(service) }))
const textOf = (files: readonly TextFile[], path: string) => files.find((file) => file.path === path)!.text
/** Four characters a token: ops prose runs at 4.8 to 5.7, so this counts too many rather than too few. */
const tokensOf = (texts: readonly string[]) => Math.ceil(texts.reduce((sum, text) => sum + text.length, 0) / 4)

/** What the playbook asks to be saved, and where it stands in the kit. Its YAML hook and its agent without front matter load nowhere. */
const PLAYBOOK: readonly { readonly asks: string; readonly is: string; readonly says: readonly RegExp[] }[] = [
  {
    asks: 'product.md',
    is: '.kiro/steering/product.md',
    says: [
      /In order of harm:/,
      /Peaks: /,
      /served during releases.*before they are reported.*anybody can recover.*by itself/,
    ],
  },
  {
    asks: 'tech.md',
    is: '.kiro/steering/tech.md',
    says: [
      /Runs on /,
      /Pipeline: .*Infrastructure: .*Metrics: /,
      /Releases: .*back within/,
      /Gates: /,
      /Watched by journey/,
      /Compliance: .*WCAG|Compliance: no accessibility/,
    ],
  },
  {
    asks: '.kiro/agents/ops-analyst.md',
    is: '.kiro/agents/ops-analyst.md',
    says: [
      /requests in flight/,
      /Is the way back rehearsed/,
      /Confirm: .*First: /,
      /Who is woken/,
      /not derived from citizens/,
      /only one person has/,
      /never been rehearsed/,
    ],
  },
  {
    asks: '.kiro/hooks/deployment-validator.yaml',
    is: '.kiro/hooks/deployment-validator.json',
    says: [/PostFileSave/],
  },
  ...['deployment-pipeline', 'incident-runbooks', 'monitoring', 'compliance'].flatMap((spec) =>
    ['requirements', 'design', 'tasks'].map((part) => ({
      asks: `specification ${spec}`,
      is: `.kiro/specs/${spec}/${part}.md`,
      says: [/^<!-- holdfast:begin/],
    })),
  ),
]

for (const { folder, files, service } of kits) {
  test(`${folder}: every file that the playbook names is in the kit, with what it asks for`, () => {
    for (const { asks, is, says } of PLAYBOOK) {
      const found = files.find(({ path }) => path === is)
      assert.ok(found, `${asks} is ${is}`)
      for (const words of says) assert.match(found.text, words, is)
    }
  })

  test(`${folder}: no file for Kiro is silently inert, and none is wider than written`, () => {
    const workspace = loadKiro(files)
    assert.deepEqual(workspace.inert, [])
    assert.deepEqual(workspace.widened, [])
    const ours = files.filter(({ path }) => path.startsWith('.kiro/') || path === '.kiroignore' || path === 'AGENTS.md')
    const loaded = new Set(workspace.loaded.map(({ path }) => path.replace(/#.*$/, '')))
    assert.deepEqual(
      ours.filter(({ path }) => !loaded.has(path)),
      [],
    )
    const as = (path: string) => workspace.loaded.find((one) => one.path === path)?.as
    assert.equal(as('.kiro/steering/release-readiness.md'), 'manual')
    assert.equal(as('.kiro/steering/incident-comms.md'), 'auto')
    assert.equal(as('.kiro/steering/deployments.md'), 'fileMatch')
    assert.equal(as('.kiro/hooks/release-guard.json#release-guard'), 'PreToolUse')
    assert.equal(as('.kiro/hooks/deployment-validator.json#deployment-validator'), 'PostFileSave')
    assert.equal(as('.kiro/settings/mcp.json'), 'holdfast')
  })

  test(`${folder}: gotcha 1, scope creep: five failure modes at most, by harm, the others in the backlog`, () => {
    const steering = textOf(files, '.kiro/steering/ops-failure-modes.md')
    const ranks = [...steering.matchAll(/^(\d)\. /gm)].map((found) => Number(found[1]))
    assert.ok(ranks.length >= 1 && ranks.length <= 5)
    assert.deepEqual(
      ranks,
      [...ranks.keys()].map((i) => i + 1),
    )
    for (const { id } of service.deferred) assert.ok(!steering.includes(id), `${id} waits in the backlog`)
  })

  test(`${folder}: gotcha 3, granularity: each task takes 30 to 60 minutes and says when it is done`, () => {
    for (const { path, text } of files.filter(({ path: one }) => one.endsWith('/tasks.md'))) {
      const leaves = text.split(/\n(?= {2}- \[ \] )/).slice(1)
      assert.ok(leaves.length > 0, path)
      for (const leaf of leaves) {
        const [title = '', ...rest] = leaf.split('\n')
        const details = rest.filter((line) => /^ {4}- (?!Done when|_Requirements)/.test(line))
        const { minutes, verbs } = estimateOf(title, details)
        assert.ok(minutes >= 20 && minutes <= 75, `${path}: ${minutes} minutes for ${title.trim()}`)
        assert.equal(verbs, 1, `${path}: one verb in ${title}`)
        assert.ok(details.length <= 6, `${path}: ${title}`)
        assert.ok(!/\b(handle|manage|deal with|implement all|take care of)\b/i.test(title), title)
        assert.match(leaf, / {4}- Done when: \S.{8,}/, title)
      }
    }
  })

  test(`${folder}: gotcha 4, a full window: the analyst reads deployment, monitoring and runbooks, within 6,000 tokens`, () => {
    const agent = textOf(files, '.kiro/agents/ops-analyst.md')
    const resources = (frontOf(agent)!.resources as string[]).map((one) => one.replace('file://', ''))
    const deploying = new RegExp(hookMatcher(sourceOf(service, [])))
    for (const path of resources) {
      assert.ok(!path.includes('*'), 'no pattern that grows with the repository')
      assert.ok(/^ops\/(alerts|runbooks)\//.test(path) || deploying.test(path), path)
    }
    const read = tokensOf([agent, ...resources.map((path) => textOf(files, path))])
    const always = tokensOf(
      loadKiro(files)
        .loaded.filter(({ as, kind }) => as === 'always' && (kind === 'steering' || kind === 'instructions'))
        .map(({ path }) => textOf(files, path)),
    )
    assert.ok(read <= 6_000, `${read} tokens for the agent with its resources`)
    assert.ok(always <= 1_000, `${always} tokens in every session`)
  })

  test(`${folder}: gotcha 5, circles: no hook sets another off`, () => {
    const hooks = files
      .filter(({ path }) => path.startsWith('.kiro/hooks/'))
      .flatMap(
        ({ text }) =>
          JSON.parse(text).hooks as { trigger: string; matcher?: string; action: { type: string; command: string } }[],
      )
    // The event loop: a save, the hooks it fires, and what those write, until nothing moves or it has gone round twice.
    const writes = ['.holdfast/check/0123456789abcdef0123456789abcdef.json', '.holdfast/check/said']
    for (const saved of files.map(({ path }) => path)) {
      let events = [saved]
      for (let round = 0; round < 3 && events.length > 0; round++) {
        const fired = hooks.filter(
          ({ trigger, matcher }) =>
            trigger.startsWith('PostFile') && events.some((path) => new RegExp(matcher ?? '').test(path)),
        )
        assert.ok(round === 0 || fired.length === 0, `a save of ${saved} comes round again`)
        events = fired.length > 0 ? writes : []
      }
    }
    for (const hook of hooks) {
      assert.equal(hook.action.type, 'command', 'an agent that acts on a hook costs credits and starts a loop')
      assert.equal(hook.action.command, 'npx --no-install holdfast check --hook')
    }
  })

  test(`${folder}: our own rules for agent files find nothing`, () => {
    const { findings } = judge({ files, problems: [] }, RULES, Date.UTC(2026, 10, 23))
    assert.deepEqual(
      findings
        .filter(({ rule, verdict }) => rule.startsWith('kiro-') && verdict === 'fail')
        .map(({ rule, file, says }) => `${rule} ${file}: ${says}`),
      [],
    )
  })
}

/** Minutes of a task: 15, 10 for each file beyond the first, 10 for each further verb, 5 for each detail. A starting estimate, to be calibrated. */
function estimateOf(title: string, details: readonly string[]): { minutes: number; verbs: number } {
  const words = title
    .replace(/^\s*- \[ \] [\d.]+ /, '')
    .replace(/"[^"]*"/g, '')
    .replace(/`[^`]*`/g, '')
  const verbs =
    (words.match(/\b(and|then) (run|make|write|test|stop|fire|prove|export|close|rehearse|let|keep|check|read)\b/gi)
      ?.length ?? 0) + 1
  const files = new Set(
    [...title.matchAll(/[\w-]+\/[\w./-]+\.\w+/g), ...details.join('\n').matchAll(/[\w-]+\/[\w./-]+\.\w+/g)].map(String),
  ).size
  return { minutes: 15 + 10 * Math.max(1, files) + 10 * (verbs - 1) + 5 * Math.min(6, details.length), verbs }
}

test('gotcha 2, breadth: in repositories of ten stacks the hook leaves ordinary files alone, and kit files too', () => {
  const [{ service }] = services as [(typeof services)[number]]
  for (const { name, files } of REPOSITORIES) {
    const kit = kitOf(service, files)
    const matcher = new RegExp(JSON.parse(textOf(kit, '.kiro/hooks/deployment-validator.json')).hooks[0].matcher)
    for (const { path, decides } of files) if (!decides) assert.ok(!matcher.test(path), `${name}: ${path}`)
    const workspace = loadKiro([...files, ...kit.filter(({ path }) => !files.some((file) => file.path === path))])
    assert.deepEqual(workspace.inert, [], name)
  }
})

const HOOK = { name: 'h', trigger: 'PostFileSave', matcher: '(^|/)deploy/[^/]+\\.yaml$' }
const COMMAND = { type: 'command', command: 'npx --no-install holdfast check --hook' }
const WHEN = {
  name: 'h',
  version: '1',
  when: { type: 'fileEdited', patterns: ['deploy/*.yaml'] },
  // biome-ignore lint/suspicious/noThenProperty: the format says "then".
  then: { type: 'runCommand', command: 'x' },
}
const v1 = (hook: object) => JSON.stringify({ version: 'v1', hooks: [hook] })

/** Every form of hook that is found in the wild, and what Kiro 1.x makes of it. */
const DIALECTS: readonly {
  readonly id: string
  readonly path: string
  readonly text: string
  readonly is: 'loads' | 'inert' | 'widened'
}[] = [
  { id: 'A: v1', path: '.kiro/hooks/h.json', text: v1({ ...HOOK, action: COMMAND, timeout: 30 }), is: 'loads' },
  { id: 'B: when and then, of Kiro 0.x', path: '.kiro/hooks/h.kiro.hook', text: JSON.stringify(WHEN), is: 'inert' },
  { id: 'C: when and then in .json', path: '.kiro/hooks/h.json', text: JSON.stringify(WHEN), is: 'inert' },
  { id: 'D: v1 in .kiro.hook', path: '.kiro/hooks/h.kiro.hook', text: v1({ ...HOOK, action: COMMAND }), is: 'inert' },
  {
    id: 'E: YAML of the playbook',
    path: '.kiro/hooks/h.yaml',
    text: 'name: h\nevent: file_saved\nmatch: "**/*.yaml"\nprompt: x\n',
    is: 'inert',
  },
  {
    id: 'F: YAML, when and then',
    path: '.kiro/hooks/h.yml',
    text: 'when: { type: fileEdit }\nthen: { type: askAgent }\n',
    is: 'inert',
  },
  { id: 'G: Markdown', path: '.kiro/hooks/h.md', text: '---\nevent: file_saved\n---\nCheck it.\n', is: 'inert' },
  {
    id: 'H: time-out inside of the action',
    path: '.kiro/hooks/h.json',
    text: v1({ ...HOOK, action: { ...COMMAND, timeout: 30 } }),
    is: 'widened',
  },
  {
    id: 'I: glob for a matcher',
    path: '.kiro/hooks/h.json',
    text: v1({ ...HOOK, matcher: '**/deploy/*.yaml', action: COMMAND }),
    is: 'inert',
  },
  {
    id: 'J: action of type prompt',
    path: '.kiro/hooks/h.json',
    text: v1({ ...HOOK, action: { type: 'prompt', prompt: 'x' } }),
    is: 'inert',
  },
  {
    id: 'K: flat object',
    path: '.kiro/hooks/h.json',
    text: JSON.stringify({ id: 'h', pattern: 'deploy', trigger: 'PostFileSave' }),
    is: 'inert',
  },
  { id: 'in a folder below', path: '.kiro/hooks/more/h.json', text: v1({ ...HOOK, action: COMMAND }), is: 'inert' },
  {
    id: 'unknown trigger',
    path: '.kiro/hooks/h.json',
    text: v1({ ...HOOK, trigger: 'FileSaved', action: COMMAND }),
    is: 'inert',
  },
]

test('the model reads every dialect of hooks, and says which never fire', () => {
  for (const { id, path, text, is } of DIALECTS) {
    const workspace = loadKiro([
      { path, text },
      { path: 'deploy/web.yaml', text: '' },
    ])
    const became = workspace.inert.length > 0 ? 'inert' : workspace.widened.length > 0 ? 'widened' : 'loads'
    assert.equal(became, is, id)
  }
})

test('the model sees what goes wrong silently in steering files and agents', () => {
  const inertOf = (path: string, text: string) =>
    loadKiro([
      { path, text },
      { path: 'infra/a.tf', text: '' },
    ])
  const steering = (front: string) => inertOf('.kiro/steering/x.md', `---\n${front}\n---\nx\n`)
  assert.equal(steering('inclusion: filematch').widened.length, 1, 'a typing slip makes it always-on')
  assert.equal(
    inertOf('.kiro/steering/x.md', '\n---\ninclusion: manual\n---\n').widened.length,
    1,
    'a blank line before it',
  )
  assert.equal(steering('inclusion: fileMatch\nfileMatchPattern: "*.tf"').inert.length, 1, 'from the root only')
  assert.equal(steering('inclusion: fileMatch\nfileMatchPattern: "**/*.yml,**/*.tf"').inert.length, 1, 'no list')
  assert.equal(steering('inclusion: fileMatch\nfileMatchPattern: ["**/*.tf"]').inert.length, 0)
  assert.equal(steering('inclusion: auto').inert.length, 1, 'without name and description')
  const agent = (front: string) => inertOf('.kiro/agents/x.md', `${front}x\n`).inert.length
  assert.equal(agent(''), 1, 'the playbook’s agent has no front matter')
  assert.equal(agent('---\nname: x\n---\n'), 1, 'no tools')
  assert.equal(agent('---\nname: x\ntools: [read]\nresources: [infra/a.tf]\n---\n'), 1, 'no scheme')
  assert.equal(agent('---\nname: x\ntools: [read]\nincludeMcpJson: "yes"\n---\n'), 1)
  assert.equal(agent('---\nname: x\ntools: [read]\nresources: ["file://infra/a.tf"]\n---\n'), 0)
})
