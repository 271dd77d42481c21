import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulation, simulate } from '#kernel/simulation/simulation';
import { minutes, ms, seconds } from '#kernel/time';
import { isGenerated, type ServerTransaction, SipEndpoint } from './endpoint.ts';
import {
  MaxBreadth,
  MaxForwards,
  nameAddr,
  RecordRoute,
  Route,
  To,
  Via,
  WwwAuthenticate,
} from './headers.ts';
import {
  addRaw,
  prepend,
  raw,
  reasonPhrase,
  requestUri,
  type SipResponse,
  set,
  toTag,
} from './message.ts';
import {
  type Branch,
  checkRequest,
  type ForwardOptions,
  forward,
  forwardAck,
  takeRoute,
} from './proxy.ts';
import { someRequest } from './testing/requests.ts';
import { isSipUri, parseUri } from './uri.ts';

/** A caller, a proxy, and callees that behave as the test says, all on UDP. */
class Network {
  readonly sim: Simulation;
  readonly caller: SipEndpoint;
  readonly proxy: SipEndpoint;
  readonly finals: SipResponse[] = [];
  readonly seen: number[] = [];

  constructor(seed = 1) {
    this.sim = simulate({ seed, localLinks: 'checked' });
    this.caller = this.#endpoint('caller');
    this.proxy = this.#endpoint('proxy');
  }

  #endpoint(name: string): SipEndpoint {
    const endpoint = new SipEndpoint(this.sim.host(name), { point: 'Mw', name: `${name}.test` });
    const listening = endpoint.listen('udp', { host: this.sim.addressOf(name), port: 5060 });
    listening.catch(assert.fail);
    return endpoint;
  }

  callee(
    name: string,
    answer: (tx: ServerTransaction, endpoint: SipEndpoint) => void,
  ): SipEndpoint {
    const endpoint = this.#endpoint(name);
    endpoint.onRequest = tx => answer(tx, endpoint);
    return endpoint;
  }

  branch(name: string, tx: ServerTransaction, timeout?: number): Branch {
    const target = { uri: parseUri(`sip:${this.sim.addressOf(name)}`) };
    return { request: tx.request, target, ...(timeout === undefined ? {} : { timeout }) };
  }

  /** Has the proxy send everything on to these, all at once or one after another. */
  to(
    names: readonly string[] | readonly (readonly string[])[],
    options: ForwardOptions = {},
  ): void {
    this.proxy.onRequest = async tx => {
      if (tx.request.method === 'ACK') {
        const { uri } = tx.request;
        forwardAck(this.proxy, tx, tx.request, { uri });
        return;
      }
      const groups = names.map(each =>
        typeof each === 'string' ? this.branch(each, tx) : each.map(name => this.branch(name, tx)),
      );
      this.finals.push(await forward(this.proxy, tx, groups as readonly Branch[], options));
    };
  }

  async call(
    method = 'INVITE',
    edits: Parameters<typeof someRequest>[2][] = [],
  ): Promise<SipResponse> {
    const tx = this.caller.request(someRequest(method, 'sip:bob@home.test', ...edits), {
      uri: parseUri(`sip:${this.sim.addressOf('proxy')}`),
    });
    tx.onResponse = response => this.seen.push(response.status);
    return this.sim.settle(() => tx.final);
  }

  /** Nothing outlives its timers. */
  async end(): Promise<void> {
    await this.sim.run(minutes(15));
    assert.equal(this.sim.pending, 0);
    assert.deepEqual(this.proxy.counts, { servers: 0, clients: 0 });
  }
}

const later = (endpoint: SipEndpoint, delay: number, act: () => void): void => {
  endpoint.host.clock.after(delay, act);
};

test('an INVITE passes with 100 at once, provisional and final responses, and its ACK', async () => {
  const net = new Network();
  const methods: string[] = [];
  net.callee('bob', (tx, bob) => {
    methods.push(tx.request.method);
    if (tx.request.method !== 'INVITE') return;
    assert.equal(tx.request.get(MaxForwards), 69);
    assert.equal(tx.request.all(Via).length, 2);
    assert.equal(tx.request.all(RecordRoute).length, 1);
    tx.reply(180);
    later(bob, seconds(1), () => tx.reply(200));
  });
  net.to(['bob'], { recordRoute: nameAddr(parseUri('sip:proxy.test;lr')) });
  const final = await net.call();
  assert.equal(final.status, 200);
  assert.equal(final.all(Via).length, 1);
  assert.deepEqual(net.seen, [100, 180, 200]);
  net.caller.sendAck(someRequest('ACK', `sip:${net.sim.addressOf('bob')}`), {
    uri: parseUri(`sip:${net.sim.addressOf('proxy')}`),
  });
  await net.end();
  assert.deepEqual(methods, ['INVITE', 'ACK']);
  assert.equal(net.finals[0]?.status, 200);
});

