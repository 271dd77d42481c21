// Turns a network file into running functions: makes each function's host, decides which links are
// local and which on the wire, and tells everybody where the others are.

import type { As } from '#functions/as/as';
import type { Hss } from '#functions/hss/hss';
import type { ICscf } from '#functions/i-cscf/i-cscf';
import type { PCscf } from '#functions/p-cscf/p-cscf';
import type { SCscf } from '#functions/s-cscf/s-cscf';
import type { Address, Endpoint, Host } from '#kernel/host';
import { makeAs } from './make-as.ts';
import { makeHss } from './make-hss.ts';
import { makeICscf } from './make-i-cscf.ts';
import { makePCscf } from './make-p-cscf.ts';
import { makeSCscf } from './make-s-cscf.ts';
import { homeDomain } from './network-file.ts';
import type { NetworkSettings } from './schema.ts';
import type { Service, World } from './world.ts';

/** As `--only` and the sections of the network file name them. */
export const FUNCTIONS = ['hss', 'scscf', 'icscf', 'as', 'pcscf'] as const;
export type FunctionName = (typeof FUNCTIONS)[number];

/** As the architecture, the trace and the ladder name them. */
export const INSTANCE: Readonly<Record<FunctionName, string>> = {
  hss: 'hss',
  scscf: 's-cscf',
  icscf: 'i-cscf',
  as: 'as',
  pcscf: 'p-cscf',
};

/** A place where a function can be reached from outside the process. */
export interface Listening {
  readonly function: FunctionName;
  /** 'Gm', 'Mw', 'Cx', 'ISC' */
  readonly point: string;
  readonly protocol: Exclude<Endpoint['protocol'], 'local'>;
  readonly address: Address;
}

export interface Functions {
  readonly hss?: Hss;
  readonly scscf?: SCscf;
  readonly icscf?: ICscf;
  readonly as?: As;
  readonly pcscf?: PCscf;
}

export interface RunningNetwork {
  readonly settings: NetworkSettings;
  readonly home: string;
  readonly functions: Functions;
  readonly listening: readonly Listening[];
  /** Stops one function as an operator would: it is gone until it is started again. */
  stopFunction(name: FunctionName): Promise<void>;
  /** Starts one again that was stopped, or whose process died, on the store it had. */
  startFunction(name: FunctionName): Promise<void>;
  /** Stops all, those that UEs see first. */
  stop(): Promise<void>;
}

export interface ComposeOptions {
  /** Only these functions run here; the others are reached on the wire. Default all. */
  readonly only?: readonly FunctionName[];
  /** Puts something between a function and its host: faults, for flows and tests. */
  readonly host?: (host: Host) => Host;
  /** Told of each function as it begins to serve. */
  readonly onStarted?: (name: FunctionName) => void;
}

/** What a function's maker is told and asked. */
export interface Making {
  readonly settings: NetworkSettings;
  readonly home: string;
  readonly host: Host;
  /** The IP address it binds where no setting says otherwise. */
  readonly address: string;
  readonly certificate: World['certificate'];
  /** Where it listens on the wire; empty where it is reached by local links alone. */
  readonly wire: (
    port: number,
    ...protocols: ('udp' | 'tcp')[]
  ) => readonly {
    readonly protocol: 'udp' | 'tcp';
    readonly address: Address;
  }[];
}

/** A function made but not started. `start` resolves to what it bound. */
export interface Made<F> {
  readonly function: F;
  readonly start: () => Promise<readonly Omit<Listening, 'function'>[]>;
  readonly stop: () => Promise<void>;
}

type Maker<F> = (making: Making) => Made<F>;

const MAKERS: { readonly [K in FunctionName]: Maker<NonNullable<Functions[K]>> } = {
  hss: makeHss,
  scscf: makeSCscf,
  icscf: makeICscf,
  as: makeAs,
  pcscf: makePCscf,
};

