import assert from 'node:assert/strict';
import test from 'node:test';
import type { Codec, Stream, StreamProtocol } from '../host.ts';
import type { Pipe } from '../pipe.ts';
import { minutes, ms, seconds } from '../time.ts';
import { type Simulation, simulate } from './simulation.ts';

const text = (octets: Uint8Array): string => Buffer.from(octets).toString();
const octets = (text: string): Uint8Array => Buffer.from(text);

/** Two hosts; what arrives at b on UDP, with the time. */
async function datagrams(sim: Simulation) {
  const heard: string[] = [];
  const at = (name: string) => ({ host: sim.addressOf(name), port: 5060 });
  await sim.host('b').network.bindDatagram(at('b'), datagram => {
    heard.push(`${sim.elapsed} ${text(datagram)}`);
  });
  const socket = await sim.host('a').network.bindDatagram(at('a'), () => {});
  return { heard, send: (message: string) => socket.send(octets(message), at('b')) };
}

test('a datagram takes the delay of its link, and its octets are those at the time it was sent', async () => {
  const sim = simulate({ seed: 1 });
  sim.link('a', 'b').delay = ms(20);
  const heard: string[] = [];
  const to = { host: sim.addressOf('b', 6), port: 5060 };
  await sim.host('b').network.bindDatagram({ host: '::', port: 5060 }, (datagram, from) => {
    heard.push(`${sim.elapsed} ${from.host} ${text(datagram)}`);
  });
  const from = { host: sim.addressOf('a', 6), port: 0 };
  const socket = await sim.host('a').network.bindDatagram(from, () => {});
  const buffer = octets('hello');
  socket.send(buffer, to);
  buffer.fill(0);
  await sim.run(seconds(1));
  assert.deepEqual(heard, [`20 ${sim.addressOf('a', 6)} hello`]);
});

test('loss, duplication and reordering happen at about their rates, per direction', async () => {
  const sim = simulate({ seed: 5 });
  const { heard, send } = await datagrams(sim);
  const link = sim.link('a', 'b').towards('b');
  const messages = Array.from({ length: 1000 }, (_, at) => String(at));
  const sendAll = async () => {
    heard.length = 0;
    for (const [at, message] of messages.entries()) sim.after(at, () => send(message));
    await sim.runUntilIdle();
    return heard.map(line => line.split(' ')[1]!);
  };

  link.loss = 0.3;
  const few = (await sendAll()).length;
  assert.ok(few > 650 && few < 750, `${few} of 1000 arrived`);
  link.loss = 0;
  link.jitter = ms(50);
  assert.deepEqual(await sendAll(), messages); // jitter alone keeps the order
  link.duplication = 0.1;
  const many = (await sendAll()).length;
  assert.ok(many > 1070 && many < 1130, `${many} arrived`);
  link.duplication = 0;
  link.reordering = 0.1;
  const mixed = await sendAll();
  assert.notDeepEqual(mixed, messages);
  assert.deepEqual(
    mixed.toSorted((a, b) => Number(a) - Number(b)),
    messages,
  );
  assert.equal(sim.link('a', 'b').towards('a').loss, 0);
});

test('a partition stops everything until it heals', async () => {
  const sim = simulate({ seed: 1 });
  const { heard, send } = await datagrams(sim);
  sim.partition(['a'], ['b']);
  send('lost');
  await sim.run(seconds(1));
  sim.partition(['a'], ['b'], false);
  send('found');
  await sim.run(seconds(1));
  assert.deepEqual(heard, ['1001 found']);
});

test('a setting of the whole network holds where the link has none of its own', async () => {
  const sim = simulate({ seed: 1, links: { delay: ms(5) } });
  sim.link('a', 'b').delay = ms(7);
  sim.everyLink.loss = 0.25;
  assert.equal(sim.link('a', 'b').delay, 7);
  assert.equal(sim.link('a', 'c').delay, 5);
  assert.equal(sim.link('a', 'b').loss, 0.25);
  assert.throws(() => {
    sim.link('a', 'b').loss = 1.5;
  }, RangeError);
});

