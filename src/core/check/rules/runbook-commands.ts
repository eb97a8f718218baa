import { fail, pass, type Rule, type Verdict } from '../rule.ts'
import { type Block, blocksOf, isCommand, onlyLooks, runbooksOf } from '../runbook.ts'

export const runbookCommands: Rule = {
  id: 'runbook-commands',
  question: 4,
  title: 'A command of a runbook can be copied and run as it stands',
  formats: ['runbook'],
  severity: 'warn',
  reach: 2,
  harm: 'The command fails, or hits the wrong thing, because somebody at 3am had to guess a part of it.',
  defaults: 'None.',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own expansion.
  fix: 'Use "${NAME:?}" for what has to be filled in, and say in a table of inputs where to find it and an example.',
  cites: 'Holdfast: runbook checks, commands',
  bad: {
    'runbooks/queue.md':
      '# Letters are stuck\n\nCitizens get no letter. Escalate to the on-call lead after 10 minutes.\n\n```sh\nkubectl delete pod <pod-name>\n```\n\nWarning: stops it; undo: it comes back. Expect: "deleted".\n',
  },
  good: {
    'runbooks/queue.md':
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own expansion.
      '# Letters are stuck\n\nCitizens get no letter. Escalate to the on-call lead after 10 minutes.\n\n| Input | Where |\n|---|---|\n| POD | first column of kubectl get pods, such as worker-7d9f |\n\n```sh\nkubectl logs "${POD:?}"\n```\n\nExpect: "sent".\n',
  },
  *check(world): Iterable<Verdict> {
    for (const src of runbooksOf(world)) {
      const commands = blocksOf(src).filter(isCommand)
      const found = commands.flatMap((block) => {
        const flaw = flawOf(block, src.text)
        return flaw ? [{ block, flaw }] : []
      })
      for (const { block, flaw } of found.slice(0, 3))
        yield fail(
          { file: src.file, ...src.lines.placeOf(block.at + flaw.at) },
          flaw.says,
          flaw.light ? { severity: 'info' } : {},
        )
      if (found.length === 0 && commands.length > 0) yield pass({ file: src.file, line: 1, col: 1 })
    }
  },
}

interface Flaw {
  readonly says: string
  readonly at: number
  readonly light?: boolean
}

function flawOf(block: Block, whole: string): Flaw | undefined {
  const { text } = block
  const at = (pattern: RegExp) => pattern.exec(text)
  const piped = at(/\b(?:curl|wget)\b[^\n|]*\|\s*(?:sudo\s+)?(?:ba|z)?sh\b/)
  if (piped) return { says: 'A script from the network is run unread.', at: piped.index }
  const hidden = at(/^\s*(?:#|--|\/\/)\s*(?:un-?comment|comment (?:this|out)|only (?:if|when)|optional)\b/im)
  if (hidden)
    return { says: 'Part of the command is hidden in a comment that the reader has to act on.', at: hidden.index }
  const hole = at(
    /<[a-z][\w-]*(?: [\w-]+){0,5}>|(?<![$%])\{\{\s*[a-z][\w-]{1,40}\s*\}\}|\b(?:YOUR|MY)[_-][A-Z_-]{2,40}\b|\bX{3,}\b/,
  )
  if (hole && block.language !== 'sql' && !explained(hole[0], whole))
    return { says: `"${hole[0]}" has to be filled in, and nothing says with what.`, at: hole.index }
  if (oddQuotes(text)) return { says: 'The command does not parse: a quotation mark is never closed.', at: 0 }
  const sample = onlyLooks(text) ? null : at(/\b(?:example\.(?:com|org)|i-0123456789|123456789012|foo-?bar)\b/)
  if (sample)
    return { says: `A command that changes something still holds the sample "${sample[0]}".`, at: sample.index }
  if (block.language === '')
    return { says: 'The block has no language, so nothing tells a command from its output.', at: 0, light: true }
  return undefined
}

/** A placeholder is explained where its name stands outside the commands: in a table, a list or a sentence. */
function explained(hole: string, whole: string): boolean {
  const name = hole.replace(/[<>{}\s]/g, '').toLowerCase()
  const outside = whole.replace(/^[ \t]*```[\s\S]*?^[ \t]*```/gm, '').toLowerCase()
  const words = name.split(/[-_ ]/).filter((word) => word.length > 2)
  return outside.includes(name) || (words.length > 0 && words.every((word) => outside.includes(word)))
}

/** Counts quotation marks line by line, outside the other kind and here-documents; an odd number in a block without them is a slip. */
function oddQuotes(text: string): boolean {
  if (/<<-?\s*['"]?\w+/.test(text) || text.length > 5_000) return false
  let open = ''
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!
    if (char === '\\' && open !== "'") i++
    else if (open === '' && char === '#' && /(^|\s)$/.test(text.slice(0, i))) {
      const end = text.indexOf('\n', i)
      i = end < 0 ? text.length : end
    } else if (open === '' && (char === '"' || char === "'")) open = char
    else if (char === open) open = ''
  }
  return open !== ''
}
