/** A process that opens the embedded database in the folder it is told, says so on one line, and stays until it is killed. */
import { startEmbedded } from '../src/adapters/postgres/embedded.ts'

const { pid, adopted } = await startEmbedded({ folder: process.argv[2]! })
process.stdout.write(`${JSON.stringify({ pid, adopted })}\n`)
setInterval(() => {}, 60_000)
