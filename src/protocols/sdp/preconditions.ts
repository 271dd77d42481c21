// Quality-of-service preconditions of one stream, RFC 3312 (with RFC 4032) as TS 24.229 §5.1.3.1,
// §5.1.4.1 and §6.1 use them: segmented status, ours ('local') and the peer's ('remote'). A pure
// machine: descriptions and reservations go in, attribute lines and "may the phone ring" come out.

import { type LineEdit, type MediaDescription, setAttributes } from './session-description.ts';

/** Directions for which resources are there, from the viewpoint of whoever states them. */
export type Reserved = 'none' | 'send' | 'recv' | 'sendrecv';

/** RFC 3312 §5, weakest first; the last two are refusals. */
export const strengths = ['none', 'optional', 'mandatory', 'unknown', 'failure'] as const;
export type Strength = (typeof strengths)[number];

interface Way {
  current: boolean;
  desired: Strength;
  /** The peer asked to be told when `current` becomes true (a=conf). */
  confirm: boolean;
}

/** One row group of the status table of RFC 3312 §5.1. */
interface Status {
  readonly send: Way;
  readonly recv: Way;
}

export interface PreconditionsSetting {
  /** Our resources at the start; 'sendrecv' on an access that needs none reserved. */
  readonly reserved: Reserved;
  /** What we ask of our own segment. */
  readonly local: Strength;
  /** What we ask of the peer's segment. */
  readonly remote: Strength;
}

/** TS 24.229 §6.1.2: the offer of a UE that reserves its own resources. */
export const mandatoryLocal: PreconditionsSetting = {
  reserved: 'none',
  local: 'mandatory',
  remote: 'optional',
};

export class Preconditions {
  #local: Status;
  #remote: Status;
  #peerUses: boolean | undefined;
  #unsupported: string | undefined;

  constructor(setting: PreconditionsSetting = mandatoryLocal) {
    this.#local = status(setting.reserved, setting.local);
    this.#remote = status('none', setting.remote);
  }

  /** An independent copy: for another dialog of a forked INVITE. */
  copy(): Preconditions {
    const other = new Preconditions();
    const copied = ({ send, recv }: Status): Status => ({ send: { ...send }, recv: { ...recv } });
    other.#local = copied(this.#local);
    other.#remote = copied(this.#remote);
    other.#peerUses = this.#peerUses;
    other.#unsupported = this.#unsupported;
    return other;
  }

  /** False once the peer answered or offered without preconditions; undefined before. */
  get peerUses(): boolean | undefined {
    return this.#peerUses;
  }

