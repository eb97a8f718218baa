/** Brings the database to what a release needs: `DATABASE_URL=… RELEASE=r2 node migrate.js`. Prints one line a migration. */
import { migrate } from './app/migrations.ts'
import { RELEASES } from './releases/index.ts'

const { DATABASE_URL: url, RELEASE: name = 'r1' } = process.env
const release = Object.hasOwn(RELEASES, name) ? RELEASES[name] : undefined
if (!url || !release) {
  console.error(`Set DATABASE_URL, and RELEASE to one of ${Object.keys(RELEASES).join(', ')}.`)
  process.exit(2)
}
try {
  const applied = await migrate(url, release)
  for (const migration of applied) console.log(`applied ${migration}`)
  if (applied.length === 0) console.log(`nothing to apply for ${name}`)
} catch (thrown) {
  console.error(thrown instanceof Error ? thrown.message : String(thrown))
  process.exit(1)
}
