// User-Data: an IMS subscription as types, and its XML document both ways. TS 29.228 annexes B to E

export { parseServiceProfile, parseUserData, UserDataError } from './cx-user-data-reader.ts';
export { userDataXml } from './cx-user-data-writer.ts';
export type * from './ims-subscription.ts';
