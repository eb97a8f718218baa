/**
 * The people who use the service, for the load generator: invented, seeded, and as mixed as a winter's Monday. Most apply, some
 * look up an application, one in five is paid into a building society (and has a roll number), one in twenty forgets an answer
 * first, one visitor in a hundred is a machine.
 */
import type { Chance } from '../../src/load/chance.ts'
import type { Script, Step, Visit } from '../../src/load/script.ts'

/** Shares of all citizens, 0 to 1. */
export const SHARES = { bot: 0.01, status: 0.15, rollNumber: 0.2, mistake: 0.05, looksAgain: 0.35, phone: 0.4 } as const

/** Reading and typing before a page is sent, in ms. People take minutes; a demonstration has seconds. */
const THINK_MS: readonly [number, number] = [120, 800]
/** References that are remembered for people who come back. */
const REFERENCES_MAX = 200

const FIRST_NAMES = [
  'Asha',
  'Ben',
  'Carys',
  'Dilwyn',
  'Ewan',
  'Fatima',
  'Grace',
  'Hamish',
  'Isla',
  'Joyce',
  'Kofi',
  'Maureen',
]
const LAST_NAMES = [
  'Ahmed',
  'Brown',
  'Campbell',
  'Davies',
  'Evans',
  'Fraser',
  'Khan',
  'Murphy',
  'O’Neill',
  'Patel',
  'Smith',
]
const STREETS = ['Station Road', 'Church Lane', 'Quayside', 'Mill Street', 'Chapel Terrace', 'Victoria Avenue']
/** Town and the first half of a postcode there. Some have had a cold spell, some not. */
const TOWNS = [
  ['Newcastle upon Tyne', 'NE1'],
  ['Aberdeen', 'AB10'],
  ['Inverness', 'IV2'],
  ['Carlisle', 'CA1'],
  ['Bradford', 'BD5'],
  ['Shrewsbury', 'SY1'],
  ['Truro', 'TR1'],
  ['Brighton', 'BN1'],
  ['Cardiff', 'CF10'],
  ['London', 'E8'],
] as const
const BENEFITS = [
  'pension-credit',
  'universal-credit',
  'income-support',
  'jobseekers',
  'employment-support',
  'none',
] as const
const HOMES = [['none'], ['child-under-5'], ['disabled'], ['child-under-5', 'disabled'], ['care-home']] as const