test('the first 2xx wins, and the other branches are cancelled with the reason', async () => {
  const net = new Network();
  let reason = '';
  net.callee('desk', (tx, desk) => {
    if (tx.request.method !== 'INVITE') return;
    tx.reply(180);
    later(desk, seconds(2), () => tx.reply(200));
  });
  net.callee('car', tx => {
    tx.reply(180);
    tx.onCancel = cancel => {
      reason = cancel.raw('Reason')[0] ?? '';
      tx.reply(487);
    };
  });
  net.to(['desk', 'car']);
  assert.equal((await net.call()).status, 200);
  await net.end();
  assert.match(reason, /SIP;cause=200/);
  assert.deepEqual(net.seen, [100, 180, 180, 200]);
});

test('both 2xx of a fork that answers twice go to the caller', async () => {
  const net = new Network();
  for (const name of ['desk', 'car']) {
    net.callee(name, tx => {
      if (tx.request.method === 'INVITE') tx.reply(200, toTag(name));
      if (tx.request.method === 'CANCEL') assert.fail('answered already');
    });
  }
  net.to(['desk', 'car']);
  assert.equal((await net.call()).status, 200);
  await net.end();
  assert.deepEqual(net.seen, [100, 200, 200]);
});

test('of several refusals the caller gets the best, with every challenge', async () => {
  const net = new Network();
  const challenge = (realm: string) =>
    addRaw('WWW-Authenticate', `Digest realm="${realm}", nonce="n"`);
  net.callee('a', tx => tx.request.method === 'INVITE' && tx.reply(404));
  net.callee('b', tx => tx.request.method === 'INVITE' && tx.reply(401, challenge('b')));
  net.callee('c', tx => tx.request.method === 'INVITE' && tx.reply(401, challenge('c')));
  net.callee('d', tx => tx.request.method === 'INVITE' && tx.reply(503));
  net.to(['a', 'b', 'c', 'd']);
  const final = await net.call();
  assert.equal(final.status, 401);
  assert.deepEqual(
    final
      .all(WwwAuthenticate)
      .map(each => each.params.get('realm'))
      .sort(),
    ['b', 'c'],
  );
  await net.end();
});

test('a 6xx ends every other branch and the search', async () => {
  const net = new Network();
  let asked = false;
  net.callee('a', (tx, a) => {
    if (tx.request.method !== 'INVITE') return;
    tx.reply(180);
    tx.onCancel = () => later(a, ms(300), () => tx.reply(487));
  });
  net.callee('b', (tx, b) => {
    if (tx.request.method === 'INVITE') later(b, seconds(1), () => tx.reply(603));
  });
  net.callee('c', () => {
    asked = true;
  });
  net.to([['a', 'b'], ['c']]);
  assert.equal((await net.call()).status, 603);
  assert.ok(!asked);
  await net.end();
});

test('groups are tried one after the other until somebody answers', async () => {
  const net = new Network();
  const order: string[] = [];
  const callee = (name: string, status: number): void => {
    net.callee(name, tx => {
      if (tx.request.method !== 'INVITE') return;
      order.push(name);
      tx.reply(status);
    });
  };
  callee('a', 404);
  callee('b', 486);
  callee('c', 200);
  callee('d', 200);
  net.to([['a', 'b'], ['c'], ['d']]);
  assert.equal((await net.call()).status, 200);
  await net.end();
  assert.deepEqual(order, ['a', 'b', 'c']);
});

test('targets may be found while the search goes on', async () => {
  const net = new Network();
  net.callee('a', tx => tx.request.method === 'INVITE' && tx.reply(404));
  net.callee('b', tx => tx.request.method === 'INVITE' && tx.reply(200));
  net.proxy.onRequest = async tx => {
    if (tx.request.method === 'ACK') return;
    async function* targets() {
      yield [net.branch('a', tx)];
      await new Promise<void>(resolve => later(net.proxy, seconds(1), resolve));
      yield [net.branch('b', tx)];
    }
    net.finals.push(await forward(net.proxy, tx, targets()));
  };
  assert.equal((await net.call()).status, 200);
  await net.end();
});

