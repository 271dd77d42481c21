import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseXml, XmlError } from '#kernel/xml';
import { vectors } from '../../../test/vectors.ts';
import { decode } from './codec.ts';
import { UserData } from './cx.ts';
import {
  type ImsSubscription,
  parseServiceProfile,
  parseUserData,
  type ServicePointTrigger,
  UserDataError,
  userDataXml,
} from './cx-user-data.ts';

interface Vector {
  readonly hex: string;
}

const read = <T>(path: string): readonly T[] => JSON.parse(readFileSync(vectors(path), 'utf8'));

function capturedProfile(): ImsSubscription {
  for (const { hex } of read<Vector>('pcap_extracted/open5gs_ipsec_reg.diameter.json')) {
    const xml = decode(Buffer.from(hex, 'hex')).get(UserData);
    if (xml !== undefined) return parseUserData(xml);
  }
  throw new Error('no profile in the capture');
}

test('the profile of a captured SAA is read whole', () => {
  const subscription = capturedProfile();
  const [profile] = subscription.serviceProfiles;
  assert.equal(subscription.impi, '001011234567893@ims.mnc001.mcc001.3gppnetwork.org');
  assert.deepEqual(profile?.publicIdentities, [
    {
      identity: 'sip:001011234567893@ims.mnc001.mcc001.3gppnetwork.org',
      barred: true,
      kind: 'IMPU',
    },
    { identity: 'tel:0398765432100', barred: false, kind: 'IMPU' },
    { identity: 'sip:0398765432100', barred: false, kind: 'IMPU' },
  ]);
  assert.equal(profile?.filterCriteria.length, 1);
  const [criterion] = profile?.filterCriteria ?? [];
  assert.equal(criterion?.triggerPoint?.form, 'DNF');
  assert.deepEqual(criterion?.triggerPoint?.groups[0], [
    { negated: false, kind: 'method', method: 'PUBLISH', registrationTypes: [] },
    { negated: false, kind: 'sipHeader', header: 'Event', content: '.*presence.*' },
    { negated: false, kind: 'sessionCase', sessionCase: 'ORIGINATING_REGISTERED' },
  ]);
  assert.deepEqual(criterion?.applicationServer, {
    serverName: 'sip:10.4.128.21:6060',
    defaultHandling: 'SESSION_CONTINUED',
    includeRegisterRequest: false,
    includeRegisterResponse: false,
  });
  assert.deepEqual(parseUserData(userDataXml(subscription)), subscription);
});

const spt: fc.Arbitrary<ServicePointTrigger> = fc
  .tuple(
    fc.boolean(),
    fc.constantFrom<ServicePointTrigger>(
      { negated: false, kind: 'method', method: 'INVITE', registrationTypes: [] },
      {
        negated: false,
        kind: 'method',
        method: 'REGISTER',
        registrationTypes: ['INITIAL_REGISTRATION', 'DE_REGISTRATION'],
      },
      { negated: false, kind: 'requestUri', pattern: 'sip:.*@example\\.com' },
      { negated: false, kind: 'sipHeader', header: 'Accept' },
      { negated: false, kind: 'sipHeader', header: 'From', content: ' <"&>' },
      { negated: false, kind: 'sessionCase', sessionCase: 'ORIGINATING_CDIV' },
      { negated: false, kind: 'sessionDescription', line: 'm', content: 'audio' },
    ),
  )
  .map(([negated, trigger]) => ({ ...trigger, negated }));

const word = fc.stringMatching(/^[a-z:@.<&"é]{1,12}$/);
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });

const subscriptions: fc.Arbitrary<ImsSubscription> = fc
  .record({
    impi: word,
    serviceProfiles: fc.array(
      fc.record({
        publicIdentities: fc.array(
          fc.record({
            identity: word,
            barred: fc.boolean(),
            kind: fc.constantFrom('IMPU', 'PSI', 'WILDCARDED_PSI', 'WILDCARDED_IMPU'),
            wildcardedImpu: maybe(word),
            wildcardedPsi: maybe(word),
            displayName: maybe(word),
            aliasGroupId: maybe(word),
            serviceLevelTraceInfo: maybe(word),
            servicePriorityLevel: maybe(fc.nat(4)),
            maxSimultaneousRegistrations: maybe(fc.nat(9)),
          }),
          { minLength: 1, maxLength: 3 },
        ),
        coreNetworkServicesAuthorization: maybe(
          fc.record({ subscribedMediaProfileId: fc.nat(99), serviceIds: fc.array(word) }),
        ),
        filterCriteria: fc
          .array(
            fc.record({
              priority: fc.nat(1000),
              triggerPoint: maybe(
                fc.record({
                  form: fc.constantFrom('CNF', 'DNF'),
                  groups: fc.array(fc.array(spt, { minLength: 1, maxLength: 3 }), { maxLength: 3 }),
                }),
              ),
              applicationServer: fc.record({
                serverName: word,
                defaultHandling: fc.constantFrom('SESSION_CONTINUED', 'SESSION_TERMINATED'),
                serviceInfo: maybe(word),
                includeRegisterRequest: fc.boolean(),
                includeRegisterResponse: fc.boolean(),
              }),
              profilePart: maybe(fc.constantFrom('REGISTERED', 'UNREGISTERED')),
            }),
            { maxLength: 4 },
          )
          .map(criteria => criteria.sort((a, b) => a.priority - b.priority)),
        sharedFilterCriteria: fc.array(fc.nat(1000), { maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 2 },
    ),
  })
  .map(value => withoutUndefined(value) as ImsSubscription);

function withoutUndefined(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutUndefined);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([key, inner]) => [key, withoutUndefined(inner)]));
}

