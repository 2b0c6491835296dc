/**
 * Plain guards over what the controller answers, so that an answer of another program, or of a version that speaks
 * otherwise, is told as such instead of failing somewhere in a table. Only what is read by name is checked.
 */
import type {
  AddressBinding,
  AddressPool,
  CheckReport,
  CollectReport,
  Explanation,
  List,
  PodExplanation,
  Problem,
  Released,
  Stats,
  VersionAnswer,
} from '../protocol.ts';

type Fields = Record<string, unknown>;
export type Guard<T> = (value: unknown) => value is T;

export const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const hasTexts = (value: Fields, ...names: string[]): boolean => names.every((name) => isText(value[name]));
const isListOf = (value: unknown, item: (value: unknown) => boolean): boolean => Array.isArray(value) && value.every(item);

export const isProblem: Guard<Problem> = (value): value is Problem =>
  isFields(value) && hasTexts(value, 'reason', 'detail') && (value['pools'] === undefined || isListOf(value['pools'], isFields));

export const isPool: Guard<AddressPool> = (value): value is AddressPool =>
  isFields(value) &&
  value['kind'] === 'AddressPool' &&
  isFields(value['metadata']) &&
  isText(value['metadata']['name']) &&
  isFields(value['spec']) &&
  isListOf(value['spec']['ranges'], isFields);

export const isBinding: Guard<AddressBinding> = (value): value is AddressBinding =>
  isFields(value) &&
  value['kind'] === 'AddressBinding' &&
  isFields(value['metadata']) &&
  isText(value['metadata']['name']) &&
  isFields(value['spec']) &&
  hasTexts(value['spec'], 'address', 'pool', 'network', 'subinstance', 'subid', 'boundAt') &&
  isFields(value['spec']['resource']) &&
  isListOf(value['spec']['attachments'], isFields);

export const isListWhere =
  <T>(item: Guard<T>): Guard<List<T>> =>
  (value): value is List<T> =>
    isFields(value) && isListOf(value['items'], item) && (value['continue'] === undefined || isText(value['continue']));

export const isReleased: Guard<Released> = (value): value is Released =>
  isFields(value) && isListOf(value['released'], (item) => isFields(item) && hasTexts(item, 'address', 'subinstance', 'subid'));

export const isStats: Guard<Stats> = (value): value is Stats =>
  isFields(value) &&
  isListOf(value['pools'], (item) => isFields(item) && hasTexts(item, 'pool', 'total', 'allocated', 'reserved', 'cooling', 'available'));

export const isExplanation: Guard<Explanation> = (value): value is Explanation =>
  isFields(value) && hasTexts(value, 'address', 'network', 'state', 'detail');

export const isPodExplanation: Guard<PodExplanation> = (value): value is PodExplanation =>
  isFields(value) &&
  hasTexts(value, 'namespace', 'name', 'state', 'detail') &&
  isFields(value['asks']) &&
  isListOf(value['asks']['pools'], () => true) &&
  isListOf(value['asks']['addresses'], isText) &&
  isListOf(value['bindings'], isBinding) &&
  isListOf(value['pools'], (item) => isFields(item) && hasTexts(item, 'pool', 'family', 'detail'));

export const isCheckReport: Guard<CheckReport> = (value): value is CheckReport =>
  isFields(value) &&
  isFields(value['checked']) &&
  isListOf(value['findings'], (item) => isFields(item) && hasTexts(item, 'code', 'object', 'detail'));

export const isCollectReport: Guard<CollectReport> = (value): value is CollectReport =>
  isFields(value) && isListOf(value['released'], isFields) && isListOf(value['held'], isFields);

export const isVersionAnswer: Guard<VersionAnswer> = (value): value is VersionAnswer =>
  isFields(value) && hasTexts(value, 'version', 'store');
