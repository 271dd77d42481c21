// The I-CSCF's end of Cx (TS 29.228 §6.1.1, §6.1.4): who serves this user, or who could.

import {
  Cx,
  LocationInfo,
  type LocationInfoAnswer,
  UserAuthorization,
  type UserAuthorizationAnswer,
} from '#diameter/cx';
import { DiameterNode } from '#diameter/node';
import type { Host } from '#kernel/host';
import type { ICscfConfig } from './config.ts';

export type AuthorizationType =
  | 'REGISTRATION'
  | 'DE_REGISTRATION'
  | 'REGISTRATION_AND_CAPABILITIES';

export class CxClient {
  readonly node: DiameterNode;
  readonly #config: ICscfConfig['diameter'];

  constructor(host: Host, config: ICscfConfig) {
    this.#config = config.diameter;
    const { identity, realm, timeout } = config.diameter;
    this.node = new DiameterNode(host, { identity, realm, applications: [Cx], timeout });
  }

  start(): void {
    const { hss, realm, endpoints, agent = hss } = this.#config;
    this.node.connect({ ...(agent === undefined ? {} : { identity: agent }), realm, endpoints });
  }

  /** May this user register, and at which S-CSCF? */
  userAuthorization(user: {
    impi: string;
    impu: string;
    visitedNetwork: string;
    type: AuthorizationType;
  }): Promise<UserAuthorizationAnswer> {
    return this.node.call(UserAuthorization, user, this.#destination);
  }

  /** Which S-CSCF (or AS, for a PSI) serves this identity? */
  locationInfo(about: {
    impu: string;
    originating: boolean;
    type?: 'REGISTRATION_AND_CAPABILITIES';
  }): Promise<LocationInfoAnswer> {
    return this.node.call(
      LocationInfo,
      {
        impu: about.impu,
        originating: about.originating ? 'ORIGINATING' : undefined,
        type: about.type,
      },
      this.#destination,
    );
  }

  get #destination() {
    return { destinationRealm: this.#config.realm, destinationHost: this.#config.hss };
  }
}