test('a CANCEL goes to every branch with its Reason, and 487 comes back', async () => {
  const net = new Network();
  const reasons: string[] = [];
  for (const name of ['a', 'b']) {
    net.callee(name, tx => {
      tx.onCancel = cancel => {
        reasons.push(cancel.raw('Reason')[0] ?? '');
        tx.reply(487);
      };
      if (tx.request.method === 'INVITE') tx.reply(180);
    });
  }
  net.to([['a', 'b'], ['c']]);
  const tx = net.caller.request(someRequest('INVITE', 'sip:bob@home.test'), {
    uri: parseUri(`sip:${net.sim.addressOf('proxy')}`),
  });
  await net.sim.run(seconds(1));
  tx.cancel([raw('Reason', 'SIP;cause=487')]);
  assert.equal((await net.sim.settle(() => tx.final)).status, 487);
  assert.deepEqual(reasons, ['SIP;cause=487', 'SIP;cause=487']);
  await net.end();
  assert.equal(net.finals[0]?.status, 487);
});

test('a CANCEL that came before there was anywhere to go ends the INVITE', async () => {
  const net = new Network();
  net.callee('a', () => assert.fail('cancelled before'));
  net.proxy.onRequest = async tx => {
    if (tx.request.method === 'ACK') return;
    tx.reply(100);
    await new Promise<void>(resolve => later(net.proxy, seconds(1), resolve));
    net.finals.push(await forward(net.proxy, tx, [net.branch('a', tx)]));
  };
  const tx = net.caller.request(someRequest('INVITE', 'sip:bob@home.test'), {
    uri: parseUri(`sip:${net.sim.addressOf('proxy')}`),
  });
  tx.cancel();
  assert.equal((await net.sim.settle(() => tx.final)).status, 487);
  await net.end();
});

test('nobody answering in time counts as 408, and the next group is asked', async () => {
  const net = new Network();
  net.callee('a', tx => {
    if (tx.request.method === 'INVITE') tx.reply(180);
    tx.onCancel = () => tx.reply(487);
  });
  net.callee('voicemail', tx => tx.request.method === 'INVITE' && tx.reply(486));
  const statuses: [number, boolean][] = [];
  net.proxy.onRequest = async tx => {
    if (tx.request.method === 'ACK') return;
    const groups = [[net.branch('a', tx, seconds(20))], [net.branch('voicemail', tx)]];
    await forward(net.proxy, tx, groups, {
      onResponse: response => {
        statuses.push([response.status, isGenerated(response)]);
        return undefined;
      },
    });
  };
  assert.equal((await net.call()).status, 408); // the first of two equally good
  await net.end();
  assert.deepEqual(statuses, [
    [180, false],
    [408, true],
    [486, false],
  ]);
});

test('timer C cancels an INVITE that rings for ever, and each 18x starts it anew', async () => {
  const net = new Network();
  net.callee('a', (tx, a) => {
    if (tx.request.method === 'INVITE') tx.reply(180);
    later(a, minutes(2), () => tx.reply(180));
    tx.onCancel = () => tx.reply(487);
  });
  net.to(['a']);
  assert.equal((await net.call()).status, 408);
  assert.equal(Math.round(net.sim.elapsed / 1000), 120 + 181);
  await net.end();
});

test('an unreachable target gives 504, a silent one 408 to INVITE and 504 to others', async () => {
  const net = new Network();
  net.callee('silent', () => {});
  net.sim.link('proxy', 'silent').partitioned = true;
  net.to(['silent']);
  assert.equal((await net.call('INVITE')).status, 408);
  // the caller's own timer F would fire first over UDP: it is told before by a shorter T1 at the proxy
  net.proxy.onRequest = async tx => {
    const target = { uri: parseUri('sip:nobody.test') };
    await forward(net.proxy, tx, [{ request: tx.request, target }]);
  };
  assert.equal((await net.call('MESSAGE')).status, 504);
  await net.end();
});

test('a 503 from beyond becomes 500, unless the proxy knows better', async () => {
  const net = new Network();
  net.callee('a', tx => tx.request.method !== 'ACK' && tx.reply(503));
  net.to(['a']);
  assert.equal((await net.call('MESSAGE')).status, 500);
  net.to(['a'], { pass503: true });
  assert.equal((await net.call('MESSAGE')).status, 503);
  net.to([]);
  assert.equal((await net.call('MESSAGE')).status, 480);
  net.to(['a', 'a', 'a'], { maxBranches: 2 });
  assert.equal((await net.call('MESSAGE')).status, 503);
  await net.end();
});

