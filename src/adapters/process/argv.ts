import type { ReleaseSpec } from '../../ports/runtime.ts'

/** The command with its places filled in. */
export function argvOf(spec: Pick<ReleaseSpec, 'command' | 'release'>, { port }: { readonly port: number }): string[] {
  return spec.command.map((word) => word.replaceAll('{port}', String(port)).replaceAll('{release}', spec.release))
}
