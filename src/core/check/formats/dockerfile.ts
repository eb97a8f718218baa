/** Dockerfiles as a list of instructions with places. Continuations, comments, heredocs and the escape directive are honoured. */
import type { Problem, Source } from './node.ts'

export interface Instruction {
  /** Upper case: FROM, CMD, ENTRYPOINT … */
  readonly name: string
  /** What follows the name, continuations joined with a space. */
  readonly args: string
  /** The words of the exec form (`["node", "server.js"]`); absent for the shell form. */
  readonly exec?: readonly string[]
  /** Which build stage, counted from 0 at the first FROM. */
  readonly stage: number
  readonly src: Source
  readonly at: number
}

export interface Dockerfile {
  readonly src: Source
  readonly instructions: readonly Instruction[]
  readonly problems: readonly Problem[]
}

const INSTRUCTIONS_MAX = 5_000

/** Never throws. */
export function readDockerfile(src: Source): Dockerfile {
  const { text } = src
  const mark = /^#\s*escape\s*=\s*`/im.test(text.slice(0, 200)) ? '`' : '\\'
  const instructions: Instruction[] = []
  const problems: Problem[] = []
  let stage = -1
  let at = text.charCodeAt(0) === 0xfeff ? 1 : 0
  while (at < text.length) {
    const from = at
    let joined = ''
    for (;;) {
      const feed = text.indexOf('\n', at)
      const line = text.slice(at, feed < 0 ? undefined : feed).replace(/\r$/, '')
      at = feed < 0 ? text.length : feed + 1
      if (joined && /^\s*#/.test(line)) continue
      if (!line.trimEnd().endsWith(mark)) {
        joined += line
        break
      }
      joined += `${line.trimEnd().slice(0, -1)} `
      if (at >= text.length) break
    }
    const match = /^\s*([A-Za-z]+)\s+(\S[\s\S]*)$/.exec(joined)
    if (/^\s*(#|$)/.test(joined)) continue
    if (!match) {
      problems.push({ says: 'This line is not a Dockerfile instruction.', ...src.lines.placeOf(from) })
      if (problems.length > 5) break
      continue
    }
    const name = match[1]!.toUpperCase()
    if (name === 'FROM') stage++
    const args = match[2]!.trim()
    const exec = execForm(args)
    instructions.push({
      name,
      args,
      ...(exec ? { exec } : {}),
      stage: Math.max(stage, 0),
      src,
      at: from + joined.search(/\S/),
    })
    at = skipHeredocs(text, at, name, args)
    if (instructions.length >= INSTRUCTIONS_MAX) {
      problems.push({
        says: `The file has more than ${INSTRUCTIONS_MAX} instructions; the rest was not read.`,
        ...src.lines.placeOf(at),
      })
      break
    }
  }
  return { src, instructions, problems }
}

function execForm(args: string): readonly string[] | undefined {
  if (!args.startsWith('[')) return undefined
  try {
    const words: unknown = JSON.parse(args)
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined
  } catch {
    return undefined
  }
}

function skipHeredocs(text: string, at: number, name: string, args: string): number {
  if (name !== 'RUN' && name !== 'COPY' && name !== 'ADD') return at
  let here = at
  for (const match of args.matchAll(/<<-?\s*["']?([A-Za-z_]\w{0,60})["']?/g)) {
    const end = new RegExp(`^\\t*${match[1]}\\s*$`, 'm')
    const found = end.exec(text.slice(here))
    if (!found) return here
    here += found.index + found[0].length
  }
  return here
}
