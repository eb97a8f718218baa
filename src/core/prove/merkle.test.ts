import assert from 'node:assert/strict'
import { test } from 'node:test'
import { append, EMPTY, leafHash, rootOf } from './merkle.ts'

// Known answers for leaves "a", "b", "c"… (RFC 6962 construction over SHA-256).
const ROOTS: Record<number, string> = {
  0: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  1: '022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c',
  2: 'b137985ff484fb600db93107c77b0365c80d78f5b429ded0fd97361d077999eb',
  3: '36642e73c2540ab121e3a6bf9545b0a24982cd830eb13d3cd19de3ce6c021ec1',
  5: 'fe14a5426fbd70c0fa73f52342afed0da0bd23c4838662ccf6b88a3070ead97b',
  7: '4ae191939f548d9934740b88dea2c5cb89bb8870fc4505cd79dec6bbfaaee9cb',
}

test('roots match the known answers of RFC 6962', () => {
  let frontier = EMPTY
  for (let n = 0; n <= 7; n++) {
    if (ROOTS[n]) assert.equal(rootOf(frontier), ROOTS[n], `${n} leaves`)
    frontier = append(frontier, leafHash(Buffer.from('abcdefg'[n] ?? 'z')))
  }
})
