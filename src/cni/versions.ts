/** The CNI versions Berth speaks, oldest first. 0.1.0 and 0.2.0 are not offered: no runtime in use asks for them. */
import { type Checked, Code, fine, wrong } from './errors.ts';

export const SUPPORTED_VERSIONS: readonly string[] = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'];
export const NEWEST_VERSION = '1.1.0';

export const isAtLeast = (version: string, least: string): boolean =>
  SUPPORTED_VERSIONS.indexOf(version) >= SUPPORTED_VERSIONS.indexOf(least);

/** Compared as text, as libcni does: "1.0" is not "1.0.0". Absent counts as 0.1.0 (specification, section 1). */
export function checkVersion(verb: string, version: string): Checked<string> {
  const supported = `supported: ${SUPPORTED_VERSIONS.join(', ')}`;
  if (!SUPPORTED_VERSIONS.includes(version)) {
    const shown = version === '' ? 'no cniVersion (that is 0.1.0)' : `cniVersion ${JSON.stringify(version)}`;
    return wrong(Code.incompatibleVersion, `${shown} is not supported`, supported);
  }
  if (verb === 'CHECK' && !isAtLeast(version, '0.4.0')) return tooOld('CHECK', version, '0.4.0');
  if ((verb === 'GC' || verb === 'STATUS') && !isAtLeast(version, '1.1.0')) return tooOld(verb, version, '1.1.0');
  return fine(version);
}

const tooOld = (verb: string, version: string, least: string): Checked<string> =>
  wrong(Code.incompatibleVersion, `config version does not allow ${verb}: cniVersion is ${version}`, `${verb} needs ${least}`);
