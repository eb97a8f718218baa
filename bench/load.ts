/**
 * A closed-loop load generator that costs little itself: as many kept connections as told, each asking again as soon as it has
 * its whole answer, on plain sockets. Runs as a process of its own: `load.ts PORT CONNECTIONS SECONDS PATH`, prints JSON.
 */
import { connect } from 'node:net'

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly wrong: number
}

const [port, connections, seconds, path] = process.argv.slice(2)
const latencies: number[] = []
let wrong = 0
let on = true

function open(): Promise<void> {
  return new Promise((closed) => {
    const socket = connect(Number(port), '127.0.0.1')
    let cookie = ''
    let heard = ''
    let left = 0
    let since = 0
    const ask = () => {
      if (!on) return void socket.end()
      since = performance.now()
      const lines = [
        `GET ${path} HTTP/1.1`,
        'Host: bench.test',
        'User-Agent: Mozilla/5.0 Firefox/140.0',
        'Accept: text/html',
      ]
      socket.write(`${lines.join('\r\n')}\r\n${cookie}\r\n`)
    }
    const answered = () => {
      latencies.push(performance.now() - since)
      ask()
    }
    socket.setEncoding('latin1')
    socket.on('connect', ask)
    socket.on('data', (text: string) => {
      if (left > 0) {
        left -= text.length
        if (left <= 0) answered()
        return
      }
      heard += text
      const end = heard.indexOf('\r\n\r\n')
      if (end < 0) return
      const head = heard.slice(0, end)
      left = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0) - (heard.length - end - 4)
      if (!head.startsWith('HTTP/1.1 200')) wrong++
      cookie = cookie || /set-cookie: ([^;]+)/i.exec(head)?.[1] || ''
      if (cookie && !cookie.startsWith('Cookie')) cookie = `Cookie: ${cookie}\r\n`
      heard = ''
      if (left <= 0) answered()
    })
    socket.on('error', () => wrong++)
    socket.on('close', () => closed())
  })
}

const begun = performance.now()
setTimeout(() => {
  on = false
}, Number(seconds) * 1_000)
await Promise.all(Array.from({ length: Number(connections) }, open))
const tookMs = performance.now() - begun
latencies.sort((a, b) => a - b)
const at = (share: number) => latencies[Math.floor(latencies.length * share)] ?? 0
const result: LoadResult = {
  requests: latencies.length,
  perSecond: (latencies.length / tookMs) * 1_000,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  wrong,
}
console.log(JSON.stringify(result))
