import { hostSuite, type SuiteSetting, type SuiteWorld } from '../host.suite.ts';
import type { StreamOptions, StreamProtocol } from '../host.ts';
import { createProcess, type NodeHost } from './process.ts';
import { selfSigned } from './self-signed.ts';

const { key, cert } = selfSigned({ names: ['127.0.0.1'], now: Date.now() });

function options(protocol: StreamProtocol): StreamOptions {
  const isSecured = protocol === 'tls' || protocol === 'wss';
  return {
    ...(isSecured ? { tls: { key, cert, ca: cert } } : {}),
    webSocket: { path: '/sip', subprotocol: 'sip' },
  };
}

const nothing = async () => ({ records: [] });
const noDns = { addresses: nothing, srv: nothing, naptr: nothing };

function make(setting: SuiteSetting): SuiteWorld {
  const hosts = new Map<string, NodeHost>();
  const process = createProcess({
    links: setting.links,
    names: name => setting.names[name],
    dns: noDns,
    log: { level: 'silent' },
    onFault(error) {
      throw error;
    },
  });
  return {
    host(name) {
      const host = hosts.get(name) ?? process.host(name);
      hosts.set(name, host);
      return host;
    },
    options,
    run: work => work,
    close: () => process.close(),
  };
}

hostSuite('node', make, ['tcp', 'tls', 'ws', 'wss']);
