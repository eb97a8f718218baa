// Runs a command from one bundled file, with V8's compiled code kept between runs in the user's own cache folder (never in the
// repository: compiled code from there would be a stranger's). Without bundle or cache it only takes longer.
// CommonJS, because Node loads it without starting the loader of modules once more.
const { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs')
const { homedir } = require('node:os')
const { join } = require('node:path')
const { Script } = require('node:vm')

/** Caches of one bundle that are kept: each release and each version of Node has its own. */
const KEPT = 4

/** Runs `main` of dist/<name>.cjs on the command line; its answer, or what it promises, is the exit code. False without a build. */
exports.run = function run(name) {
  const bundle = join(__dirname, '..', 'dist', `${name}.cjs`)
  if (!existsSync(bundle)) return false
  const code = readFileSync(bundle, 'utf8')
  const source = `(function (module, require, __filename) {${code}\n})`
  const cache = cacheFile(name, code)
  const cachedData = readOr(cache)
  const script = new Script(source, { filename: bundle, ...(cachedData ? { cachedData } : {}) })
  const module = { exports: {} }
  script.runInThisContext()(module, require, bundle)
  const end = (exit) => {
    process.exitCode = exit
    if (cache && (!cachedData || script.cachedDataRejected)) keep(name, cache, script.createCachedData())
  }
  const exit = module.exports.main(process.argv.slice(2))
  if (typeof exit === 'number') end(exit)
  else exit.then(end)
  return true
}

/**
 * One cache for each bundle, version of V8 and processor. V8 itself compares only lengths, so the name holds the bundle's digest, which
 * the build wrote in its first line; without one there is no cache.
 */
function cacheFile(name, code) {
  const digest = /^\/\/([0-9a-f]{32})\n/.exec(code.slice(0, 40))?.[1]
  const folder = process.env.XDG_CACHE_HOME || (homedir() ? join(homedir(), '.cache') : '')
  return digest && folder && join(folder, 'holdfast', `${name}-${process.versions.v8}-${process.arch}-${digest}.bin`)
}

function readOr(path) {
  try {
    return path ? readFileSync(path) : undefined
  } catch {
    return undefined
  }
}

function keep(name, path, data) {
  try {
    const folder = join(path, '..')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(`${path}.${process.pid}`, data, { mode: 0o600 })
    renameSync(`${path}.${process.pid}`, path)
    const kept = readdirSync(folder).filter((file) => file.startsWith(`${name}-`))
    const newest = kept.map((file) => join(folder, file)).sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    for (const old of newest.slice(KEPT)) rmSync(old, { force: true })
  } catch {
    // A cache that cannot be written is a slower start, and nothing else.
  }
}
