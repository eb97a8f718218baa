/** Words that every pipeline uses for a release: the tool, the environment, the evidence. */
import type { Service } from '../../define/schema.ts'

/** A word of a command line, quoted when a shell would read it otherwise. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

export const HOLDFAST = 'npx --no-install holdfast'

/** Name of the production environment, as the definition has it. */
export function productionOf(service: Service): string {
  return service.environments.find((environment) => environment.kind === 'production')?.id ?? 'production'
}

/** `--environment` only where the definition knows environments: Holdfast refuses a name it does not know. */
export function environmentOption(service: Service): string {
  return service.environments.some((environment) => environment.kind === 'production')
    ? ` --environment ${productionOf(service)}`
    : ''
}

/** Writes the evidence of the deployment that deployment.json tells of; a refused one has none. */
export const EVIDENCE = [
  `id=$(node -p 'JSON.parse(require("fs").readFileSync("deployment.json", "utf8")).deployment ?? ""')`,
  `if [ -n "$id" ]; then ${HOLDFAST} prove pack "$id" --out evidence; fi`,
] as const
