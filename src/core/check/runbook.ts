/** A Markdown runbook as its reader meets it at 3am: commands to copy, and the words around each. */
import type { Source } from './formats/node.ts'
import type { World } from './world.ts'

export interface Block {
  /** What stands after the fence: `sh`, `sql`, `step`, or ''. */
  readonly language: string
  readonly text: string
  /** Offset of the block's content. */
  readonly at: number
  /** Words between the block before (or heading) and this one, at most 600 characters. */
  readonly before: string
  /** Words after it, up to the next block or heading, at most 600 characters. */
  readonly after: string
}

/** Runbooks of a tree, without indexes and templates. */
export function runbooksOf(world: World): readonly Source[] {
  return world.sources('runbook').filter((src) => !/(^|\/)(readme|index|_?template[\w-]*)\.md$/i.test(src.file))
}

const FENCE = /^([ \t]*)(`{3,}|~{3,})[ \t]*([\w-]*)[^\n]*\n([\s\S]*?)^[ \t]*\2[ \t]*$/gm
const BLOCKS_MAX = 200

export function blocksOf(src: Source): readonly Block[] {
  const found = [...src.text.slice(0, 200_000).matchAll(FENCE)].slice(0, BLOCKS_MAX)
  return found.map((match, index) => {
    const start = match.index
    const end = start + match[0].length
    const previous = index === 0 ? 0 : found[index - 1]!.index + found[index - 1]![0].length
    const next = found[index + 1]?.index ?? src.text.length
    const gap = src.text.slice(previous, start)
    const heading = Math.max(gap.lastIndexOf('\n#'), 0)
    const rest = src.text.slice(end, next)
    const stop = /\n#{1,6}\s/.exec(rest)?.index ?? rest.length
    return {
      language: match[3]!.toLowerCase(),
      text: match[4]!,
      at: start + match[0].indexOf('\n') + 1,
      before: gap.slice(heading).slice(-600),
      after: rest.slice(0, stop).slice(0, 600),
    }
  })
}

/** Does somebody type this? Typed steps, outputs, configuration and diagrams are not commands. */
export function isCommand(block: Block): boolean {
  if (/^(sh|bash|shell|console|zsh|powershell|pwsh|cmd|sql|psql|terminal)$/.test(block.language)) return true
  if (block.language !== '') return false
  return /^\s*(?:\$\s+)?(?:sudo\s+)?(?:kubectl|aws|az|gcloud|helm|terraform|docker|systemctl|curl|psql|ssh|git|npm|make|cf|heroku|holdfast|redis-cli|rails|bundle|python3?|\.\/)\b/m.test(
    block.text,
  )
}

/** A result that a stranger could compare with what they see. */
export const EXPECTS =
  /\bexpect|\bshould (?:now )?(?:show|see|be|return|say|print|list|read|have|look)|\byou(?:'ll| will)? (?:should )?see\b|\bif (?:it|not|you|there|this|the)\b|\bverify|\bconfirm|\bsuccess(?:ful)? (?:if|when|looks)|\bresult:|\boutput:|\breturns?\b|\bshows?\b|\bprints?\b|\bwait (?:until|for)\b|\bmeans?\b|\bnormal(?:ly)? is\b|\bhealthy\b/i

/** A command that only looks. */
export function onlyLooks(command: string): boolean {
  return !/\b(delete|rm|drop|truncate|restart|rollout|scale|apply|patch|set|update|stop|start|kill|purge|force|terminate|failover|deploy|rollback|undo|drain|cordon|insert|exec|reboot|promote|put|create|push|flushall)\b/i.test(
    command,
  )
}
