/**
 * The forms in which hooks for Kiro are written, and what each becomes in the one form that Kiro 1.x loads. Nothing is lost in
 * silence: what version 1 has no place for is listed.
 */
import { readJson } from '../formats/json.ts'
import { allText, child, fields, flag, items, type Node, num, type Source, text } from '../formats/node.ts'
import { readYaml } from '../formats/yaml.ts'
import { isGlob, markdownOf, TRIGGERS } from '../models/kiro.ts'
import { matcherFor } from './glob.ts'

/** A v1 JSON · B when/then in .kiro.hook · C the same in .json · D v1 in .kiro.hook · E YAML with event · F YAML when/then ·
 * G Markdown · H time-out inside action · I glob as matcher · J action type prompt · K flat id and pattern · L hooks in a CLI 2.x agent */
export type Dialect = 'A' | 'B' | 'C' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L'

export interface V1Hook {
  readonly name: string
  readonly description?: string
  readonly trigger: string
  readonly matcher?: string
  readonly action:
    | { readonly type: 'command'; readonly command: string }
    | { readonly type: 'agent'; readonly prompt: string }
  readonly timeout?: number
  readonly enabled?: boolean
}

export interface Conversion {
  readonly file: string
  readonly dialects: readonly Dialect[]
  /** Files to write, path → text. Empty when the file is right as it is. */
  readonly writes: Readonly<Record<string, string>>
  /** The old file goes, because nothing loads it. */
  readonly removes: boolean
  /** What version 1 cannot hold, or what a person has to look at. */
  readonly notes: readonly string[]
}

const EVENTS: Readonly<Record<string, string>> = {
  filesaved: 'PostFileSave',
  filesave: 'PostFileSave',
  fileedit: 'PostFileSave',
  fileedited: 'PostFileSave',
  afterfileedit: 'PostFileSave',
  onsave: 'PostFileSave',
  postfilesave: 'PostFileSave',
  filecreate: 'PostFileCreate',
  filecreated: 'PostFileCreate',
  postfilecreate: 'PostFileCreate',
  filedelete: 'PostFileDelete',
  filedeleted: 'PostFileDelete',
  postfiledelete: 'PostFileDelete',
  promptsubmit: 'UserPromptSubmit',
  userpromptsubmit: 'UserPromptSubmit',
  pretooluse: 'PreToolUse',
  posttooluse: 'PostToolUse',
  pretaskexecution: 'PreTaskExec',
  pretaskexec: 'PreTaskExec',
  posttaskexecution: 'PostTaskExec',
  posttaskexec: 'PostTaskExec',
  agentstop: 'Stop',
  stop: 'Stop',
  sessionend: 'Stop',
  agentspawn: 'SessionStart',
  sessionstart: 'SessionStart',
  usertriggered: 'Manual',
  manual: 'Manual',
}

/** The trigger of version 1 for an event of any dialect. */
export function triggerOf(event: string): string | undefined {
  return EVENTS[event.replace(/[_\s:.-]/g, '').toLowerCase()]
}

/** What a hook file is and becomes; undefined for files that hold no hook in any form we know. */
export function convert(src: Source): Conversion | undefined {
  if (/(^|\/)\.kiro\/agents\/[^/]+\.json$/.test(src.file)) return fromAgent(src)
  if (!/(^|\/)\.kiro\/hooks\/|\.kiro\.hook$/.test(src.file)) return undefined
  if (!/\.(kiro\.hook|json|ya?ml|md)$/.test(src.file)) return undefined
  if (/\.md$/.test(src.file)) return fromMarkdown(src)
  const root = rootOf(src)
  if (root?.kind !== 'map') return undefined
  if (child(root, 'hooks')?.kind === 'list') return fromV1(src, root)
  if (child(root, 'when')) return fromWhen(src, root)
  if (child(root, 'event')) return fromFlat(src, root, isYaml(src) ? 'E' : 'K')
  if (child(root, 'id') && (child(root, 'pattern') ?? child(root, 'trigger'))) return fromFlat(src, root, 'K')
  return undefined
}

const isYaml = (src: Source) => /\.ya?ml$/.test(src.file)

function rootOf(src: Source): Node | undefined {
  if (isYaml(src)) return readYaml(src).documents[0]
  // A .kiro.hook of 0.x is JSON; a broken one may still be YAML.
  const { root, problems } = readJson(src)
  return root && problems.length === 0 ? root : readYaml(src).documents[0]
}

