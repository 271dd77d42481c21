// Results by name: Result-Code and Experimental-Result as one word, both ways. RFC 6733 §7

import { assert } from '#kernel/errors';
import type { Application, Result } from './application.ts';
import { Avp } from './avp.ts';
import { ExperimentalResult, ResultCode } from './base.ts';
import type { DiameterMessage } from './message.ts';
import { BASE_RESULTS, isSuccess } from './results.ts';

const baseNames = new Map<number, string>(
  Object.entries(BASE_RESULTS).map(([name, code]) => [code, name]),
);
const experimentalNames = new WeakMap<Application, Map<number, string>>();

function namesOf(application: Application): Map<number, string> {
  let names = experimentalNames.get(application);
  if (names === undefined) {
    names = new Map(Object.entries(application.results).map(([name, code]) => [code, name]));
    experimentalNames.set(application, names);
  }
  return names;
}

/** The AVP that carries the result. */
export function resultAvp(application: Application | undefined, result: string): Avp {
  const base = (BASE_RESULTS as Readonly<Record<string, number>>)[result];
  if (base !== undefined) return Avp.of(ResultCode, base);
  const experimental = application?.results[result];
  if (application !== undefined && experimental !== undefined) {
    return Avp.of(ExperimentalResult, { vendor: [application.vendor], code: experimental });
  }
  const [, first, second] = /^RESULT_(\d+)(?:_(\d+))?$/.exec(result) ?? [];
  assert(first !== undefined, `${application?.name} has no result ${result}`);
  if (second === undefined) return Avp.of(ResultCode, Number(first));
  return Avp.of(ExperimentalResult, { vendor: [Number(first)], code: Number(second) });
}

/** The result's number, without its vendor. */
export function resultCode(message: DiameterMessage): number | undefined {
  return message.get(ResultCode) ?? message.get(ExperimentalResult)?.code;
}

/** The result of an answer; undefined where it has none. Throws a DiameterError. */
export function resultOfMessage(
  message: DiameterMessage,
  application: Application | undefined,
): Result<string> | undefined {
  const code = message.get(ResultCode);
  if (code !== undefined) return (baseNames.get(code) ?? `RESULT_${code}`) as Result;
  const experimental = message.get(ExperimentalResult);
  if (experimental === undefined) return undefined;
  // a peer that leaves Vendor-Id out means the application's
  const vendor = experimental.vendor[0] ?? application?.vendor ?? 0;
  const name =
    vendor === application?.vendor ? namesOf(application).get(experimental.code) : undefined;
  return (name ?? `RESULT_${vendor}_${experimental.code}`) as Result;
}

/** Whether a result by name is a success (2xxx) of `application` or of the base protocol. */
export function isSuccessName(result: string, application?: Application): boolean {
  const code =
    (BASE_RESULTS as Readonly<Record<string, number>>)[result] ??
    application?.results[result] ??
    Number(/(\d+)$/.exec(result)?.[1] ?? Number.NaN);
  return isSuccess(code);
}
