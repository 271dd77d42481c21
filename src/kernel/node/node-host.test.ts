import { hostSuite, type SuiteSetting, type SuiteWorld } from '../host.suite.ts';
import { createProcess, type NodeHost } from './process.ts';

function make(setting: SuiteSetting): SuiteWorld {
  const hosts = new Map<string, NodeHost>();
  const process = createProcess({
    links: setting.links,
    names: name => setting.names[name],
    lookup: async () => [],
    log: { level: 'silent' },
  });
  return {
    host(name) {
      const host = hosts.get(name) ?? process.host(name);
      hosts.set(name, host);
      return host;
    },
    run: work => work,
    close: () => process.close(),
  };
}

hostSuite('node', make, ['tcp', 'ws']);
