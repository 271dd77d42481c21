import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#kernel/errors';
import { type HssSettings, hssConfig } from './config.ts';

const home = 'ims.example';
const refused = (settings: Partial<HssSettings>): string => {
  try {
    hssConfig({ home, ...settings });
  } catch (error) {
    assert.ok(error instanceof UsageError);
    return error.message;
  }
  return assert.fail('accepted');
};
const criterion = (more: object) =>
  refused({ filterCriteria: [{ priority: 1, server: 'sip:as', ...more }] });

test('with the home domain alone the HSS is that of the lab', () => {
  const config = hssConfig({ home: 'IMS.Example' });
  assert.equal(config.diameter.identity, 'hss.ims.example');
  assert.deepEqual(config.diameter.peers, ['icscf.ims.example', 'scscf.ims.example']);
  assert.deepEqual(config.services, ['mmtel', 'sms', 'screening', 'forwarding']);
  const [first] = config.filterCriteria;
  assert.equal(first?.criterion.applicationServer.serverName, 'sip:as.ims.example:5090');
  assert.deepEqual(hssConfig({ home, filterCriteria: [] }).filterCriteria, []);
});

test('filter criteria stand in the order of their priority', () => {
  const filterCriteria = [3, 1, 2].map(priority => ({ priority, server: 'sip:as' }));
  const config = hssConfig({ home, filterCriteria });
  assert.deepEqual(
    config.filterCriteria.map(({ criterion }) => criterion.priority),
    [1, 2, 3],
  );
});

test('a filter criterion that cannot be is named with its place and what would be right', () => {
  assert.match(
    criterion({ server: 'as.example' }),
    /^hss\.filterCriteria\[0\]\.server: "as\.example" is not a SIP URI/,
  );
  assert.match(criterion({ any: [], all: [] }), /^hss\.filterCriteria\[0\]: any and all/);
  assert.match(criterion({ all: [[]] }), /^hss\.filterCriteria\[0\]\.all\[0\]: no condition/);
  assert.match(
    criterion({ any: [[{}]] }),
    /^hss\.filterCriteria\[0\]\.any\[0\]\[0\]: none given; a condition has one of method/,
  );
  assert.match(
    criterion({ all: [[{ method: 'INVITE', sdpLine: 'm' }]] }),
    /method and sdpLine given/,
  );
  assert.match(
    criterion({ all: [[{ method: 'INVITE', content: 'x' }]] }),
    /\.content: goes with header or sdpLine/,
  );
  assert.match(
    criterion({ all: [[{ method: 'INVITE', registrationType: ['re'] }]] }),
    /\.registrationType: goes with method REGISTER/,
  );
});

test('every kind of condition is read', () => {
  const all = [
    [{ method: 'REGISTER', registrationType: ['re'] as const }],
    [{ sessionCase: 'originating-cdiv' as const, negated: true }],
    [{ requestUri: '^sip:1' }, { header: 'X', content: 'y' }],
    [{ sdpLine: 'm' }],
  ];
  const [read] = hssConfig({
    home,
    filterCriteria: [{ priority: 1, server: 'sip:as', all }],
  }).filterCriteria;
  assert.deepEqual(read?.criterion.triggerPoint, {
    form: 'CNF',
    groups: [
      [
        {
          kind: 'method',
          negated: false,
          method: 'REGISTER',
          registrationTypes: ['RE_REGISTRATION'],
        },
      ],
      [{ kind: 'sessionCase', negated: true, sessionCase: 'ORIGINATING_CDIV' }],
      [
        { kind: 'requestUri', negated: false, pattern: '^sip:1' },
        { kind: 'sipHeader', negated: false, header: 'X', content: 'y' },
      ],
      [{ kind: 'sessionDescription', negated: false, line: 'm' }],
    ],
  });
});

test('a service identity that cannot be is named with its place', () => {
  const psi = { identity: 'sip:echo@ims.example', server: 'sip:as' };
  assert.match(
    refused({ psis: [{ ...psi, identity: 'echo' }] }),
    /^hss\.psis\[0\]\.identity: "echo" is not/,
  );
  assert.match(
    refused({ psis: [psi, { ...psi, server: 'as' }] }),
    /^hss\.psis\[1\]\.server: "as" is not/,
  );
});

test('profiles and shared sets that cannot be are named with their place', () => {
  const server = 'sip:as.example';
  for (const [settings, message] of [
    [{ profiles: { Gold: {} } }, /^hss\.profiles\.Gold: a name has up to 32/],
    [
      { profiles: { gold: { sharedFilterCriteria: [4] } } },
      /^hss\.profiles\.gold\.sharedFilterCriteria: 4 is no set of .*; there are none/,
    ],
    [
      { profiles: { gold: { filterCriteria: [{ priority: 1, server: 'as' }] } } },
      /^hss\.profiles\.gold\.filterCriteria\[0\]\.server: "as" is not/,
    ],
    [
      { sharedFilterCriteria: [{ id: -1, filterCriteria: [] }] },
      /^hss\.sharedFilterCriteria\[0\]\.id: -1 is not a whole number/,
    ],
    [
      { sharedFilterCriteria: [1, 1].map(id => ({ id, filterCriteria: [] })) },
      /^hss\.sharedFilterCriteria\[1\]\.id: 1 stands there twice/,
    ],
    [
      {
        sharedFilterCriteria: [
          { id: 1, filterCriteria: [{ priority: 1, server, service: 'sms' }] },
        ],
      },
      /a shared set is for whoever has it/,
    ],
  ] as const) {
    assert.match(refused(settings as Partial<HssSettings>), message);
  }
});
