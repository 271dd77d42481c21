// The lines a reader would draw between two functions: what tests compare. 's-cscf → hss  MAR'.

import type { MessageEvent, Point, TraceEvent } from './trace.ts';

export interface LadderOptions {
  readonly point?: Point;
  /** Only what carries this identity: an IMPU, IMPI or IMSI. */
  readonly subscriber?: string;
  /** Also what the simulated link lost, with why. Default false. */
  readonly lost?: boolean;
}

/** The messages between `a` and `b`, both ways, in order. Any function where a name is left out. */
export function ladderOf(
  events: Iterable<TraceEvent>,
  a?: string,
  b?: string,
  options: LadderOptions = {},
): string[] {
  const lines: string[] = [];
  for (const event of events) {
    if (event.kind !== 'message' || !isBetween(event, a, b)) continue;
    if (options.point !== undefined && event.point !== options.point) continue;
    if (event.lost !== undefined && options.lost !== true) continue;
    if (options.subscriber !== undefined && !isAbout(event, options.subscriber)) continue;
    lines.push(ladderLine(event));
  }
  return lines;
}

/** 'hss → s-cscf  MAA DIAMETER_SUCCESS' */
export function ladderLine(event: MessageEvent): string {
  const lost = event.lost === undefined ? '' : `  (lost: ${event.lost})`;
  return `${event.from} → ${event.to}  ${event.message.summary()}${lost}`;
}

function isBetween({ from, to }: MessageEvent, a?: string, b?: string): boolean {
  const fits = (near: string, far: string) =>
    (a === undefined || a === near) && (b === undefined || b === far);
  return fits(from, to) || fits(to, from);
}

function isAbout(event: MessageEvent, subscriber: string): boolean {
  const { imsi, impi, impus } = event.message.keys();
  return imsi === subscriber || impi === subscriber || impus?.includes(subscriber) === true;
}
