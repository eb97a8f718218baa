#!/usr/bin/env node
import { createRequire } from 'node:module'

// Checks run at every save and in every pipeline, kits after every change of a definition: they have bundles of their own. Everything
// else goes through the command table.
const [, , command] = process.argv
const isHook = command === 'check' && process.argv.includes('--hook') && !process.argv.includes('--help')
const bundle = isHook ? 'hook' : command === 'check' || command === 'kit' ? command : undefined
const isRun = bundle !== undefined && createRequire(import.meta.url)('./bundle.cjs').run(bundle)
if (!isRun) await import('../dist/src/cli/main.js')
