/**
 * A model of what Kiro 1.x does with the files of a workspace, written from its documented rules: which load, as what, and which it
 * drops without a word. It is a model of the loader, not the loader; nothing here was tried in Kiro itself.
 */
import { parse } from 'yaml'

export interface Loaded {
  readonly path: string
  readonly kind: 'steering' | 'hook' | 'agent' | 'spec' | 'mcp' | 'ignore' | 'instructions'
  /** How it takes part: "always", "PostFileSave", "read" … */
  readonly as: string
}

export interface Inert {
  readonly path: string
  readonly why: string
}

export interface Workspace {
  readonly loaded: readonly Loaded[]
  /** Dropped, or loaded so that they can never do anything. */
  readonly inert: readonly Inert[]
  /** Loaded otherwise than was written: a steering file that becomes always-on, a time-out that is not read. */
  readonly widened: readonly Inert[]
}

export interface TextFile {
  readonly path: string
  readonly text: string
}

const INCLUSIONS = ['always', 'fileMatch', 'manual', 'auto']
const TRIGGERS = [
  'SessionStart',
  'UserPromptSubmit',
  'PreToolUse',
  'PostToolUse',
  'PreTaskExec',
  'PostTaskExec',
  'PostFileCreate',
  'PostFileSave',
  'PostFileDelete',
  'Stop',
]
const TOOL_TAGS = ['read', 'write', 'shell', 'web', 'subagent', 'spec', 'context', '*']
const CAPABILITIES =
  'all builtin filesystem fs_read fs_write shell web_fetch web_search mcp subagent skill power context diagnostics sandbox_network'.split(
    ' ',
  )
const TASK = /^(\s*)([-*+])\s+\[([ xX\-~])\](\\?\*?)\s+(.+)$/

