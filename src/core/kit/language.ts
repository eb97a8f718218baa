/** In which language the code of this kit is written, for whoever puts it into the service. */
import type { Service } from '../define/schema.ts'

export type Language = 'node' | 'python' | 'ruby' | 'java' | 'any'

/** The language of the service, from the commands of its gates and components; 'any' when they do not tell. */
export function languageOf(service: Service): Language {
  const words = [
    ...service.runtime.components.flatMap((component) => component.command?.[0] ?? []),
    ...service.deployment.gates.flatMap((gate) => gate.run?.[0] ?? []),
  ].join(' ')
  if (/\b(node|npm|npx|yarn|pnpm)\b/.test(words)) return 'node'
  if (/\b(python3?|pytest|pip|dbt|pip-audit)\b/.test(words)) return 'python'
  if (/\b(bundle|rails|rspec|ruby)\b|bin\//.test(words)) return 'ruby'
  return /\b(gradle|gradlew|mvn|java)\b/.test(words) ? 'java' : 'any'
}
