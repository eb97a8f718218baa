/** A program: tries the alerts of the files and folders given, below the folder it is started in, and prints what came of it as JSON. */
import { resolve } from 'node:path'
import { readTree } from '../adapters/tree/read.ts'
import { judgeAlerts } from '../core/deploy/alert-proof.ts'
import { failed } from '../core/deploy/gate.ts'
import { messageOf } from '../core/errors.ts'

function answer() {
  try {
    const root = process.cwd()
    const paths = process.argv.slice(2).map((path) => resolve(root, path))
    return judgeAlerts(readTree(paths, root), Date.now())
  } catch (thrown) {
    return failed(`The alert rules could not be read: ${messageOf(thrown)}.`)
  }
}

process.stdout.write(JSON.stringify(answer()))
