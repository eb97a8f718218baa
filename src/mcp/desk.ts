/**
 * What the answers of `holdfast mcp` are made from, read anew for each question: the definition, the files of the repository, and the
 * store. Agents freeze their context when a session starts, so nothing is remembered here either. Everything is only read.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { readTree } from '../adapters/tree/read.ts'
import type { Tree } from '../core/check/tree.ts'
import { loadService } from '../core/define/load.ts'
import type { Service } from '../core/define/schema.ts'
import { messageOf } from '../core/errors.ts'
import type { Instant } from '../core/time.ts'
import type { Store } from '../ports/store.ts'

/** An answer, or the honest lack of one: why, and which file or fact would settle it. */
export type Known<T> =
  | { readonly known: true; readonly value: T }
  | { readonly known: false; readonly why: string; readonly needs: string }

export interface Definition {
  readonly service: Service
  /** The file as it stands. */
  readonly text: string
}

export interface DeskOptions {
  /** The definition, absolute; its folder is the repository. */
  readonly serviceFile: string
  /** The state folder, absolute. */
  readonly state: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly now: () => Instant
}

export interface Desk {
  /** Folder of the definition, absolute. */
  readonly root: string
  now(): Instant
  definition(): Known<Definition>
  /** Files of the repository that `matters` wants; default: those that a rule of `check` may want. */
  tree(matters?: (path: string) => boolean): Tree
  /** A file of the repository by its path relative to the root. Undefined: it is not there, not text, too large, or outside. */
  file(path: string): string | undefined
  /** Asks the store, which is closed again afterwards. Not known: nothing has run from here yet, or it does not answer. */
  store<T>(use: (store: Store) => Promise<T>): Promise<Known<T>>
}

/** Bytes of one file that are read at most; a definition has about 13 KB, a runbook 5 KB. */
const FILE_BYTES_MAX = 2 * 1024 * 1024
/** How long the store may take, opening included. An agent's own patience is 60 s. */
const STORE_MS_MAX = 20_000

export function openDesk({ serviceFile, state, env, now }: DeskOptions): Desk {
  const root = dirname(serviceFile)
  return {
    root,
    now,
    definition: () => definitionAt(serviceFile, root),
    tree: (matters) => readTree([root], root, matters),
    file: (path) => textAt(join(root, insideOf(root, path) ?? '\0')),
    store: (use) => askStore(state, env, use),
  }
}

/** A path relative to the root with forward slashes, or undefined when it leads outside. */
export function insideOf(root: string, path: string): string | undefined {
  if (path.includes('\0') || path.length > 1_000) return undefined
  const inner = relative(root, isAbsolute(path) ? path : resolve(root, path))
  if (inner === '' || inner === '..' || inner.startsWith(`..${sep}`) || isAbsolute(inner)) return undefined
  return sep === '/' ? inner : inner.split(sep).join('/')
}

function definitionAt(file: string, root: string): Known<Definition> {
  const shown = relative(root, file)
  const text = textAt(file)
  if (text === undefined)
    return { known: false, why: `There is no definition at ${shown}.`, needs: 'holdfast init, which drafts it' }
  const { service, findings } = loadService(text, shown)
  if (service) return { known: true, value: { service, text } }
  const first = findings.find(({ severity }) => severity === 'error')
  return {
    known: false,
    why: `${shown} has errors${first ? `; the first: line ${first.line}, ${first.says}` : ''}`,
    needs: 'a definition without errors; holdfast define names all of them',
  }
}

function textAt(file: string): string | undefined {
  try {
    const stat = statSync(file)
    if (!stat.isFile() || stat.size > FILE_BYTES_MAX) return undefined
    const text = readFileSync(file, 'utf8')
    return text.slice(0, 4_000).includes('\0') ? undefined : text
  } catch {
    return undefined
  }
}

async function askStore<T>(
  state: string,
  env: DeskOptions['env'],
  use: (store: Store) => Promise<T>,
): Promise<Known<T>> {
  // Looking must not make a database: without one, nothing has been deployed from here.
  if (!env.DATABASE_URL && !existsSync(join(state, 'postgres')))
    return {
      known: false,
      why: 'Holdfast has deployed nothing from this folder: there is no store in it, and DATABASE_URL is not set.',
      needs: 'DATABASE_URL of the store, or --state with the folder that Holdfast deploys from',
    }
  const { openHoldfastStore } = await import('../adapters/postgres/open.ts')
  const asked = (async (): Promise<Known<T>> => {
    const { store } = await openHoldfastStore({ state, env })
    try {
      return { known: true, value: await use(store) }
    } finally {
      await store.close()
    }
  })().catch(
    (thrown: unknown): Known<T> => ({
      known: false,
      why: `The store does not answer: ${messageOf(thrown).slice(0, 300)}`,
      needs: 'a store that answers; look again later',
    }),
  )
  let late: NodeJS.Timeout | undefined
  const patience = new Promise<Known<T>>((settle) => {
    late = setTimeout(
      () =>
        settle({
          known: false,
          why: `The store has not answered for ${STORE_MS_MAX / 1_000} s.`,
          needs: 'a store that answers; look again later',
        }),
      STORE_MS_MAX,
    )
  })
  return Promise.race([asked, patience]).finally(() => clearTimeout(late))
}
