/**
 * Runs a generated CDK stack against a stand-in for aws-cdk-lib that only writes down what it is given, so that the program can be
 * read back in a second on a machine without npm. test/kit-cdk.test.ts does the same with the real library.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Recorded {
  readonly kind: string
  readonly id: string
  readonly props: Record<string, unknown>
  readonly options: Record<string, unknown>
  readonly after: readonly string[]
}

const STAND_IN = `
const recorded = (globalThis.__holdfastRecorded ??= [])
const token = (value, text) => Object.defineProperty(value, 'toString', { value: () => '\${' + text + '}' })
class Stack { constructor(scope, id, props) { this.stack = { id, props } } }
class CfnParameter {
  constructor(scope, id) {
    const ref = token({ Ref: id }, id)
    this.valueAsString = ref
    this.valueAsNumber = ref
    this.valueAsList = ref
  }
}
const construct = (kind) =>
  class {
    constructor(scope, id, props) {
      this.cfnOptions = {}
      this.after = []
      recorded.push({ kind, id, props, options: this.cfnOptions, after: this.after })
      return new Proxy(this, {
        get: (target, name) => {
          if (name === 'ref') return token({ Ref: id }, id)
          if (name === 'addResourceDependency') return (other) => target.after.push(other.ref.Ref)
          if (typeof name === 'string' && name.startsWith('attr')) return token({ 'Fn::GetAtt': [id, name.slice(4)] }, id + '.' + name.slice(4))
          return target[name]
        },
      })
    }
  }
module.exports = new Proxy(
  { Stack, CfnParameter, CfnDeletionPolicy: { RETAIN: 'Retain' }, Aws: { REGION: '\${AWS::Region}', ACCOUNT_ID: '\${AWS::AccountId}' } },
  { get: (known, name) => known[name] ?? new Proxy({}, { get: (_, kind) => construct(String(name).slice(4) + ' ' + String(kind).slice(3)) }) },
)
`

/** Writes the stand-in into `folder`, and gives a function that runs a stack there. */
export function standIn(folder: string): (name: string, text: string) => Promise<readonly Recorded[]> {
  const lib = join(folder, 'node_modules', 'aws-cdk-lib')
  mkdirSync(lib, { recursive: true })
  writeFileSync(join(lib, 'package.json'), '{ "name": "aws-cdk-lib", "main": "index.js" }')
  writeFileSync(join(lib, 'index.js'), STAND_IN)
  writeFileSync(join(folder, 'package.json'), '{ "type": "commonjs" }')
  return async (name, text) => {
    const shared = globalThis as { __holdfastRecorded?: Recorded[] }
    shared.__holdfastRecorded ??= []
    shared.__holdfastRecorded.length = 0
    const file = join(folder, `${name}.ts`)
    writeFileSync(file, text)
    const module = (await import(file)) as Record<string, new (scope: unknown, id: string) => unknown>
    const Stack = Object.values({ ...(module.default as object | undefined), ...module }).find(
      (value): value is new (scope: unknown, id: string) => unknown => typeof value === 'function',
    )!
    new Stack(undefined, name)
    return [...shared.__holdfastRecorded]
  }
}
