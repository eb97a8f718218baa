/**
 * A Terraform plan as `terraform show -json` prints it: the values that an apply would give, what is known only after it, and which
 * resources it deletes or replaces (HashiCorp, "JSON Output Format").
 */
import {
  child,
  type Entry,
  fields,
  flag,
  items,
  type MapNode,
  type Node,
  type Source,
  spotOf,
  text,
} from '../formats/node.ts'
import { type Resource, typeOf } from './cloud.ts'

export interface PlanFile {
  readonly src: Source
  readonly root: Node
}

/** Resources of a plan. Values that are known only after the apply are opaque, with the names they are taken from. */
export function planResources({ src, root }: PlanFile): readonly Resource[] {
  const changes = new Map(
    items(child(root, 'resource_changes')).map((change) => [text(child(change, 'address')) ?? '', change]),
  )
  const sources = configured(child(root, 'configuration', 'root_module'), '', 0)
  return planned(child(root, 'planned_values', 'root_module'), 0).flatMap((node): Resource[] => {
    const address = text(child(node, 'address')) ?? ''
    const written = text(child(node, 'type')) ?? ''
    const values = child(node, 'values')
    if (text(child(node, 'mode')) === 'data' || values?.kind !== 'map') return []
    const change = child(changes.get(address), 'change')
    const body = withUnknown(values, child(change, 'after_unknown'), sources.get(address.replace(/\[[^\]]*\]/g, '')))
    const scope = address.slice(0, Math.max(0, address.lastIndexOf(`${written}.`)))
    return [
      {
        type: typeOf(written),
        written,
        id: text(child(node, 'name')) ?? address,
        from: 'terraform',
        body,
        whole: body,
        at: spotOf(node),
        src,
        scope,
        actions: items(child(change, 'actions')).map((action) => text(action) ?? ''),
        resolve: (value) => value,
      },
    ]
  })
}

function planned(module: Node | undefined, depth: number): readonly Node[] {
  if (!module || depth > 12) return []
  return [
    ...items(child(module, 'resources')),
    ...items(child(module, 'child_modules')).flatMap((inner) => planned(inner, depth + 1)),
  ]
}

/** The expressions of the configuration, by the address of their resource. */
function configured(module: Node | undefined, prefix: string, depth: number): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>()
  if (!module || depth > 12) return found
  for (const resource of items(child(module, 'resources'))) {
    const expressions = child(resource, 'expressions')
    if (expressions) found.set(`${prefix}${text(child(resource, 'address')) ?? ''}`, expressions)
  }
  for (const [name, call] of fields(child(module, 'module_calls')))
    for (const [address, node] of configured(child(call, 'module'), `${prefix}module.${name}.`, depth + 1))
      found.set(address, node)
  return found
}

function withUnknown(values: MapNode, unknown: Node | undefined, expressions: Node | undefined): MapNode {
  const entries = new Map<string, Entry>(values.entries)
  for (const [key, what] of fields(unknown)) {
    const before = entries.get(key)?.value
    if (flag(what) === true) {
      const words = items(child(expressions, key, 'references')).map((reference) => text(reference) ?? '')
      entries.set(key, {
        keyAt: values.at,
        value: {
          kind: 'opaque',
          call: 'known after apply',
          text: words.join(' ').slice(0, 400) || 'known after apply',
          src: values.src,
          at: values.at,
        },
      })
    } else if (before?.kind === 'map' && what.kind === 'map') {
      entries.set(key, { keyAt: values.at, value: withUnknown(before, what, child(expressions, key)) })
    } else if (before?.kind === 'list' && what.kind === 'list') {
      const list = before.items.map((item, i) => {
        const part = what.items[i]
        return item.kind === 'map' && part?.kind === 'map'
          ? withUnknown(item, part, child(expressions, key, i) ?? child(expressions, key))
          : item
      })
      entries.set(key, { keyAt: values.at, value: { ...before, items: list } })
    }
  }
  return { ...values, entries }
}

/**
 * Puts plans and configuration together: a resource that both know keeps its place in the .tf file, takes from the plan what its
 * file leaves open, and what the apply will do to it.
 */
export function withPlans(resources: readonly Resource[], plans: readonly Resource[]): readonly Resource[] {
  if (plans.length === 0) return resources
  const key = (resource: Resource) => `${resource.scope ?? ''}${resource.written}.${resource.id}`
  const byKey = new Map(plans.map((resource) => [key(resource), resource]))
  const used = new Set<string>()
  const merged = resources.map((resource) => {
    const plan = byKey.get(key(resource))
    if (!plan) return resource
    used.add(key(resource))
    return { ...resource, body: filled(resource, plan), ...(plan.actions ? { actions: plan.actions } : {}) }
  })
  return [...merged, ...plans.filter((plan) => !used.has(key(plan)))]
}

function filled(resource: Resource, plan: Resource): Node {
  if (resource.body.kind !== 'map' || plan.body.kind !== 'map') return resource.body
  const entries = new Map<string, Entry>(resource.body.entries)
  for (const [name, entry] of plan.body.entries) {
    const own = entries.get(name)
    if (own && resource.resolve(own.value).kind === 'opaque' && entry.value.kind !== 'opaque')
      // The value is the plan's, the place is the file's.
      entries.set(name, { keyAt: own.keyAt, value: { ...entry.value, src: own.value.src, at: own.value.at } })
  }
  return { ...resource.body, entries }
}
