/** docs/reference pages about the definition, made from the schema and the table of rules. */
import { type Field, fields } from './fields.ts'
import { DEFINE_RULES } from './rules.ts'

/** docs/reference/service-yaml.md. */
export function servicePage(): string {
  const sections: string[] = []
  let open = ''
  for (const field of fields().values()) {
    const section = field.path.split(/[.[]/)[0]!
    if (section !== open) {
      open = section
      sections.push(sectionOf(field))
      if (field.type === 'exactly') sections.push(rowOf(field, section))
      continue
    }
    sections.push(rowOf(field, section))
  }
  return `${[
    '# service.yaml',
    '',
    'Made from `src/core/define/schema.ts` by `scripts/reference.ts`; do not edit. For editors: `schema/service.schema.json`.',
    'A file may start with `# yaml-language-server: $schema=node_modules/holdfast/schema/service.schema.json`.',
    '`[]` stands for each element of a list, `*` for each name in a section. Fields in **bold** must be given.',
    ...sections,
  ].join('\n')}\n`
}

function sectionOf(field: Field): string {
  const need = field.required
    ? 'Must be given.'
    : field.default === undefined
      ? 'May be left out.'
      : 'May be left out; the defaults below then hold.'
  return [
    '',
    `## ${field.path}`,
    '',
    `${field.description} ${need}${field.source ? ` Source: ${field.source}.` : ''}`,
    '',
    '| field | is | meaning | default | example | source |',
    '|---|---|---|---|---|---|',
  ].join('\n')
}

function rowOf(field: Field, section: string): string {
  const name = field.path === section ? field.path : field.path.slice(section.length).replace(/^\./, '')
  const label = field.required ? `**\`${name}\`**` : `\`${name}\``
  const kind = field.values ? field.values.map((value) => `\`${value}\``).join(', ') : `${field.type}${rangeOf(field)}`
  return `| ${[label, kind, field.description, codeOf(field.default), codeOf(field.example), field.source ?? ''].map(cell).join(' | ')} |`
}

function rangeOf(field: Field): string {
  if (field.minimum === undefined && field.maximum === undefined) return ''
  if (field.maximum === undefined || field.maximum >= 1e9) return field.minimum ? `, from ${field.minimum}` : ''
  return `, ${field.minimum ?? 0} to ${field.maximum}`
}

function codeOf(value: unknown): string {
  if (value === undefined) return ''
  const text = JSON.stringify(value)
  return `\`${text.length > 120 ? `${text.slice(0, 119)}…` : text}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** docs/reference/define-rules.md. */
export function rulesPage(): string {
  const rows = DEFINE_RULES.map((rule) =>
    `| \`${rule.id}\` | ${rule.severity} | ${rule.asks} | ${rule.harm} | ${rule.cites} |`.replaceAll('\n', ' '),
  )
  return `${[
    '# What `holdfast define` finds',
    '',
    'Made from `src/core/define/rules.ts` by `scripts/reference.ts`; do not edit. An error makes the definition unusable (exit code 2); a warn does not.',
    '',
    '| rule | severity | question | what it does to citizens | source |',
    '|---|---|---|---|---|',
    ...rows,
  ].join('\n')}\n`
}