/** Loads a workspace. `files` are all its files; those outside of Kiro's places only serve as what patterns can hit. */
export function loadKiro(files: readonly TextFile[]): Workspace {
  const loaded: Loaded[] = []
  const inert: Inert[] = []
  const widened: Inert[] = []
  const all = files.map(({ path }) => path)
  const drop = (path: string, why: string) => void inert.push({ path, why })
  for (const { path, text } of files) {
    if (/(^|\/)AGENTS\.md$/.test(path)) loaded.push({ path, kind: 'instructions', as: 'always' })
    else if (path === '.kiroignore') loaded.push({ path, kind: 'ignore', as: 'gitignore' })
    else if (!path.startsWith('.kiro/')) continue
    else if (/^\.kiro\/steering\/.+\.md$/.test(path)) steering(path, text)
    else if (/^\.kiro\/hooks\/[^/]+\.json$/.test(path)) hooks(path, text)
    else if (/^\.kiro\/agents\/.+\.md$/.test(path)) agent(path, text)
    else if (/^\.kiro\/specs\/[a-z0-9-]+\//.test(path)) spec(path, text)
    else if (path === '.kiro/settings/mcp.json') mcp(path, text)
    else drop(path, 'nothing of Kiro 1.x looks there')
  }
  return { loaded, inert, widened }

  function steering(path: string, text: string): void {
    const front = frontOf(text)
    const inclusion = front?.inclusion ?? 'always'
    // A broken front matter or an unknown word loads the whole file into every session.
    if (!front || !INCLUSIONS.includes(inclusion as string)) {
      widened.push({ path, why: 'its front matter does not say when it applies, so it is always on' })
      loaded.push({ path, kind: 'steering', as: 'always' })
      return
    }
    if (inclusion === 'fileMatch') {
      const patterns = [front.fileMatchPattern].flat().filter((one) => typeof one === 'string')
      if (!patterns.some((pattern) => all.some((file) => globOf(pattern).test(file))))
        return drop(path, `no file matches ${patterns.join(', ') || 'the pattern that is missing'}`)
    }
    if (inclusion === 'auto' && (!front.name || !front.description))
      return drop(path, 'auto needs name and description')
    for (const [, link] of text.matchAll(/#\[\[file:([^\]]+)\]\]/g))
      if (!all.includes(link!)) return drop(path, `it includes ${link}, which is not there`)
    loaded.push({ path, kind: 'steering', as: inclusion as string })
  }

  function hooks(path: string, text: string): void {
    const file = jsonOf(text)
    if (file?.version !== 'v1' || !Array.isArray(file.hooks) || file.hooks.length === 0)
      return drop(path, 'the file is not version "v1" with a list of hooks')
    // One hook with an action that is none makes the whole file invalid.
    const isAction = (action: Doc | undefined) =>
      (action?.type === 'command' && typeof action.command === 'string') ||
      (action?.type === 'agent' && typeof action.prompt === 'string')
    if (file.hooks.some((hook: Doc) => !isAction(hook.action as Doc | undefined)))
      return drop(path, 'an action is neither command nor agent')
    for (const hook of file.hooks as Doc[]) {
      const at = `${path}#${hook.name}`
      const trigger = String(hook.trigger)
      if (typeof hook.name !== 'string' || !TRIGGERS.includes(trigger)) {
        drop(at, `there is no trigger ${trigger}`)
        continue
      }
      if ((hook.action as Doc).timeout !== undefined)
        widened.push({ path: at, why: 'the time-out stands inside of the action and is not read: 60 s' })
      if (hook.enabled === false) continue
      if (typeof hook.matcher === 'string' && !canFire(trigger, hook.matcher)) drop(at, `${hook.matcher} never fires`)
      else loaded.push({ path: at, kind: 'hook', as: trigger })
    }
  }

  function canFire(trigger: string, matcher: string): boolean {
    let pattern: RegExp
    try {
      pattern = new RegExp(matcher)
    } catch {
      return false
    }
    if (trigger.startsWith('PostFile')) return all.some((path) => pattern.test(path))
    if (trigger.endsWith('ToolUse')) return TOOL_TAGS.includes(matcher) || matcher.startsWith('@')
    return true
  }

  function agent(path: string, text: string): void {
    const front = frontOf(text)
    if (!front) return drop(path, 'an agent without front matter is dropped')
    if (front.tools === undefined) return drop(path, 'an agent without tools can do nothing')
    for (const name of ['includeMcpJson', 'includePowers'])
      if (front[name] !== undefined && typeof front[name] !== 'boolean') return drop(path, `${name} is no boolean`)
    const tools = Array.isArray(front.tools) ? front.tools : String(front.tools).split(',')
    for (const tool of tools)
      if (!TOOL_TAGS.includes(String(tool).trim()) && !String(tool).startsWith('@'))
        return drop(path, `there is no tool ${tool}`)
    const { permissions } = front as { permissions?: { rules?: unknown } }
    if (permissions !== undefined) {
      if (!Array.isArray(permissions?.rules)) return drop(path, 'permissions without rules are void')
      for (const rule of permissions.rules as Doc[])
        if (!CAPABILITIES.includes(String(rule.capability)) || !['allow', 'ask', 'deny'].includes(String(rule.effect)))
          return drop(path, `there is no capability ${rule.capability}`)
    }
    for (const resource of [front.resources ?? []].flat() as unknown[]) {
      const file = String(resource).match(/^file:\/\/(.+)$/)?.[1]
      if (!file && !/^skill:\/\//.test(String(resource))) return drop(path, `${resource} has no scheme`)
      if (file && !all.some((one) => one === file || globOf(file).test(one))) return drop(path, `${file} is not there`)
    }
    loaded.push({ path, kind: 'agent', as: tools.join(',') })
  }

  function spec(path: string, text: string): void {
    const name = path.split('/').at(-1)!
    if (name === '.config.kiro') {
      const config = jsonOf(text)
      if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(String(config?.specId)))
        return drop(path, 'specId is no UUID')
    } else if (name === 'tasks.md') {
      const boxes = text.split('\n').filter((line) => /\[[ xX\-~]?\]/.test(line))
      const bad = boxes.find((line) => !TASK.test(line))
      if (bad !== undefined || boxes.length === 0) return drop(path, `"${bad ?? ''}" is no task`)
    } else if (!['requirements.md', 'design.md', 'bugfix.md'].includes(name)) return drop(path, 'no part of a spec')
    loaded.push({ path, kind: 'spec', as: name })
  }

  function mcp(path: string, text: string): void {
    const servers = Object.entries((jsonOf(text)?.mcpServers ?? {}) as Record<string, Doc>)
    if (servers.length === 0) return drop(path, 'it names no server')
    for (const [name, server] of servers)
      if (typeof server.command !== 'string' && typeof server.url !== 'string')
        return drop(path, `${name} has neither command nor url`)
    loaded.push({ path, kind: 'mcp', as: servers.map(([name]) => name).join(',') })
  }
}

type Doc = Readonly<Record<string, unknown>>

/** Front matter only when it is the very first thing of the file, and one YAML mapping. */
export function frontOf(text: string): Record<string, unknown> | undefined {
  const found = text.match(/^---\n([\s\S]*?)\n---\n/)
  if (!found) return undefined
  try {
    const value: unknown = parse(found[1]!, { version: '1.2', schema: 'core' })
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function jsonOf(text: string): Record<string, any> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** A glob from the root of the workspace, dots included: `**`, `*`, `?` and braces. */
export function globOf(glob: string): RegExp {
  let out = ''
  let depth = 0
  for (let i = 0; i < glob.length; i++) {
    const sign = glob[i]!
    if (glob.startsWith('**/', i)) {
      out += '(?:[^/]+/)*'
      i += 2
    } else if (glob.startsWith('**', i)) {
      out += '.*'
      i++
    } else if (sign === '*') out += '[^/]*'
    else if (sign === '?') out += '[^/]'
    else if (sign === '{') {
      depth++
      out += '(?:'
    } else if (sign === '}' && depth > 0) {
      depth--
      out += ')'
    } else if (sign === ',' && depth > 0) out += '|'
    else out += sign.replace(/[.+^${}()|[\]\\]/g, '\\$&')
  }
  return new RegExp(`^${out}$`)
}
