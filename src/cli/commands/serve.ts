import type { Command } from '../command.ts'

export const serve: Command = {
  name: 'serve',
  says: 'Runs the engine, the operator console and the gateway of this service until you stop it. Citizens do not notice when you do.',
  example: 'holdfast serve --listen 0.0.0.0:8080 --console 127.0.0.1:4600',
  options: [
    { flags: '--listen <host:port>', says: 'where citizens reach the gateway', default: '127.0.0.1:8080' },
    {
      flags: '--console <host:port>',
      says: 'where staff reach the console; loopback unless a proxy with TLS stands before it',
      default: '127.0.0.1:4600',
    },
    {
      flags: '--metrics <host:port>',
      says: 'where Prometheus reads what the gateway counted: citizens who tried and who failed, by journey, step and release; "none": nowhere',
      default: '127.0.0.1:9464',
    },
    { flags: '--public-url <url>', says: 'address of the console as staff see it, when a proxy stands before it' },
    {
      flags: '--walk',
      says: 'also walk through each journey as a synthetic citizen, every watch.syntheticSeconds; it types what `form` of a step says, into the real service',
    },
    { flags: '--move-here', says: 'take the service over from another state folder or machine on the same database' },
    { flags: '--with-traffic', says: 'on stopping, also end the gateway and the releases: citizens are cut off' },
  ],
  exits: { 3: 'the database or a port cannot be had' },
  async run(call) {
    const { serveUntilStopped } = await import('../../station/serve.ts')
    return serveUntilStopped(call)
  },
}
