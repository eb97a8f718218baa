import { run } from '../../app/run.ts'
import { r2 } from './release.ts'

await run(r2, process.env)