/** Browser families, each with the hundredth up to which it goes: 46 of a hundred visitors have Chrome, the next 34 Safari. */
const BROWSERS = [
  [
    'chrome',
    46,
    'Mozilla/5.0 (Linux; Android 14; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36',
  ],
  [
    'safari',
    80,
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  ],
  [
    'edge',
    89,
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0',
  ],
  ['firefox', 95, 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0'],
  [
    'samsung',
    100,
    'Mozilla/5.0 (Linux; Android 14; SAMSUNG SM-A546B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36',
  ],
] as const
const BOTS = [
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
]

/** The crowd of this service. `src/load/main.ts --script` looks for this name. */
export const citizens: Script = citizenScript()

/** A crowd of its own, which remembers only the references of its own visits. */
export function citizenScript(): Script {
  const references: string[] = []
  const remember = (html: string) => {
    const reference = /HP-[2-9A-Z]{4}-[2-9A-Z]{4}/.exec(html)?.[0]
    if (reference) references.push(reference)
    if (references.length > REFERENCES_MAX) references.shift()
    return reference
  }
  return {
    requestsMean:
      (1 - SHARES.bot) * ((1 - SHARES.status) * (10 + SHARES.mistake + SHARES.looksAgain) + SHARES.status * 2) +
      SHARES.bot * 2,
    visit: (_, chance) => {
      if (chance.often(SHARES.bot)) return botVisit(chance)
      const [segment, , userAgent] = browserOf(chance.between(1, 100))
      const steps = chance.often(SHARES.status)
        ? statusSteps(chance, () => references[chance.between(0, references.length - 1)])
        : applySteps(chance, remember)
      // Three in ten come through something that opens a connection for every request.
      return { kind: 'citizen', segment, userAgent, keepAlive: chance.often(0.7), steps }
    },
  }
}

function browserOf(part: number): (typeof BROWSERS)[number] {
  return BROWSERS.find(([, upTo]) => part <= upTo) ?? BROWSERS[0]
}

function botVisit(chance: Chance): Visit {
  const steps = [
    page('apply', 'start', '/', 'Apply for a cold weather heating payment', 0),
    aside('apply', 'robots', '/robots.txt', 0),
  ]
  return { kind: 'bot', segment: 'bot', userAgent: chance.pick(BOTS), keepAlive: false, steps }
}

function statusSteps(chance: Chance, reference: () => string | undefined): readonly Step[] {
  const path = () => {
    const known = reference()
    return known && `/status/${known}`
  }
  return [
    aside('status', 'form', '/status', 0),
    { ...page('status', 'look-up', '', 'Your application', think(chance)), path },
  ]
}

function applySteps(chance: Chance, remember: (html: string) => string | undefined): readonly Step[] {
  const person = personOf(chance)
  let reference: string | undefined
  const confirmation: Step = {
    ...page('apply', 'confirmation', '/apply/confirmation', 'Application received', 0),
    learn: ({ body }) => {
      reference = remember(body)
    },
  }
  const lookUp: Step = {
    ...page('status', 'look-up', '', 'Your application', think(chance)),
    path: () => reference && `/status/${reference}`,
  }
  const forgets: Step = {
    journey: 'apply',
    step: 'about-you',
    counted: true,
    method: 'POST',
    path: '/apply/about-you',
    form: { ...person.aboutYou, 'born-year': '' },
    okStatus: [422],
    marker: 'There is a problem',
    thinkMs: think(chance),
  }
  return [
    page('apply', 'start', '/', 'Apply for a cold weather heating payment', 0),
    aside('apply', 'about-you-form', '/apply/about-you', think(chance)),
    ...(chance.often(SHARES.mistake) ? [forgets] : []),
    post('about-you', person.aboutYou, '/apply/your-home', think(chance)),
    aside('apply', 'your-home-form', '/apply/your-home', 0),
    post('your-home', person.yourHome, '/apply/bank-details', think(chance)),
    aside('apply', 'bank-details-form', '/apply/bank-details', 0),
    post('bank-details', person.bankDetails, '/apply/check-answers', think(chance)),
    page('apply', 'check-answers', '/apply/check-answers', 'Check your answers', 0),
    post('submit', {}, '/apply/confirmation', think(chance)),
    confirmation,
    ...(chance.often(SHARES.looksAgain) ? [lookUp] : []),
  ]
}

/** Answers of one person. Numbers of accounts are invented and start with 0, which no British account in use here does. */
function personOf(chance: Chance) {
  const fullName = `${chance.pick(FIRST_NAMES)} ${chance.pick(LAST_NAMES)}`
  const [town, outward] = chance.pick(TOWNS)
  const digits = (count: number) => Array.from({ length: count }, () => chance.between(0, 9)).join('')
  const rollNumber = `${chance.pick(['A', 'D', 'NB', 'YB'])}/${digits(4)}-${digits(1)}`
  return {
    aboutYou: {
      fullName,
      'born-day': String(chance.between(1, 28)),
      'born-month': String(chance.between(1, 12)),
      'born-year': String(chance.between(1935, 2004)),
      benefits: chance.pick(BENEFITS),
      // From r2 on the page asks for it; a release that does not ask does not read it.
      phone: chance.often(SHARES.phone) ? `01632 96${digits(4)}` : '',
    },
    yourHome: {
      addressLine: `${chance.between(1, 120)} ${chance.pick(STREETS)}`,
      town,
      postcode: `${outward} ${chance.between(1, 9)}${chance.pick(['AB', 'DQ', 'LP', 'ND', 'XT'])}`,
      household: chance.pick(HOMES),
    },
    bankDetails: {
      accountName: fullName,
      sortCode: `00${digits(4)}`,
      accountNumber: `0${digits(7)}`,
      rollNumber: chance.often(SHARES.rollNumber) ? rollNumber : '',
    },
  }
}

function think(chance: Chance): number {
  return chance.between(...THINK_MS)
}

function page(journey: string, step: string, path: string, marker: string, thinkMs: number): Step {
  return { journey, step, counted: true, method: 'GET', path, okStatus: [200], marker, thinkMs }
}

/** What a journey needs, but is no step of it: an empty form, a file. */
function aside(journey: string, step: string, path: string, thinkMs: number): Step {
  return { journey, step, counted: false, method: 'GET', path, okStatus: [200], thinkMs }
}

function post(step: string, form: NonNullable<Step['form']>, leadsTo: string, thinkMs: number) {
  const path = `/apply/${step}`
  return {
    journey: 'apply',
    step,
    counted: true,
    method: 'POST',
    path,
    form,
    okStatus: [303],
    leadsTo,
    thinkMs,
  } as const
}
