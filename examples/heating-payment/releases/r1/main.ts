import { run } from '../../app/run.ts'
import { r1 } from './release.ts'

await run(r1, process.env)