test('addresses are bound once, only by their owner, and free again after closing', async () => {
  const sim = simulate({ seed: 1 });
  const { network } = sim.host('a');
  const bind = (host: string, port: number) => network.bindDatagram({ host, port }, () => {});
  const own = sim.addressOf('a');
  const socket = await bind(own, 5060);
  await assert.rejects(bind(own, 5060), { name: 'AddressError', code: 'in use' });
  await assert.rejects(bind('0.0.0.0', 5060), { code: 'in use' });
  await assert.rejects(bind(sim.addressOf('b'), 5060), { code: 'unavailable' });
  await network.listen('tcp', { host: own, port: 5060 }, () => {});
  await assert.rejects(
    network.listen('ws', { host: own, port: 5060 }, () => {}),
    { code: 'in use' },
  );
  socket.close();
  await bind('0.0.0.0', 5060);
  await sim.host('b').network.bindDatagram({ host: '0.0.0.0', port: 5060 }, () => {});
  const first = await bind(own, 0);
  const second = await bind(own, 0);
  assert.notEqual(first.local.port, second.local.port);
  assert.equal(sim.ownerOf(first.local), 'a');
  assert.equal(sim.ownerOf({ host: sim.addressOf('b'), port: 5060 }), 'b');
  assert.equal(sim.ownerOf({ host: '192.0.2.1', port: 5060 }), undefined);
  await bind('FD00:0::1', 7);
  assert.equal(sim.ownerOf({ host: 'fd00::1', port: 7 }), 'a');
});

test('loopback addresses are shared, as on one machine', async () => {
  const sim = simulate({ seed: 1 });
  const heard: string[] = [];
  const server = { host: '127.0.0.1', port: 5060 };
  const socket = await sim.host('b').network.bindDatagram(server, datagram => {
    heard.push(text(datagram));
  });
  const client = await sim.host('a').network.bindDatagram({ host: '127.0.0.1', port: 0 }, () => {});
  client.send(octets('hi'), socket.local);
  await sim.run(seconds(1));
  assert.deepEqual(heard, ['hi']);
  await assert.rejects(
    sim.host('a').network.bindDatagram(server, () => {}),
    { code: 'in use' },
  );
});

interface Conversation {
  readonly client: Stream;
  readonly server: () => Stream;
  readonly log: string[];
}

/** b echoes nothing, and writes down all that happens; so does a. */
async function conversation(
  sim: Simulation,
  protocol: StreamProtocol = 'tcp',
): Promise<Conversation> {
  const log: string[] = [];
  let server: Stream | undefined;
  const note = (who: string, stream: Stream) => {
    stream.onOctets = octets => log.push(`${who} got ${text(octets)}`);
    stream.onClosed = reason => log.push(`${who} closed: ${reason}`);
    stream.onOpen = () => log.push(`${who} open`);
  };
  const address = { host: sim.addressOf('b'), port: 5060 };
  await sim.host('b').network.listen(protocol, address, stream => {
    server = stream;
    note('server', stream);
  });
  const client = sim.host('a').network.connect(protocol, address);
  note('client', client);
  return { client, server: () => server!, log };
}

test('a stream carries octets both ways, those sent before it opened first', async () => {
  const sim = simulate({ seed: 1 });
  const { client, server, log } = await conversation(sim);
  client.send(octets('one'));
  assert.equal(client.queued, 3);
  await sim.run(seconds(1));
  assert.equal(client.queued, 0);
  server().send(octets('two'));
  await sim.run(seconds(1));
  client.send(octets('three'));
  client.close();
  client.send(octets('never'));
  await sim.run(seconds(1));
  assert.deepEqual(log, [
    'client open',
    'server got one',
    'client got two',
    'client closed: closed',
    'server got three',
    'server closed: closed by peer',
  ]);
  assert.deepEqual(server().remote, client.local);
  assert.equal(sim.ownerOf(client.local), 'a');
});

test('a connection nobody takes is refused, and one to nowhere times out', async () => {
  const sim = simulate({ seed: 1 });
  const closed: string[] = [];
  const dial = (protocol: StreamProtocol, host: string, port: number) => {
    const stream = sim.host('a').network.connect(protocol, { host, port });
    stream.onClosed = reason => closed.push(`${port} ${reason} after ${sim.elapsed}`);
  };
  sim.host('b').network.listen('tls', { host: sim.addressOf('b'), port: 2 }, () => {});
  dial('tcp', sim.addressOf('b'), 1);
  dial('tcp', sim.addressOf('b'), 2);
  dial('tcp', '192.0.2.1', 3);
  await sim.run(minutes(1));
  assert.deepEqual(closed, [
    '1 refused after 2',
    '2 handshake failed after 2',
    '3 timed out after 20000',
  ]);
});

test('a WebSocket opens only where path and subprotocol agree, and keeps its messages whole', async () => {
  const sim = simulate({ seed: 1, links: { chopping: 1 } });
  const address = { host: sim.addressOf('b'), port: 8088 };
  const got: string[] = [];
  const webSocket = { path: '/sip', subprotocol: 'sip' };
  const accept = (stream: Stream) => {
    stream.onOctets = octets => got.push(text(octets));
  };
  await sim.host('b').network.listen('ws', address, accept, { webSocket });
  const { network } = sim.host('a');
  const good = network.connect('ws', address, { webSocket });
  const bad = network.connect('ws', address, { webSocket: { ...webSocket, subprotocol: 'xmpp' } });
  bad.onClosed = reason => got.push(reason);
  good.send(octets('a message'));
  good.send(octets('another'));
  await sim.run(seconds(1));
  assert.deepEqual(got, ['handshake failed', 'a message', 'another']);
});

