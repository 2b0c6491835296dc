/** The one place where the version of this build comes from. */
import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;