/** `.kiro/hooks/name.json`, beside the old file's own `.kiro` folder. */
function placeOf(src: Source): string {
  const [, before = ''] = /^(.*?)(?:^|\/?)\.kiro\//.exec(src.file) ?? [undefined, src.file.replace(/[^/]+$/, '')]
  const stem = src.file
    .slice(src.file.lastIndexOf('/') + 1)
    .replace(/\.(kiro\.hook|json|ya?ml|md)$/, '')
    .replace(/[^\w.-]/g, '-')
  return `${before === '' || before.endsWith('/') ? before : `${before}/`}.kiro/hooks/${stem}.json`
}

interface Draft {
  readonly hooks: readonly V1Hook[]
  readonly steering: Readonly<Record<string, string>>
  readonly notes: readonly string[]
}

function written(src: Source, dialects: readonly Dialect[], draft: Draft): Conversion {
  const place = placeOf(src)
  const body = `${JSON.stringify({ version: 'v1', hooks: draft.hooks }, null, 2)}\n`
  const writes = { ...(draft.hooks.length > 0 ? { [place]: body } : {}), ...draft.steering }
  return {
    file: src.file,
    dialects,
    writes,
    removes: writes[src.file] === undefined && Object.keys(writes).length > 0,
    notes: draft.notes,
  }
}

const OF_ANY = ['name', 'id', 'description', 'version', 'enabled', 'timeout', 'title']

function fromWhen(src: Source, root: Node): Conversion {
  const when = child(root, 'when')
  const then = child(root, 'then')
  const dialect: Dialect = isYaml(src) ? 'F' : src.file.endsWith('.json') ? 'C' : 'B'
  const kept = carried(root, ['when', 'then', ...OF_ANY], '')
  const lost = [
    ...kept,
    ...carried(
      when,
      ['type', 'event', 'patterns', 'pattern', 'filePattern', 'filePatterns', 'match', 'toolTypes', 'tools'],
      'when.',
    ),
    ...carried(then, ['type', 'prompt', 'command', 'timeout'], 'then.'),
  ]
  const draft = draftOf(src, {
    name: nameOf(src, root),
    description: text(child(root, 'description')),
    event: text(child(when, 'type')) ?? text(child(when, 'event')) ?? '',
    globs: listOf(when, ['patterns', 'pattern', 'filePatterns', 'filePattern', 'match']),
    tools: listOf(when, ['toolTypes', 'tools']),
    type: text(child(then, 'type')) ?? '',
    prompt: text(child(then, 'prompt')),
    command: text(child(then, 'command')),
    timeout: num(child(then, 'timeout')) ?? num(child(root, 'timeout')),
    enabled: flag(child(root, 'enabled')),
    lost,
  })
  return written(src, [dialect], draft)
}

function fromFlat(src: Source, root: Node, dialect: Dialect): Conversion {
  const action = child(root, 'action')
  const known = [
    'event',
    'trigger',
    'match',
    'matcher',
    'pattern',
    'patterns',
    'prompt',
    'command',
    'run',
    'action',
    'type',
    ...OF_ANY,
  ]
  const draft = draftOf(src, {
    name: nameOf(src, root),
    description: text(child(root, 'description')),
    event: text(child(root, 'event')) ?? text(child(root, 'trigger')) ?? '',
    globs: listOf(root, ['match', 'matcher', 'pattern', 'patterns']),
    tools: [],
    type: text(child(action, 'type')) ?? text(child(root, 'type')) ?? '',
    prompt: text(child(root, 'prompt')) ?? text(child(action, 'prompt')),
    command: text(child(root, 'command')) ?? text(child(root, 'run')) ?? text(child(action, 'command')),
    timeout: num(child(root, 'timeout')) ?? num(child(action, 'timeout')),
    enabled: flag(child(root, 'enabled')),
    lost: carried(root, known, ''),
  })
  return written(src, [dialect], draft)
}

function fromMarkdown(src: Source): Conversion | undefined {
  const { front, body } = markdownOf(src)
  if (!front || !(child(front, 'event') ?? child(front, 'trigger'))) return undefined
  const known = ['event', 'trigger', 'match', 'matcher', 'pattern', 'patterns', ...OF_ANY]
  const draft = draftOf(src, {
    name: nameOf(src, front),
    description: text(child(front, 'description')),
    event: text(child(front, 'event')) ?? text(child(front, 'trigger')) ?? '',
    globs: listOf(front, ['match', 'matcher', 'pattern', 'patterns']),
    tools: [],
    type: 'askAgent',
    prompt: body.trim(),
    command: undefined,
    timeout: undefined,
    enabled: flag(child(front, 'enabled')),
    lost: carried(front, known, ''),
  })
  return written(src, ['G'], draft)
}