  /** Our resources for these directions are (no longer) there. */
  reserve(reserved: Reserved): void {
    setCurrent(this.#local, reserved);
  }

  get reserved(): Reserved {
    return reservedText(this.#local.send.current, this.#local.recv.current);
  }

  get remoteReserved(): Reserved {
    return reservedText(this.#remote.send.current, this.#remote.recv.current);
  }

  /** Every mandatory condition holds: the callee may be alerted (RFC 3312 §7). */
  get met(): boolean {
    if (this.refused !== undefined) return false;
    return ways(this.#local, this.#remote).every(way => way.desired !== 'mandatory' || way.current);
  }

  /** Our own segment has what is mandatory of it, so there is something to tell the peer. */
  get localMet(): boolean {
    return ways(this.#local).every(way => way.desired !== 'mandatory' || way.current);
  }

  /** Why these preconditions cannot be met at all: 580 Precondition Failure (RFC 3312 §8). */
  get refused(): string | undefined {
    if (this.#unsupported !== undefined) return this.#unsupported;
    const bad = ways(this.#local, this.#remote).find(
      way => way.desired === 'failure' || way.desired === 'unknown',
    );
    return bad === undefined ? undefined : `the peer answers des:qos ${bad.desired}`;
  }

  /** The peer waits to be told of a reservation that has come true: send an UPDATE (RFC 3312 §7). */
  get owesConfirmation(): boolean {
    return ways(this.#local).some(way => way.confirm && way.current);
  }

  /** Takes the peer's description of the stream, seen from its side: both tags turn round. */
  receive(media: MediaDescription): void {
    const lines = (name: string) => media.attributes(name).map(value => value.trim().split(/ +/));
    const desired = lines('des');
    const current = lines('curr');
    if (this.#peerUses === undefined || desired.length > 0 || current.length > 0) {
      this.#peerUses = desired.length > 0 || current.length > 0;
    }
    for (const [type, segment, reserved] of current) {
      if (type === 'qos' && segment === 'local' && isReserved(reserved)) {
        setCurrent(this.#remote, turned(reserved));
      }
    }
    for (const [type, strength, segment, reserved] of desired) {
      if (!isStrength(strength) || !isReserved(reserved)) continue;
      if (type === 'qos' && segment === 'local') raise(this.#remote, turned(reserved), strength);
      else if (type === 'qos' && segment === 'remote') {
        raise(this.#local, turned(reserved), strength);
      } else if (strength === 'mandatory' && reserved !== 'none') {
        this.#unsupported = `mandatory precondition of an unsupported kind: ${type} ${segment}`;
      }
    }
    for (const [type, segment, reserved] of lines('conf')) {
      if (type !== 'qos' || segment !== 'remote' || !isReserved(reserved)) continue;
      for (const [way, asked] of sides(this.#local, turned(reserved))) way.confirm ||= asked;
    }
  }

  /**
   * The lines for our next description. An answer asks for confirmation of what the peer has yet
   * to reserve (RFC 3312 §7); with that it has told what it owed.
   */
  attributes(kind: 'offer' | 'answer'): LineEdit[] {
    for (const way of ways(this.#local)) if (way.current) way.confirm = false;
    const missing = reservedText(
      this.#remote.send.desired === 'mandatory' && !this.#remote.send.current,
      this.#remote.recv.desired === 'mandatory' && !this.#remote.recv.current,
    );
    return [
      setAttributes('curr', `qos local ${this.reserved}`, `qos remote ${this.remoteReserved}`),
      setAttributes(
        'des',
        ...desiredLines('local', this.#local),
        ...desiredLines('remote', this.#remote),
      ),
      setAttributes(
        'conf',
        ...(kind === 'answer' && missing !== 'none' ? [`qos remote ${missing}`] : []),
      ),
    ];
  }
}

function status(reserved: Reserved, desired: Strength): Status {
  const made: Status = {
    send: { current: false, desired, confirm: false },
    recv: { current: false, desired, confirm: false },
  };
  setCurrent(made, reserved);
  return made;
}

const ways = (...tables: Status[]): Way[] => tables.flatMap(table => [table.send, table.recv]);

const sides = (table: Status, reserved: Reserved): [Way, boolean][] => [
  [table.send, reserved === 'send' || reserved === 'sendrecv'],
  [table.recv, reserved === 'recv' || reserved === 'sendrecv'],
];

function setCurrent(table: Status, reserved: Reserved): void {
  for (const [way, there] of sides(table, reserved)) way.current = there;
}

/** RFC 3312 §5.2: an answerer may raise a strength, never lower it. */
function raise(table: Status, reserved: Reserved, strength: Strength): void {
  for (const [way, named] of sides(table, reserved)) {
    if (named && strengths.indexOf(strength) > strengths.indexOf(way.desired)) {
      way.desired = strength;
    }
  }
}

function desiredLines(segment: 'local' | 'remote', table: Status): string[] {
  const { send, recv } = table;
  if (send.desired === recv.desired) return [`qos ${send.desired} ${segment} sendrecv`];
  return [`qos ${send.desired} ${segment} send`, `qos ${recv.desired} ${segment} recv`];
}

function reservedText(send: boolean, recv: boolean): Reserved {
  if (send && recv) return 'sendrecv';
  if (send) return 'send';
  return recv ? 'recv' : 'none';
}

function turned(reserved: Reserved): Reserved {
  if (reserved === 'send') return 'recv';
  return reserved === 'recv' ? 'send' : reserved;
}

function isReserved(text: string | undefined): text is Reserved {
  return text === 'none' || text === 'send' || text === 'recv' || text === 'sendrecv';
}

function isStrength(text: string | undefined): text is Strength {
  return (strengths as readonly (string | undefined)[]).includes(text);
}

/** Whether a description states preconditions at all: then Require: precondition may be asked. */
export const hasPreconditions = (media: MediaDescription): boolean =>
  media.attribute('curr') !== undefined || media.attribute('des') !== undefined;