test('responses can be changed on the way, and the final one waits for what it promises', async () => {
  const net = new Network();
  net.callee('a', tx => tx.request.method !== 'ACK' && tx.reply(200));
  net.to(['a'], {
    onResponse: response => response.with(reasonPhrase('Changed')),
    onFinal: async response => {
      await new Promise<void>(resolve => later(net.proxy, seconds(3), resolve));
      return response.with(addRaw('X-Stored', 'yes'));
    },
  });
  const final = await net.call('REGISTER');
  assert.equal(final.reason, 'Changed');
  assert.deepEqual(final.raw('X-Stored'), ['yes']);
  assert.ok(net.sim.elapsed >= 3000);
  await net.end();
});

test('calls through a proxy survive a third of all datagrams lost', async () => {
  const net = new Network(11);
  net.sim.everyLink.loss = 0.3;
  net.callee('bob', (tx, bob) => {
    if (tx.request.method !== 'INVITE') return;
    tx.reply(180);
    later(bob, seconds(1), () => tx.reply(486));
  });
  net.to(['bob']);
  for (let i = 0; i < 20; i++) assert.equal((await net.call()).status, 486);
  await net.end();
});

// ------------------------------------------------------------------------------ pure parts

const plain = someRequest('INVITE', 'sip:bob@home.test');

test('a request is refused with 483, 482 or 420 before it is sent on', () => {
  const options = { name: 'proxy.test' };
  assert.equal(checkRequest(plain, options), undefined);
  assert.equal(checkRequest(plain.with(set(MaxForwards, 0)), options)?.status, 483);
  const refused = checkRequest(plain.with(addRaw('Proxy-Require', 'foo, sec-agree')), {
    ...options,
    supported: ['sec-agree'],
  });
  assert.equal(refused?.status, 420);
  assert.deepEqual(refused?.raw('Unsupported'), ['foo']);
});

test('a request that comes back unchanged is a loop, with another target a spiral', async () => {
  const net = new Network();
  const statuses: (number | undefined)[] = [];
  net.proxy.onRequest = async tx => {
    const refusal = checkRequest(tx.request, { name: net.proxy.name });
    statuses.push(refusal?.status);
    if (refusal !== undefined) return tx.respond(refusal);
    const { request } = tx;
    const next = request.with(requestUri(parseUri('sip:carol@home.test')));
    await forward(net.proxy, tx, [{ ...net.branch('proxy', tx), request: next }]);
  };
  assert.equal((await net.call('MESSAGE')).status, 482);
  assert.deepEqual(statuses, [undefined, undefined, 482]);
  await net.end();
});

const ours = (uri: ReturnType<typeof parseUri>) => isSipUri(uri) && uri.host === 'proxy.test';

test('every topmost Route of ours is popped, and no other', () => {
  const request = plain.with(
    addRaw('Route', '<sip:orig@proxy.test;lr>, <sip:proxy.test;lr>'),
    addRaw('Route', '<sip:next.test;lr>'),
    addRaw('Route', '<sip:proxy.test;lr>'),
  );
  const { request: taken, own } = takeRoute(request, ours);
  assert.equal(own.length, 2);
  assert.equal(isSipUri(own[0]!.uri) && own[0]?.uri.user, 'orig');
  assert.deepEqual(taken.raw('Route'), ['<sip:next.test;lr>', '<sip:proxy.test;lr>']);
  const untouched = takeRoute(plain, ours);
  assert.equal(untouched.request, plain);
});

test('what a strict router did to the Request-URI is undone', () => {
  const mangled = someRequest(
    'BYE',
    'sip:proxy.test;lr',
    addRaw('Route', '<sip:next.test;lr>'),
    addRaw('Route', '<sip:bob@phone.test>'),
  );
  const { request } = takeRoute(mangled, ours);
  assert.equal(isSipUri(request.uri) && request.uri.user, 'bob');
  assert.deepEqual(request.raw('Route'), ['<sip:next.test;lr>']);
  assert.ok(request.get(To));
});

test('a strict next hop gets its own URI as Request-URI', async () => {
  const net = new Network();
  let seen: ServerTransaction | undefined;
  net.callee('strict', tx => {
    seen = tx;
    tx.reply(200);
  });
  const uri = `sip:${net.sim.addressOf('strict')}`;
  net.proxy.onRequest = async tx => {
    const request = tx.request.with(prepend(Route, nameAddr(parseUri(uri))));
    await forward(net.proxy, tx, [{ request, target: { uri: parseUri(uri) } }]);
  };
  await net.call('MESSAGE');
  assert.deepEqual(seen?.request.uri, parseUri(uri));
  assert.deepEqual(seen?.request.raw('Route'), ['<sip:bob@home.test>']);
});