test('a subscription that is written is read back the same', () => {
  fc.assert(
    fc.property(subscriptions, subscription =>
      assert.deepEqual(parseUserData(userDataXml(subscription)), subscription),
    ),
    { numRuns: 200, seed: 11 },
  );
});

interface IfcCase {
  readonly name: string;
  readonly service_profile: string;
}

/** Clearwater's cases whose criterion makes no sense, so that it must not trigger. */
const SENSELESS = [
  'GarbagePriority#3',
  'NoAS#4',
  'NoClass1#12',
  'NoClass2#13',
  'NoServerName2#6',
  'RegTypes#93',
  'SDPNoLine#114',
  'SesCaseGarbage#49',
  'SesCaseRange2#51',
  'Unimplemented#16',
];

test('of the published filter criteria, the senseless are left out and the others kept', () => {
  const left: string[] = [];
  for (const { name, service_profile } of read<IfcCase>('ims/ifc.json')) {
    const profile = parseServiceProfile(parseXml(service_profile));
    if (profile.problems === undefined) assert.equal(profile.filterCriteria.length, 1, name);
    else left.push(name);
  }
  assert.deepEqual(left.sort(), SENSELESS);
});

test('an SPT in several groups counts in each; groups are in the order of their numbers', () => {
  const groups = (xml: string) =>
    parseServiceProfile(
      parseXml(`<ServiceProfile><InitialFilterCriteria><Priority>0</Priority><TriggerPoint>
        <ConditionTypeCNF>1</ConditionTypeCNF>${xml}</TriggerPoint><ApplicationServer>
        <ServerName>sip:as</ServerName></ApplicationServer></InitialFilterCriteria>
        </ServiceProfile>`),
    ).filterCriteria[0]?.triggerPoint?.groups.map(group =>
      group.map(spt => (spt.kind === 'method' ? spt.method : spt.kind)),
    );
  assert.deepEqual(
    groups(`<SPT><Group>7</Group><Group>1</Group><Method>A</Method></SPT>
      <SPT><Group>1</Group><Method>B</Method></SPT>`),
    [['A', 'B'], ['A']],
  );
});

test('elements of later releases are passed over wherever they stand', () => {
  const { impi, serviceProfiles } = parseUserData(`<IMSSubscription><PrivateID> a@b </PrivateID>
    <ServiceProfile><PublicIdentity><Identity>sip:a@b</Identity><New/><Extension><IdentityType>2
    </IdentityType><Extension><Extension><WildcardedIMPU>sip:!.*!@b</WildcardedIMPU><Extension>
    <ExtendedPriority/></Extension></Extension></Extension></Extension></PublicIdentity><New>1</New>
    <Extension><SharedIFCSetID>4</SharedIFCSetID></Extension></ServiceProfile><Extension/>
    </IMSSubscription>`);
  assert.equal(impi, 'a@b');
  assert.deepEqual(serviceProfiles[0]?.publicIdentities, [
    { identity: 'sip:a@b', barred: false, kind: 'WILDCARDED_PSI', wildcardedImpu: 'sip:!.*!@b' },
  ]);
  assert.deepEqual(serviceProfiles[0]?.sharedFilterCriteria, [4]);
});

test('a document that is no subscription is refused', () => {
  const refused = (xml: string) => assert.throws(() => parseUserData(xml), UserDataError, xml);
  refused('<Other/>');
  refused('<IMSSubscription><PrivateID>a</PrivateID></IMSSubscription>');
  refused('<IMSSubscription><ServiceProfile/></IMSSubscription>');
  refused('<IMSSubscription><PrivateID>a</PrivateID><ServiceProfile><PublicIdentity/></ServiceProfile></IMSSubscription>'); // biome-ignore format: one document
  assert.throws(() => parseUserData('<IMSSubscription>'), XmlError);
});
