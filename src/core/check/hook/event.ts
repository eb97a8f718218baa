/**
 * What an agent's hook tells us on standard input. Kiro sends `{session_id, cwd, hook_event_name, file_path}` on saves and
 * `{tool_name, tool_input}` around tools; Claude Code names a saved file in `tool_input.file_path`. Both are read, nothing is trusted.
 */

/** Longest event that is read, in characters; a tool's input may hold a whole file. */
export const EVENT_CHARS_MAX = 4_000_000

export type HookEvent =
  /** A file was created or saved: judge it and write the report. */
  | { readonly kind: 'saved'; readonly cwd?: string; readonly file: string }
  /** A file is gone: so is its report. */
  | { readonly kind: 'deleted'; readonly cwd?: string; readonly file: string }
  /** A turn or session begins: say what stands in the reports, once for each session and state of the reports. */
  | { readonly kind: 'ask'; readonly cwd?: string; readonly session: string }
  /** A tool is about to run: stop it when it deploys while errors stand. */
  | { readonly kind: 'act'; readonly cwd?: string; readonly command: string }
  /** Anything else: nothing to do. */
  | { readonly kind: 'other'; readonly cwd?: string }

/** Reads an event, or says in one sentence why it is none. */
export function readEvent(input: string): HookEvent | { readonly problem: string } {
  if (input.length > EVENT_CHARS_MAX) return { problem: 'The event on standard input is longer than 4 MB.' }
  let value: unknown
  try {
    value = JSON.parse(input)
  } catch {
    return { problem: 'There is no event in JSON on standard input.' }
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'The event on standard input is not an object.' }
  return eventOf(value as Readonly<Record<string, unknown>>)
}

function eventOf(value: Readonly<Record<string, unknown>>): HookEvent {
  const name = text(value.hook_event_name)
    .replace(/[_\s:.-]/g, '')
    .toLowerCase()
  const folder = text(value.cwd)
  const cwd = folder === '' ? {} : { cwd: folder }
  const input = typeof value.tool_input === 'object' && value.tool_input !== null ? value.tool_input : {}
  const tool = input as Readonly<Record<string, unknown>>
  const file = text(value.file_path) || text(tool.file_path) || text(tool.path)
  if (/^(postfilesave|postfilecreate|fileedited|filecreated|filesaved|afterfileedit)$/.test(name))
    return file === '' ? { kind: 'other', ...cwd } : { kind: 'saved', ...cwd, file }
  if (/^(postfiledelete|filedeleted)$/.test(name))
    return file === '' ? { kind: 'other', ...cwd } : { kind: 'deleted', ...cwd, file }
  if (name === 'posttooluse') return file === '' ? { kind: 'other', ...cwd } : { kind: 'saved', ...cwd, file }
  if (/^(userpromptsubmit|promptsubmit|sessionstart|agentspawn)$/.test(name))
    return { kind: 'ask', ...cwd, session: text(value.session_id).slice(0, 200) }
  if (name === 'pretooluse') return { kind: 'act', ...cwd, command: text(tool.command).slice(0, 20_000) }
  return { kind: 'other', ...cwd }
}

function text(value: unknown): string {
  return typeof value === 'string' && value.length <= 100_000 ? value : ''
}
