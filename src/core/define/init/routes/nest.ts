/** Routes of NestJS: decorators of methods under that of their class, and under the prefix of the whole application. */
import type { TreeFile } from '../../../check/tree.ts'
import { Code } from './code.ts'
import { type Found, joined, type LeftOut, type Prefix, type Route } from './mounts.ts'

const METHOD = /^@(Get|Post|Put|Patch|Delete)$/
const VERSIONED = 'a version is put before its path'

export function nestRoutes(files: readonly TreeFile[]): Found {
  const codes = files
    .filter(({ text }) => /@Controller\b|setGlobalPrefix|RouterModule|enableVersioning/.test(text))
    .map((file) => new Code(file, 'javascript'))
  const whole = wholePrefix(codes)
  const routes: Route[] = []
  const leftOut: LeftOut[] = []
  for (const code of codes) {
    let under: Prefix | undefined
    code.tokens.forEach((token, i) => {
      if (token.kind !== 'word' || code.mark(i + 1) !== '(') return
      if (token.text === '@Controller') under = classPrefix(code, i + 1)
      if (!under || !METHOD.test(token.text)) return
      const place = { file: code.file, line: code.line(i) }
      const [first] = code.parts(i + 1)
      const path = first ? code.literal(first) : ''
      if ('why' in whole || 'why' in under)
        leftOut.push({ ...place, why: 'why' in whole ? whole.why : 'why' in under ? under.why : '' })
      else if (path === undefined) leftOut.push({ ...place, why: 'its path is computed' })
      else
        routes.push({ ...place, method: token.text.slice(1).toUpperCase(), path: joined(whole.path, under.path, path) })
    })
  }
  return { routes, leftOut }
}

function classPrefix(code: Code, open: number): Prefix {
  const [first] = code.parts(open)
  if (!first) return { path: '' }
  if (code.mark(first.from) !== '{') {
    const path = code.literal(first)
    return path === undefined ? { why: 'the path of its controller is computed' } : { path }
  }
  if (code.named(first.from, 'version')) return { why: VERSIONED }
  if (code.named(first.from, 'host')) return { why: 'its controller answers for one host only' }
  const given = code.named(first.from, 'path')
  const path = given ? code.literal(given) : ''
  return path === undefined ? { why: 'the path of its controller is computed' } : { path }
}

/** `app.setGlobalPrefix('api')`, and what else stands before every path. */
function wholePrefix(codes: readonly Code[]): Prefix {
  const found: Prefix[] = []
  for (const code of codes)
    code.tokens.forEach((token, i) => {
      if (token.kind !== 'word' || code.mark(i + 1) !== '(') return
      const [first, second] = code.parts(i + 1)
      if (/\.setGlobalPrefix$/.test(token.text)) {
        const path = first && code.literal(first)
        found.push(
          path === undefined || second
            ? { why: 'the prefix of the whole application is computed, or not for all' }
            : { path },
        )
      }
      if (/\.enableVersioning$/.test(token.text) && first && code.named(first.from, 'defaultVersion'))
        found.push({ why: VERSIONED })
      if (/^RouterModule\.(register|forRoutes)$/.test(token.text))
        found.push({ why: 'RouterModule decides its prefix' })
    })
  const [first] = found
  if (found.length > 1) return { why: 'several places decide the prefix of the whole application' }
  return first ?? { path: '' }
}
