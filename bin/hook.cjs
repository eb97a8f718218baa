// Runs `holdfast check --hook` from one bundled file, with V8's compiled code kept between runs in the user's own cache folder
// (never in the repository: compiled code from there would be a stranger's). Without bundle or cache it only takes longer.
// CommonJS, because Node loads it without starting the loader of modules once more.
const { createHash } = require('node:crypto')
const { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs')
const { homedir } = require('node:os')
const { join } = require('node:path')
const { Script } = require('node:vm')

const bundle = join(__dirname, '..', 'dist', 'hook.cjs')
if (existsSync(bundle)) process.exitCode = run()
else import('../dist/src/cli/main.js')

function run() {
  const source = `(function (module, require) {${readFileSync(bundle, 'utf8')}\n})`
  const cache = cacheFile(source)
  const cachedData = readOr(cache)
  const script = new Script(source, { filename: bundle, ...(cachedData ? { cachedData } : {}) })
  const module = { exports: {} }
  script.runInThisContext()(module, require)
  const exit = module.exports.main(process.argv.slice(2))
  if (cache && (!cachedData || script.cachedDataRejected)) keep(cache, script.createCachedData())
  return exit
}

/** One cache for each bundle, version of V8 and processor. V8 itself compares only lengths, so the name holds the bundle's digest. */
function cacheFile(source) {
  const folder = process.env.XDG_CACHE_HOME || (homedir() ? join(homedir(), '.cache') : '')
  const digest = createHash('sha256').update(source).digest('hex').slice(0, 32)
  return folder && join(folder, 'holdfast', `hook-${process.versions.v8}-${process.arch}-${digest}.bin`)
}

function readOr(path) {
  try {
    return path ? readFileSync(path) : undefined
  } catch {
    return undefined
  }
}

function keep(path, data) {
  try {
    mkdirSync(join(path, '..'), { recursive: true, mode: 0o700 })
    writeFileSync(`${path}.${process.pid}`, data, { mode: 0o600 })
    renameSync(`${path}.${process.pid}`, path)
    // Each release and each version of Node has its own; the last few are enough.
    const kept = readdirSync(join(path, '..')).map((name) => join(path, '..', name))
    const newest = kept.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
    for (const old of newest.slice(4)) rmSync(old, { force: true })
  } catch {
    // A cache that cannot be written is a slower hook, and nothing else.
  }
}
