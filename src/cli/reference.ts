import { COMMANDS } from './table.ts'

/** docs/reference/commands.md, from the command table. */
export function commandsPage(): string {
  const sections = COMMANDS.map(({ name, args, says, example, options = [], exits = {} }) => {
    const lines = [`## holdfast ${name}${args ? ` ${args}` : ''}`, '', says, '', '```', example, '```', '']
    if (options.length > 0) {
      lines.push('| option | meaning | default |', '|---|---|---|')
      for (const option of options)
        lines.push(`| \`${cell(option.flags)}\` | ${cell(option.says)} | ${option.default ?? ''} |`)
      lines.push('')
    }
    const codes = Object.entries(exits).map(([code, meaning]) => `${code} ${meaning}`)
    if (codes.length > 0) lines.push(`Exit codes besides the common ones: ${codes.join(' · ')}.`, '')
    return lines.join('\n')
  })
  return `<!-- Written by scripts/reference.ts from src/cli/table.ts. -->
# Commands

Every command knows \`--help\`, \`--json\` (one JSON document on stdout, progress on stderr), \`--state DIR\` (default \`.holdfast\`) and
\`--service FILE\` (default \`service.yaml\`). Exit codes that every command may give: 0 done · 2 wrong usage or definition ·
70 our bug · 130 interrupted safely.

${sections.join('\n')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
