// What a composition needs of whatever it runs in: a host for each instance, and a table of names.
// A process of real hosts gives both, and so does a simulation.

import type { Address, Clock, Endpoint, Host } from '#kernel/host';
import type { HostProcess } from '#kernel/node/process';
import type { Simulation } from '#kernel/simulation';

export type Service = 'sip' | 'diameter';

export interface World {
  readonly clock: Clock;
  host(instance: string): Host;
  /** From now on `name` leads there, for everybody of this world. */
  setName(name: string, service: Service, endpoints: readonly Endpoint[]): void;
  /** Where an instance binds its wire links: the same function has one address per network. */
  wireAddress(instance: string, port: number): Address;
  /** What TLS shows: of the files named, or made for these names. None where TLS is a label. */
  certificate(
    files: CertificateFiles | undefined,
    names: readonly string[],
  ): Certificate | undefined;
}

export interface Certificate {
  /** PEM texts. */
  readonly key: string;
  readonly cert: string;
}

export interface CertificateFiles {
  readonly key: string;
  readonly cert: string;
}

/** A table of names that a process is made with and a composition fills. */
export class Names {
  readonly #table = new Map<string, readonly Endpoint[]>();

  set(name: string, service: Service, endpoints: readonly Endpoint[]): void {
    this.#table.set(`${service} ${name.toLowerCase()}`, endpoints);
  }

  /** undefined where the composition knows nothing: then the DNS is asked. */
  find(name: string, service: Service): readonly Endpoint[] | undefined {
    return this.#table.get(`${service} ${name.toLowerCase()}`);
  }
}

/**
 * A process of real hosts. `ports` says whether wire links use the functions' own ports, or any
 * free ones so that networks do not meet.
 */
export function nodeWorld(
  process: HostProcess,
  names: Names,
  options: {
    readonly bind: string;
    readonly ports: 'own' | 'ephemeral';
    readonly certificate: World['certificate'];
  },
): World {
  return {
    clock: process.clock,
    host: instance => process.host(instance),
    setName: (name, service, endpoints) => names.set(name, service, endpoints),
    wireAddress: (_, port) => ({
      host: options.bind,
      port: options.ports === 'own' ? port : 0,
    }),
    certificate: options.certificate,
  };
}

/** A simulation: every instance is a machine of its own, so every port is free. */
export function simulatedWorld(simulation: Simulation): World {
  return {
    clock: simulation.host('composition').clock,
    host: instance => simulation.host(instance),
    setName: (name, service, endpoints) => simulation.setName(name, service, endpoints),
    wireAddress: (instance, port) => ({ host: simulation.addressOf(instance), port }),
    certificate: () => undefined,
  };
}