test('a request is forked into no more than its Max-Breadth, which the forks share', async () => {
  const net = new Network();
  const seen: (number | undefined)[] = [];
  for (const name of ['a', 'b', 'c']) {
    net.callee(name, tx => {
      seen.push(tx.request.get(MaxBreadth));
      if (tx.request.method !== 'ACK') tx.reply(404);
    });
  }
  net.to(['a', 'b', 'c']);
  assert.equal((await net.call('MESSAGE', [set(MaxBreadth, 2)])).status, 440);
  assert.equal((await net.call('MESSAGE', [set(MaxBreadth, 7)])).status, 404);
  assert.equal((await net.call('MESSAGE')).status, 404);
  net.to(['a']);
  assert.equal((await net.call('MESSAGE')).status, 404);
  assert.deepEqual(seen, [2, 2, 2, 20, 20, 20, undefined]);
});

test('a CANCEL while the next targets are looked for ends the search', async () => {
  const net = new Network();
  net.callee('a', tx => tx.request.method === 'INVITE' && tx.reply(404));
  net.callee('b', () => assert.fail('cancelled before'));
  const finals: number[] = [];
  let released = false;
  net.proxy.onRequest = async tx => {
    if (tx.request.method === 'ACK') return;
    async function* targets() {
      try {
        yield [net.branch('a', tx)];
        await new Promise<void>(resolve => later(net.proxy, seconds(5), resolve));
        yield [net.branch('b', tx)];
      } finally {
        released = true;
      }
    }
    await forward(net.proxy, tx, targets(), {
      onFinal: response => {
        finals.push(response.status);
        return undefined;
      },
    });
  };
  const tx = net.caller.request(someRequest('INVITE', 'sip:bob@home.test'), {
    uri: parseUri(`sip:${net.sim.addressOf('proxy')}`),
  });
  await net.sim.run(seconds(1));
  tx.cancel();
  assert.equal((await net.sim.settle(() => tx.final)).status, 487);
  await net.end();
  assert.deepEqual(finals, [487]);
  assert.ok(released);
});

test('a target that says nothing at all is passed over, and cancelled when it speaks', async () => {
  const net = new Network();
  let cancelled = false;
  net.callee('slow', (tx, slow) => {
    if (tx.request.method === 'ACK') return;
    tx.onCancel = () => {
      cancelled = true;
      tx.reply(487);
    };
    later(slow, seconds(1), () => tx.reply(180));
  });
  net.callee('next', (tx, next) => {
    if (tx.request.method !== 'ACK') later(next, seconds(20), () => tx.reply(486));
  });
  net.sim.link('proxy', 'slow').partitioned = true;
  net.sim.after(seconds(6), () => {
    net.sim.link('proxy', 'slow').partitioned = false;
  });
  const statuses: [number, boolean][] = [];
  net.proxy.onRequest = async tx => {
    if (tx.request.method === 'ACK') return;
    const unheard = seconds(4);
    const groups = [
      [{ ...net.branch('slow', tx), unheard }],
      [{ ...net.branch('next', tx), unheard }],
    ];
    await forward(net.proxy, tx, groups, {
      onResponse: response => {
        statuses.push([response.status, isGenerated(response)]);
        return undefined;
      },
    });
  };
  assert.equal((await net.call()).status, 408);
  await net.end();
  assert.ok(cancelled);
  assert.deepEqual(statuses.slice(0, 1), [[408, true]]);
  assert.ok(statuses.some(([status]) => status === 486));
});

test('a caller who cancels what nobody has answered at all gets 487', async () => {
  const net = new Network();
  net.callee('gone', () => {});
  net.sim.link('proxy', 'gone').partitioned = true;
  net.to(['gone']);
  const tx = net.caller.request(someRequest('INVITE', 'sip:bob@home.test'), {
    uri: parseUri(`sip:${net.sim.addressOf('proxy')}`),
  });
  await net.sim.run(seconds(1));
  tx.cancel();
  assert.equal((await net.sim.settle(() => tx.final)).status, 487);
  await net.end();
});

test('a slow answer to another request than INVITE is announced by 100, and not at once', async () => {
  const net = new Network();
  net.callee('slow', (tx, slow) => later(slow, seconds(20), () => tx.reply(200)));
  const heard: number[] = [];
  net.proxy.onRequest = async tx => {
    const began = net.sim.now();
    net.caller.host.clock.after(seconds(3), () => heard.push(net.seen.length));
    await forward(net.proxy, tx, [{ ...net.branch('slow', tx), unheard: seconds(30) }]);
    heard.push(net.sim.now() - began);
  };
  assert.equal((await net.call('MESSAGE')).status, 200);
  assert.deepEqual([...new Set(net.seen)], [100, 200]); // a copy of the request is answered again
  assert.equal(heard[0], 0);
  await net.end();
});
