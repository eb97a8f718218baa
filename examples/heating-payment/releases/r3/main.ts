import { run } from '../../app/run.ts'
import { r3 } from './release.ts'

await run(r3, process.env)
