/** Every `holdfast …` that a kit prints is a command that exists, with options that it has. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Command } from '../src/cli/command.ts'
import { COMMANDS } from '../src/cli/table.ts'
import { loadService } from '../src/core/define/load.ts'
import { render } from '../src/core/kit/file.ts'
import { makeKit, sourceOf } from '../src/core/kit/kit.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const EVERY_COMMAND = ['--json', '--state', '--service', '--help', '--version']
const groups = new Set(COMMANDS.flatMap(({ name }) => (name.includes(' ') ? [name.split(' ')[0]!] : [])))

/** A command line as it stands in text: its words and options, up to where the sentence, the code span or the line ends. */
interface Said {
  readonly line: string
  readonly words: readonly string[]
  readonly options: readonly string[]
}

/** Where a mention is prose ("made by holdfast kit for Kiro"), words after the command are not its arguments. */
function saidIn(text: string): readonly Said[] {
  return [...text.matchAll(/(?<![\w/@.:-])holdfast ((?:[a-z][a-z-]*)(?:[^\n`]*))/g)].map(([line, rest]) => {
    const known = knownAt(rest!.split(/\s+/))
    const tail = known ? rest!.split(/\s+/).slice(known.name.split(' ').length).join(' ') : rest!
    // Options of the next sentence or of another program are not this one's.
    const own = tail.split(/[;|)]|(?<=[\w"…])\. |, |" \(|&&/)[0]!
    return {
      line: line.slice(0, 120),
      words: rest!.split(/\s+/).slice(0, 3),
      options: own.match(/(?<=^|\s)--[a-z][a-z-]*/g) ?? [],
    }
  })
}

function knownAt(words: readonly string[]): Command | undefined {
  const bare = words.map((word) => word.replace(/[.,;:!?)"'<\\]+.*$/, ''))
  for (const length of [3, 2, 1]) {
    const found = COMMANDS.find(({ name }) => name === bare.slice(0, length).join(' '))
    if (found) return found
  }
  return undefined
}

function wrongWith({ line, words, options }: Said): string | undefined {
  const [first = ''] = words.map((word) => word.replace(/[^a-z-].*$/, ''))
  const command = knownAt(words)
  // "`holdfast respond` walks through them" speaks of a group.
  if (!command)
    return groups.has(first) &&
      options.length === 0 &&
      /^[a-z-]+[`\s.,)]?/.test(words[0] ?? '') &&
      !/^[a-z]/.test(words[1] ?? '')
      ? undefined
      : `${line}: there is no such command`
  const has = [
    ...EVERY_COMMAND,
    ...(command.options ?? []).flatMap(({ flags }) => flags.match(/--[a-z][a-z-]*/g) ?? []),
  ]
  const unknown = options.find((option) => !has.includes(option))
  return unknown ? `${line}: ${command.name} has no ${unknown}` : undefined
}

test('the reader of commands finds what is wrong', () => {
  const wrong = (text: string) => saidIn(text).map(wrongWith).filter(Boolean).length
  assert.equal(wrong('run `holdfast check . --format github` then'), 0)
  assert.equal(
    wrong('npx --no-install holdfast deploy start --release "$RELEASE" --reason "$REASON" --by "$WHO" --json > d.json'),
    0,
  )
  assert.equal(wrong('`holdfast respond` walks through them and logs each result'), 0)
  assert.equal(wrong('# Words in an incident: holdfast respond comms draft'), 0)
  assert.equal(wrong('run: holdfast sing loudly'), 1)
  assert.equal(wrong('holdfast prove everything'), 1)
  assert.equal(wrong('run: holdfast deploy sing'), 1)
  assert.equal(wrong('holdfast respond sing --loudly'), 1)
  assert.equal(wrong('holdfast check . --fromat github'), 1)
  assert.equal(wrong('@registry/holdfast something'), 0, 'a package is no command')
})

for (const folder of readdirSync(`${root}examples`).filter((one) => existsSync(`${root}examples/${one}/service.yaml`)))
  test(`${folder}: every command in the kit exists, with its options`, () => {
    const definition = readFileSync(`${root}examples/${folder}/service.yaml`, 'utf8')
    const { service } = loadService(definition, 'service.yaml')
    const kit = makeKit(sourceOf(service!, []), { legacy: true })
    const texts = [
      { path: 'service.yaml', text: definition },
      ...kit.map((file) => ({ path: file.path, text: render(file) })),
    ]
    let looked = 0
    const wrong = texts.flatMap(({ path, text }) =>
      saidIn(text).flatMap((said) => {
        looked++
        const says = wrongWith(said)
        return says ? [`${path}: ${says}`] : []
      }),
    )
    assert.deepEqual(wrong, [])
    assert.ok(looked > 20, `${looked} commands were looked at`)
  })

test('every command in the guides and in the messages of the definition exists', () => {
  // "halt|resume" stands for each of them.
  const each = (text: string) =>
    text.replace(/holdfast (\w+) ([a-z]+(?:\\?\|[a-z]+)+)/g, (_, group: string, names: string) =>
      names
        .split(/\\?\|/)
        .map((name) => `holdfast ${group} ${name}\n`)
        .join(''),
    )
  const pages = readdirSync(`${root}docs/how-to`).map((page) => `docs/how-to/${page}`)
  const wrong = pages.flatMap((page) =>
    saidIn(each(readFileSync(`${root}${page}`, 'utf8'))).flatMap((said) => {
      const says = wrongWith(said)
      return says ? [`${page}: ${says}`] : []
    }),
  )
  assert.deepEqual(wrong, [])
})
