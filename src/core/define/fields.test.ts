import assert from 'node:assert/strict'
import test from 'node:test'
import * as z from 'zod'
import { fieldAt, fields, namesUnder } from './fields.ts'
import { serviceSchema } from './schema.ts'

/** The parts of a zod schema that hold other schemas. */
interface Def {
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly element?: z.ZodType
  readonly innerType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly in?: z.ZodType
  readonly valueType?: z.ZodType
}

function examples(
  schema: z.ZodType,
  path: string,
  see: (path: string, schema: z.ZodType, example: unknown) => void,
): void {
  for (const example of (z.globalRegistry.get(schema)?.examples as unknown[] | undefined) ?? [])
    see(path, schema, example)
  const def = schema._zod.def as unknown as Def
  for (const [name, inner] of Object.entries(def.shape ?? {})) examples(inner, `${path}.${name}`, see)
  for (const inner of [def.element, def.innerType, def.in, def.valueType, ...(def.options ?? [])])
    if (inner) examples(inner, path, see)
}

test('every example of a field would itself be accepted', () => {
  let tried = 0
  examples(serviceSchema, 'service.yaml', (path, schema, example) => {
    tried++
    const parsed = schema.safeParse(example)
    assert.ok(parsed.success, `${path}: ${JSON.stringify(example)} ${parsed.success ? '' : parsed.error.message}`)
  })
  assert.ok(tried > 500, `${tried} examples`)
})

test('fields are found by the path of a value', () => {
  assert.equal(fieldAt(['journeys', 3, 'steps', 0, 'limitMs'])?.default, 8000)
  assert.equal(fieldAt(['deployment', 'rollback', 'budget', 'detect'])?.path, 'deployment.rollback.budget.*')
  assert.deepEqual(namesUnder(['comms', 'contact']), ['phone', 'hours', 'textphone', 'email', 'post'])
  assert.ok((fields().get('slis[].kind')?.values?.length ?? 0) >= 9, 'every kind of indicator is listed')
})
