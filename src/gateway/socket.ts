/** The gateway's listening socket, held by the primary, so that it stays open while workers come and go. */
import net from 'node:net'
import { getSystemErrorName } from 'node:util'
import { OpsError } from '../core/errors.ts'

/** A bound socket that nobody accepts from yet. Passed to workers over their channel. */
export interface Listening {
  readonly fd: number
  close(): void
  getsockname?(out: { port?: number }): number
}

// What node:cluster binds its shared sockets with. Node has no public way to hold a socket without accepting from it; the
// alternative, binding anew with each worker, refuses citizens' connections for as long as a killed worker takes to come back.
const bind = (
  net as unknown as {
    _createServerHandle(
      address: string | null,
      port: number | null,
      type: number | null,
      fd?: number,
    ): Listening | number
  }
)._createServerHandle

/** Binds `host:port`; port 0 takes a free one. */
export function bindSocket(host: string, port: number): Listening {
  const handle = bind(host, port, net.isIPv6(host) ? 6 : 4, -1)
  if (typeof handle === 'number') throw cannotListen(host, port, getSystemErrorName(handle))
  // A taken port shows only later, and a failed bind would then listen on some other port: so look which one we have.
  const out: { port?: number } = {}
  const error = handle.getsockname?.(out) ?? 0
  if (error !== 0 || (port > 0 && out.port !== port)) throw cannotListen(host, port, 'EADDRINUSE')
  return handle
}

/** Takes over a socket that was inherited (from the worker of a dead primary, or from a service manager). */
export function inheritSocket(fd: number): Listening {
  const handle = bind(null, null, null, fd)
  if (typeof handle === 'number') throw cannotListen(`fd ${fd}`, 0, getSystemErrorName(handle))
  return handle
}

export function cannotListen(host: string, port: number, code: string): OpsError {
  const where = port > 0 ? `${host}:${port}` : host
  if (code === 'EADDRINUSE') {
    return new OpsError('PORT_TAKEN', {
      message: `The gateway cannot listen on ${where}: another program has that port.`,
      fix: `stop that program (ss -ltnp 'sport = :${port}' names it), or choose another port with --listen`,
    })
  }
  return new OpsError('CANNOT_LISTEN', {
    message: `The gateway cannot listen on ${where}: ${code}.`,
    fix: 'choose an address of this machine and a port that this user may open, with --listen HOST:PORT',
  })
}
