// Subscriber records, wherever they are: with a running network, or in the data directory of one that
// is stopped.

import type {
  CsvSource,
  ImportReport,
  Pushed,
  SubscriberInput,
  SubscriberView,
} from '#functions/hss/hss';
import type { Changes } from '#functions/hss/provisioning';

export interface SubscriberPage {
  readonly subscribers: readonly SubscriberView[];
  readonly total: number;
  /** Give it as `after` for the next page. */
  readonly next?: string;
}

export interface Changed {
  readonly subscriber: SubscriberView;
  readonly pushed: readonly Pushed[];
}

export interface ImportSettings {
  readonly skipBad: boolean;
  readonly update: boolean;
  readonly onProgress: (progress: { pass: 'check' | 'apply'; lines: number }) => void;
}

/** Refuses with a RecordError, or an ApiRefusal that lists the same. */
export interface Subscribers {
  /** As a person should be told: 'the network at …', 'the data directory …'. */
  readonly where: string;
  list(page: { readonly after?: string; readonly limit: number }): Promise<SubscriberPage>;
  /** By IMSI, number, name, IMPI or IMPU. */
  find(text: string): Promise<SubscriberView | undefined>;
  add(input: SubscriberInput): Promise<SubscriberView>;
  /** undefined: there is none of that IMSI. So with `remove`. */
  change(imsi: string, changes: Changes): Promise<Changed | undefined>;
  remove(imsi: string): Promise<readonly Pushed[] | undefined>;
  import(source: CsvSource, settings: ImportSettings): Promise<ImportReport>;
  export(withSecrets: boolean): AsyncIterable<string>;
  close(): Promise<void>;
}