/** The names a function is found by, and what is spoken there. */
const SERVED: Readonly<Record<FunctionName, readonly Service[]>> = {
  hss: ['diameter'],
  scscf: ['sip', 'diameter'],
  icscf: ['sip'],
  as: ['sip'],
  pcscf: ['sip'],
};

/**
 * Starts the functions, the HSS first, so that each finds the others at once; any other order of
 * processes works too. Rejects with an AddressError or UsageError, everything stopped again.
 */
export async function compose(
  settings: NetworkSettings,
  world: World,
  options: ComposeOptions = {},
): Promise<RunningNetwork> {
  const home = homeDomain(settings);
  const here = FUNCTIONS.filter(name => options.only?.includes(name) ?? true);
  // Those of one process meet in it, whether or not others are elsewhere and reached on the wire.
  const onWire = settings.links === 'wire';
  const isSplit = here.length < FUNCTIONS.length;
  const functions: { -readonly [K in FunctionName]?: Functions[K] } = {};
  const listening: Listening[] = [];
  const running = new Map<FunctionName, () => Promise<void>>();

  for (const name of FUNCTIONS) {
    if (here.includes(name)) continue;
    // Elsewhere: at the address its section of the same file gives it.
    for (const service of SERVED[name]) {
      world.setName(`${name}.${home}`, service, endpointsElsewhere(settings, name, service));
    }
  }

  const start = async <K extends FunctionName>(name: K): Promise<void> => {
    const instance = INSTANCE[name];
    const host = world.host(instance);
    const section = settings[name];
    const listens = onWire || isSplit || ('listen' in section && section.listen);
    const made = MAKERS[name]({
      settings,
      home,
      host: options.host?.(host) ?? host,
      certificate: world.certificate,
      address: section.bind ?? world.wireAddress(instance, 0).host,
      wire: (port, ...protocols) =>
        listens
          ? protocols.map(protocol => ({
              protocol,
              address:
                section.bind === undefined
                  ? world.wireAddress(instance, port)
                  : { host: section.bind, port },
            }))
          : [],
    });
    if (!onWire) {
      for (const service of SERVED[name]) {
        const local = `${name}.${home}`;
        world.setName(local, service, [{ protocol: 'local', name: local }]);
      }
    }
    running.set(name, made.stop);
    const bound = await made.start();
    for (const one of bound) listening.push({ function: name, ...one });
    if (onWire) {
      for (const service of SERVED[name]) {
        const points = service === 'diameter' ? ['Cx'] : ['Mw', 'ISC'];
        world.setName(
          `${name}.${home}`,
          service,
          bound
            .filter(one => points.includes(one.point))
            .map(({ protocol, address }) => ({ protocol, address })),
        );
      }
    }
    functions[name] = made.function as Functions[K];
    options.onStarted?.(name);
  };

  const stop = async (): Promise<void> => {
    for (const name of [...FUNCTIONS].reverse()) await stopFunction(name);
  };
  const stopFunction = async (name: FunctionName): Promise<void> => {
    const stopIt = running.get(name);
    running.delete(name);
    delete functions[name];
    await stopIt?.();
  };

  const startFunction = async (name: FunctionName): Promise<void> => {
    for (let at = listening.length - 1; at >= 0; at--) {
      if (listening[at]!.function === name) listening.splice(at, 1);
    }
    await start(name);
  };

  try {
    for (const name of here) await start(name);
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
  return { settings, home, functions, listening, stopFunction, startFunction, stop };
}

function endpointsElsewhere(
  settings: NetworkSettings,
  name: FunctionName,
  service: Service,
): readonly Endpoint[] {
  const section = settings[name];
  const host = section.bind ?? settings.bind;
  const port = name === 'pcscf' ? settings.pcscf.mw : 'port' in section ? section.port : 0;
  // TCP first: a function that is away refuses at once, where datagrams would be waited for.
  const protocols = service === 'diameter' ? (['tcp'] as const) : (['tcp', 'udp'] as const);
  return protocols.map(protocol => ({ protocol, address: { host, port } }));
}
