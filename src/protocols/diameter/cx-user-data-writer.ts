// Writes the profile document of TS 29.228 annex E, elements in the schema's order.

import { element, type XmlElement, xmlDocument } from '#kernel/xml';
import {
  type ApplicationServer,
  CODES,
  type CoreNetworkServicesAuthorization,
  type ImsSubscription,
  type InitialFilterCriterion,
  type PublicIdentityProfile,
  type ServicePointTrigger,
  type ServiceProfile,
  type TriggerPoint,
} from './ims-subscription.ts';

type Child = XmlElement | undefined;

/** The XML document for User-Data. */
export function userDataXml(subscription: ImsSubscription): string {
  return xmlDocument(
    parent(
      'IMSSubscription',
      leaf('PrivateID', subscription.impi),
      ...subscription.serviceProfiles.map(profileElement),
    ),
  );
}

function profileElement(profile: ServiceProfile): XmlElement {
  return parent(
    'ServiceProfile',
    ...profile.publicIdentities.map(identityElement),
    ...profile.filterCriteria.map(criterionElement),
    authorizationElement(profile.coreNetworkServicesAuthorization),
    extension(...profile.sharedFilterCriteria.map(id => leaf('SharedIFCSetID', id))),
  );
}

/** Each release put its additions into an Extension within the Extension before. */
function identityElement(identity: PublicIdentityProfile): XmlElement {
  return parent(
    'PublicIdentity',
    leaf('BarringIndication', identity.barred ? 1 : 0),
    leaf('Identity', identity.identity),
    extension(
      leaf('IdentityType', CODES.identityKind.indexOf(identity.kind)),
      leaf('WildcardedPSI', identity.wildcardedPsi),
      extension(
        leaf('DisplayName', identity.displayName),
        leaf('AliasIdentityGroupID', identity.aliasGroupId),
        extension(
          leaf('WildcardedIMPU', identity.wildcardedImpu),
          leaf('ServiceLevelTraceInfo', identity.serviceLevelTraceInfo),
          leaf('ServicePriorityLevel', identity.servicePriorityLevel),
          extension(
            leaf('MaxNumOfAllowedSimultRegistrations', identity.maxSimultaneousRegistrations),
          ),
        ),
      ),
    ),
  );
}

function authorizationElement(
  authorization: CoreNetworkServicesAuthorization | undefined,
): XmlElement | undefined {
  if (authorization === undefined) return undefined;
  const services = authorization.serviceIds?.map(id => leaf('ServiceId', id));
  return parent(
    'CoreNetworkServicesAuthorization',
    leaf('SubscribedMediaProfileId', authorization.subscribedMediaProfileId),
    extension(services === undefined ? undefined : parent('ListOfServiceIds', ...services)),
  );
}

function criterionElement(criterion: InitialFilterCriterion): XmlElement {
  const { priority, triggerPoint, applicationServer, profilePart } = criterion;
  return parent(
    'InitialFilterCriteria',
    leaf('Priority', priority),
    triggerPoint === undefined ? undefined : triggerElement(triggerPoint),
    serverElement(applicationServer),
    profilePart === undefined
      ? undefined
      : leaf('ProfilePartIndicator', CODES.profilePart.indexOf(profilePart)),
  );
}

function triggerElement(trigger: TriggerPoint): XmlElement {
  return parent(
    'TriggerPoint',
    leaf('ConditionTypeCNF', trigger.form === 'CNF' ? 1 : 0),
    ...trigger.groups.flatMap((group, number) => group.map(spt => sptElement(spt, number))),
  );
}

function sptElement(spt: ServicePointTrigger, group: number): XmlElement {
  const types = spt.kind === 'method' ? spt.registrationTypes : [];
  return parent(
    'SPT',
    leaf('ConditionNegated', spt.negated ? 1 : 0),
    leaf('Group', group),
    conditionElement(spt),
    extension(...types.map(type => leaf('RegistrationType', CODES.registrationType.indexOf(type)))),
  );
}

function conditionElement(spt: ServicePointTrigger): XmlElement | undefined {
  switch (spt.kind) {
    case 'method':
      return element('Method', {}, spt.method);
    case 'requestUri':
      return element('RequestURI', {}, spt.pattern);
    case 'sipHeader':
      return parent('SIPHeader', leaf('Header', spt.header), content(spt.content));
    case 'sessionCase':
      return leaf('SessionCase', CODES.sessionCase.indexOf(spt.sessionCase));
    case 'sessionDescription':
      return parent('SessionDescription', leaf('Line', spt.line), content(spt.content));
  }
}

function serverElement(server: ApplicationServer): XmlElement {
  return parent(
    'ApplicationServer',
    leaf('ServerName', server.serverName),
    leaf('DefaultHandling', CODES.defaultHandling.indexOf(server.defaultHandling)),
    content(server.serviceInfo, 'ServiceInfo'),
    extension(
      server.includeRegisterRequest ? element('IncludeRegisterRequest', {}) : undefined,
      server.includeRegisterResponse ? element('IncludeRegisterResponse', {}) : undefined,
    ),
  );
}

// ------------------------------------------------------------------ helpers

const parent = (name: string, ...children: readonly Child[]): XmlElement =>
  element(name, {}, ...children);

const leaf = (name: string, value: string | number | undefined): XmlElement | undefined =>
  value === undefined ? undefined : element(name, {}, String(value));

const content = (text: string | undefined, name = 'Content'): XmlElement | undefined =>
  text === undefined ? undefined : element(name, {}, text);

/** An Extension of what there is, or none. */
function extension(...children: readonly Child[]): XmlElement | undefined {
  return children.some(child => child !== undefined) ? parent('Extension', ...children) : undefined;
}
