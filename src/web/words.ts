/** Words and colours that several pages share. */
import type { Tone } from '../core/deploy/view.ts'
import type { Html } from './html.ts'
import { type TagColour, tag } from './parts.ts'

const COLOURS: Readonly<Record<Tone, TagColour>> = {
  calm: 'turquoise',
  watch: 'yellow',
  bad: 'red',
  good: 'green',
  over: 'grey',
}

/** The state as a word in a box; the colour repeats what the word says. */
export function toneTag(word: string, tone: Tone): Html {
  return tag(word, COLOURS[tone])
}