test('loss delays a stream and never changes it, in pieces of any size', async () => {
  const sim = simulate({ seed: 2, links: { loss: 0.4, jitter: ms(30), chopping: 0.5 } });
  const { client, server, log } = await conversation(sim);
  const sent = Array.from({ length: 200 }, (_, at) => `<${at}>`);
  for (const [at, piece] of sent.entries()) sim.after(at * 50, () => client.send(octets(piece)));
  sim.after(seconds(5), () => server().send(octets('back')));
  await sim.run(minutes(2));
  const got = log.filter(line => line.startsWith('server got ')).map(line => line.slice(11));
  assert.equal(got.join(''), sent.join(''));
  assert.ok(got.length > sent.length, 'some pieces were cut in two');
  assert.ok(log.includes('client got back'));
});

test('a short partition stalls a stream; a long one breaks it, and the peer learns when it sends', async () => {
  const sim = simulate({ seed: 1 });
  const { client, server, log } = await conversation(sim);
  await sim.run(seconds(1));
  sim.link('a', 'b').partitioned = true;
  client.send(octets('late'));
  await sim.run(seconds(3));
  assert.deepEqual(log, ['client open']);
  sim.link('a', 'b').partitioned = false;
  await sim.run(seconds(10));
  assert.deepEqual(log.splice(0), ['client open', 'server got late']);

  sim.link('a', 'b').partitioned = true;
  client.send(octets('never'));
  await sim.run(minutes(1));
  assert.deepEqual(log.splice(0), ['client closed: timed out']);
  sim.link('a', 'b').partitioned = false;
  server().send(octets('anybody?'));
  await sim.run(seconds(1));
  assert.deepEqual(log, ['server closed: reset']);
});

test('the peers of a process that crashed get a reset, and its listeners refuse', async () => {
  const sim = simulate({ seed: 1 });
  const { log } = await conversation(sim);
  await sim.run(seconds(1));
  sim.crash('b');
  const again = sim.host('a').network.connect('tcp', { host: sim.addressOf('b'), port: 5060 });
  again.onClosed = reason => log.push(`again: ${reason}`);
  await sim.run(seconds(1));
  assert.deepEqual(log, ['client open', 'client closed: reset', 'again: refused']);
});

const words: Codec<{ readonly word: string }> = {
  encode: ({ word }) => octets(word),
  decode: encoded => ({ word: text(encoded) }),
};

test('local links run in virtual time, and end when either process dies', async () => {
  const sim = simulate({ seed: 1, localLinks: 'checked' });
  const log: string[] = [];
  sim.install('b', host => {
    host.network.serveLocal<{ readonly word: string }>('b.home', pipe => {
      pipe.onMessage = ({ word }) => {
        log.push(`b got ${word} from ${pipe.remoteName}`);
        pipe.send({ word: 'back' });
      };
    });
  });
  await sim.run(1);
  let pipe: Pipe<{ readonly word: string }> | undefined;
  const dial = () => {
    pipe = sim.host('a').network.dialLocal('b.home', words);
    pipe.onMessage = ({ word }) => log.push(`a got ${word}`);
    pipe.onClosed = reason => log.push(`a closed: ${reason}`);
    pipe.onOpen = () => pipe!.send({ word: 'there' });
  };
  dial();
  await sim.run(1);
  sim.crash('b');
  await sim.run(1);
  dial();
  await sim.run(1);
  sim.restart('b');
  await sim.run(1);
  dial();
  await sim.run(1);
  assert.deepEqual(log, [
    'b got there from a',
    'a got back',
    'a closed: reset',
    'a closed: refused',
    'b got there from a',
    'a got back',
  ]);
});

test('names lead where the composition says', async () => {
  const endpoint = { protocol: 'tcp', address: { host: '10.0.0.9', port: 3868 } } as const;
  const sim = simulate({
    seed: 1,
    resolve: (name, service, asker) => (name === `${asker}.${service}` ? [endpoint] : []),
  });
  sim.setName('hss.home', 'diameter', [{ protocol: 'local', name: 'hss.home' }]);
  const { network } = sim.host('a');
  assert.deepEqual(await network.resolve('hss.home', 'diameter'), [
    { protocol: 'local', name: 'hss.home' },
  ]);
  assert.deepEqual(await network.resolve('hss.home', 'sip'), []);
  assert.deepEqual(await network.resolve('a.sip', 'sip'), [endpoint]);
});
