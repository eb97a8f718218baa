import { startHaproxy } from '../src/adapters/haproxy/traffic.ts'
import { everydaySwaps } from './swaps/everyday.ts'

everydaySwaps({ name: 'haproxy', start: startHaproxy, movesByCutting: true, sessions: 600 })