interface Parts {
  readonly name: string
  readonly description: string | undefined
  readonly event: string
  readonly globs: readonly string[]
  readonly tools: readonly string[]
  readonly type: string
  readonly prompt: string | undefined
  readonly command: string | undefined
  /** Seconds. */
  readonly timeout: number | undefined
  readonly enabled: boolean | undefined
  readonly lost: readonly string[]
}

function draftOf(src: Source, parts: Parts): Draft {
  const notes = parts.lost.map((key) => `Version 1 has no place for ${key}.`)
  const trigger = triggerOf(parts.event)
  if (!trigger)
    return {
      hooks: [],
      steering: {},
      notes: [
        ...notes,
        `The event "${parts.event}" has no counterpart; a person has to choose one of ${TRIGGERS.join(', ')}.`,
      ],
    }
  const isCommand = /command|shell|run/i.test(parts.type) || (parts.prompt === undefined && parts.command !== undefined)
  if (trigger === 'Manual') return asSteering(src, parts, notes)
  const action = isCommand
    ? ({ type: 'command', command: parts.command ?? '' } as const)
    : ({ type: 'agent', prompt: (parts.prompt ?? '').trim() } as const)
  if ((action.type === 'command' ? action.command : action.prompt) === '')
    return { hooks: [], steering: {}, notes: [...notes, 'There is neither a command nor a prompt to run.'] }
  if (action.type === 'command' && /\$\{?\w*(?:file|FILE)\w*\}?|\{\{|USER_PROMPT/.test(action.command))
    notes.push('Kiro expands nothing in a command: read file_path, or the prompt, from the JSON on standard input.')
  const onFiles = trigger.startsWith('PostFile')
  const matcher = onFiles && parts.globs.length > 0 ? matcherFor(parts.globs) : undefined
  if (onFiles && parts.globs.length > 0 && matcher === undefined)
    notes.push(`The patterns ${parts.globs.join(', ')} could not be turned into a matcher.`)
  const hook: V1Hook = {
    name: parts.name,
    ...(parts.description ? { description: parts.description } : {}),
    trigger,
    ...(matcher === undefined ? {} : { matcher }),
    action,
    ...(action.type === 'command' && parts.timeout !== undefined ? { timeout: Math.ceil(parts.timeout) } : {}),
    ...(parts.enabled === false ? { enabled: false } : {}),
  }
  if (!/ToolUse$/.test(trigger) || parts.tools.length === 0 || parts.tools.includes('*'))
    return { hooks: [hook], steering: {}, notes }
  // One matcher a hook: several tools become several hooks.
  const hooks = parts.tools.map((tool, index) => ({
    ...hook,
    name: parts.tools.length > 1 ? `${parts.name}-${index + 1}` : parts.name,
    matcher: tool,
  }))
  return { hooks, steering: {}, notes }
}

/** A hook that only a person starts is a steering file that is included by hand. */
function asSteering(src: Source, parts: Parts, notes: readonly string[]): Draft {
  if (!parts.prompt)
    return {
      hooks: [],
      steering: {},
      notes: [...notes, 'A command that a person starts has no counterpart: run it from the terminal.'],
    }
  const stem =
    parts.name
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'manual-hook'
  const place = placeOf(src).replace(/hooks\/[^/]+$/, `steering/${stem}.md`)
  return {
    hooks: [],
    steering: { [place]: `---\ninclusion: manual\n---\n${parts.prompt.trim()}\n` },
    notes: [...notes, `It is started by hand, so it becomes the steering file ${place} (type #${stem}).`],
  }
}

/** Version 1 in the wrong file, or with one of its three usual mistakes. */
function fromV1(src: Source, root: Node): Conversion {
  const found = new Set<Dialect>()
  const notes: string[] = []
  if (!/\.json$/.test(src.file)) found.add('D')
  const hooks = items(child(root, 'hooks')).map((hook) => mended(hook, found, notes))
  if (text(child(root, 'version')) !== 'v1')
    notes.push('version is now "v1": with anything else the whole file is dropped.')
  const inPlace = /(^|\/)\.kiro\/hooks\/[^/]+\.json$/.test(src.file)
  if (found.size === 0 && inPlace && notes.length === 0)
    return { file: src.file, dialects: ['A'], writes: {}, removes: false, notes: [] }
  const body = `${JSON.stringify({ ...(plain(root) as object), version: 'v1', hooks }, null, 2)}\n`
  const place = inPlace ? src.file : placeOf(src)
  const dialects = found.size > 0 ? [...found].sort() : (['A'] as const)
  return { file: src.file, dialects, writes: { [place]: body }, removes: place !== src.file, notes }
}

function mended(hook: Node, found: Set<Dialect>, notes: string[]): unknown {
  const value = { ...(plain(hook) as Record<string, unknown>) }
  const action = { ...((value.action as Record<string, unknown> | undefined) ?? {}) }
  if ('timeout' in action) {
    found.add('H')
    value.timeout ??=
      typeof action.timeout === 'number' && action.timeout > 900 ? Math.ceil(action.timeout / 1_000) : action.timeout
    delete action.timeout
  }
  if (action.type === 'prompt') {
    found.add('J')
    action.type = 'agent'
  }
  const trigger = typeof value.trigger === 'string' ? value.trigger : ''
  const known = triggerOf(trigger)
  if (known && known !== trigger) {
    notes.push(`The trigger ${trigger} is now ${known}.`)
    value.trigger = known
  }
  if (typeof value.matcher === 'string' && /^PostFile/.test(known ?? trigger) && isGlob(value.matcher)) {
    const matcher = matcherFor(splitGlobs(value.matcher))
    if (matcher === undefined)
      notes.push(`The matcher ${value.matcher.slice(0, 80)} could not be turned into a regular expression.`)
    else {
      found.add('I')
      value.matcher = matcher
    }
  }
  if (value.action !== undefined) value.action = action
  return value
}

/** Hooks inside an agent of the command line's version 2 (milliseconds) become a file of their own. */
function fromAgent(src: Source): Conversion | undefined {
  const { root } = readJson(src)
  const table = child(root, 'hooks')
  if (table?.kind !== 'map') return undefined
  const notes: string[] = []
  const hooks = fields(table).flatMap(([event, list]) =>
    items(list).flatMap((one, index): V1Hook[] => {
      const trigger = triggerOf(event)
      const command = text(child(one, 'command'))
      const extra = carried(one, ['command', 'matcher', 'timeout_ms', 'description'], `hooks.${event}.`)
      notes.push(...extra.map((key) => `Version 1 has no place for ${key}.`))
      if (!trigger || !command) {
        notes.push(`hooks.${event} has no counterpart.`)
        return []
      }
      const matcher = text(child(one, 'matcher'))
      const ms = num(child(one, 'timeout_ms'))
      return [
        {
          name: `${text(child(root, 'name')) ?? 'agent'}-${event}-${index + 1}`,
          trigger,
          ...(matcher && matcher !== '*' ? { matcher } : {}),
          action: { type: 'command', command },
          ...(ms === undefined ? {} : { timeout: Math.ceil(ms / 1_000) }),
        },
      ]
    }),
  )
  if (hooks.length === 0) return undefined
  const place = placeOf(src).replace(/\.json$/, '-agent.json')
  const body = `${JSON.stringify({ version: 'v1', hooks }, null, 2)}\n`
  return {
    file: src.file,
    dialects: ['L'],
    writes: { [place]: body },
    removes: false,
    notes: [
      ...notes,
      'The agent keeps its own hooks for version 2 of the command line; take them out when nobody uses it any more.',
    ],
  }
}

function nameOf(src: Source, root: Node): string {
  const said = text(child(root, 'name')) ?? text(child(root, 'title')) ?? text(child(root, 'id'))
  return said ?? src.file.slice(src.file.lastIndexOf('/') + 1).replace(/\.(kiro\.hook|json|ya?ml|md)$/, '')
}

function listOf(node: Node | undefined, keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => items(child(node, key)).flatMap((item) => splitGlobs(text(item) ?? ''))).filter(Boolean)
}

/** "a.yml,b.yml" is two globs; the comma inside braces is none. */
export function splitGlobs(words: string): readonly string[] {
  const parts: string[] = []
  let depth = 0
  let part = ''
  for (const char of words.slice(0, 2_000)) {
    if (char === '{') depth++
    if (char === '}') depth--
    if (char === ',' && depth <= 0) {
      parts.push(part.trim())
      part = ''
    } else part += char
  }
  return [...parts, part.trim()].filter(Boolean)
}

function carried(node: Node | undefined, known: readonly string[], prefix: string): readonly string[] {
  return fields(node)
    .filter(([key]) => !known.includes(key))
    .map(([key, value]) => `${prefix}${key} (${allText(value).slice(0, 60).replace(/\s+/g, ' ')})`)
}

function plain(node: Node): unknown {
  if (node.kind === 'map') return Object.fromEntries([...node.entries].map(([key, { value }]) => [key, plain(value)]))
  if (node.kind === 'list') return node.items.map(plain)
  return node.kind === 'scalar' ? node.value : node.text
}
