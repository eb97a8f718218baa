/** Which accounts the tree itself gives to production, and which to other environments: its definition, and its files of values. */

import { child, items, text } from '../formats/node.ts'
import { linesOf } from '../formats/position.ts'
import { readYaml } from '../formats/yaml.ts'
import type { World } from '../world.ts'
import { type Side, sideOf } from './aim.ts'

export interface Declared {
  readonly side: Side
  /** The file that says so. */
  readonly file: string
}

/** Twelve digits, as every AWS account has. */
const ACCOUNT = /^\d{12}$/

/** Accounts that are declared for one side only; what both sides use is nobody's. Pure. */
export function declaredAccounts(world: World): ReadonlyMap<string, Declared> {
  const found = new Map<string, Declared>()
  const shared = new Set<string>()
  const add = (account: string, side: Side, file: string) => {
    const before = found.get(account)
    if (before && before.side !== side) shared.add(account)
    else found.set(account, before ?? { side, file })
  }
  for (const file of world.tree.files.filter(({ path }) => /(^|\/)service\.yaml$/.test(path))) {
    const [root] = readYaml({ file: file.path, text: file.text, lines: linesOf(file.text) }).documents
    for (const environment of items(child(root, 'environments'))) {
      const account = text(child(environment, 'account')) ?? ''
      const kind = text(child(environment, 'kind'))
      if (ACCOUNT.test(account) && kind) add(account, kind === 'production' ? 'production' : 'elsewhere', file.path)
    }
  }
  for (const src of world.sources('tfvars')) {
    const side = sideOf(src.file.replace(/\.tfvars(\.json)?$/, ''))
    if (!side) continue
    // An account that is named for another purpose (peering, a registry) is not the one that is deployed to.
    for (const match of src.text.matchAll(
      /^[ \t{]{0,40}"?\w{0,40}account\w{0,40}"?[ \t]{0,40}[=:][ \t]{0,40}"(\d{12})"/gim,
    ))
      if (/^\W*(?:aws_|target_)?account(?:_id|_number)?\W*[=:]/i.test(match[0])) add(match[1]!, side, src.file)
  }
  for (const account of shared) found.delete(account)
  return found
}
