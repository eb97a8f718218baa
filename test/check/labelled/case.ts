/**
 * One labelled repository in miniature. `finds` are the rules that must fail (as error or warning) somewhere in it; `may` are
 * rules on which reasonable people differ. Any other failure of that severity is a false alarm.
 */
export interface Case {
  readonly name: string
  readonly files: Readonly<Record<string, string>>
  readonly finds: readonly string[]
  readonly may?: readonly string[]
  /** Rules that must answer "cannot tell" here. */
  readonly open?: readonly string[]
}
