import net from 'node:net'

/** `wanted` when nobody listens on it, else one that is free now. 0: any. The free port is given back before it is used. */
export async function portFor(wanted: number): Promise<number> {
  return (wanted > 0 ? await tryPort(wanted) : undefined) ?? (await tryPort(0))!
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', (error: NodeJS.ErrnoException) =>
      port > 0 && (error.code === 'EADDRINUSE' || error.code === 'EACCES') ? resolve(undefined) : reject(error),
    )
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const { port: given } = server.address() as net.AddressInfo
      server.close(() => resolve(given))
    })
  })
}
