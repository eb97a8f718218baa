#!/usr/bin/env node
import { createRequire } from 'node:module'

// An agent's hook runs at every save and has a bundle of its own; everything else goes through the command table.
const asHook = process.argv[2] === 'check' && process.argv.includes('--hook') && !process.argv.includes('--help')
if (asHook) createRequire(import.meta.url)('./hook.cjs')
else await import('../dist/src/cli/main.js')
