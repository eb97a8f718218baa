/**
 * What the infrastructure of a service is made of, as data: CloudFormation's own types and property names, with references and the
 * reason of each number as values. CloudFormation, Terraform and CDK are three ways to write this one model, so they cannot disagree.
 */

/** A parameter of the stack or another resource, by its id. */
export interface Ref {
  readonly $: 'ref'
  readonly id: string
}
/** An attribute of another resource. */
export interface Att {
  readonly $: 'att'
  readonly id: string
  readonly name: string
}
/** Texts and references after one another. */
export interface Join {
  readonly $: 'join'
  readonly parts: readonly Value[]
}
/** A value with the arithmetic or reason that stands beside it in every tool. */
export interface Noted {
  readonly $: 'noted'
  readonly why: string
  readonly value: Value
}
/** A document whose keys belong to somebody else, e.g. a policy: written as it is. */
export interface Raw {
  readonly $: 'raw'
  readonly value: Value
}
export interface Props {
  readonly [key: string]: Value
}
export type Value = string | number | boolean | readonly Value[] | Props | Ref | Att | Join | Noted | Raw

export interface Resource {
  /** Logical id: letters and digits. */
  readonly id: string
  /** CloudFormation's type. */
  readonly type: string
  readonly props: Props
  readonly why?: readonly string[]
  /** Stays when the stack goes or the resource is replaced. */
  readonly keep?: boolean
  readonly dependsOn?: readonly string[]
  /** CloudFormation's UpdatePolicy; Terraform has its own attributes for it. */
  readonly update?: Props
  /** Alarms that take a change back, where the tool can say so in another way than CloudFormation. */
  readonly takenBackBy?: readonly string[]
}

export interface Parameter {
  readonly name: string
  readonly type:
    | 'String'
    | 'Number'
    | 'List<AWS::EC2::Subnet::Id>'
    | 'List<AWS::EC2::SecurityGroup::Id>'
    | 'AWS::EC2::VPC::Id'
    | 'AWS::EC2::Image::Id'
  readonly says: string
  readonly value?: number | string
  readonly pattern?: string
}

export interface Stack {
  readonly name: string
  readonly description: string
  /** What somebody who sets it up must know first. */
  readonly notes?: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly resources: readonly Resource[]
}

/** A piece of a stack: what one component or one concern adds to it. */
export type Part = Pick<Stack, 'parameters' | 'resources'>

export const ref = (id: string): Ref => ({ $: 'ref', id })
export const att = (id: string, name: string): Att => ({ $: 'att', id, name })
export const join = (...parts: readonly Value[]): Join => ({ $: 'join', parts })
export const noted = (value: Value, why: string): Noted => ({ $: 'noted', value, why })
export const raw = (value: Value): Raw => ({ $: 'raw', value })

export function isSpecial(value: Value): value is Ref | Att | Join | Noted | Raw {
  return typeof value === 'object' && !Array.isArray(value) && '$' in value
}

export function isProps(value: Value): value is Props {
  return typeof value === 'object' && !Array.isArray(value) && !('$' in value)
}

/** The value without its note. */
export function bare(value: Value): Exclude<Value, Noted> {
  return typeof value === 'object' && '$' in value && value.$ === 'noted'
    ? bare(value.value)
    : (value as Exclude<Value, Noted>)
}

/** Parts one after another; a parameter that several parts ask for stands once. */
export function stackOf(name: string, description: string, parts: readonly Part[]): Stack {
  const parameters = new Map(parts.flatMap((part) => part.parameters).map((parameter) => [parameter.name, parameter]))
  return { name, description, parameters: [...parameters.values()], resources: parts.flatMap((part) => part.resources) }
}

/** "payment-file" is "PaymentFile": ids of resources are letters and digits. */
export function pascal(id: string): string {
  return id
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('')
}

export function camel(id: string): string {
  return id.charAt(0).toLowerCase() + id.slice(1)
}

/** "WebTargetsFail" is "web_targets_fail". */
export function snake(id: string): string {
  return id
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
}
