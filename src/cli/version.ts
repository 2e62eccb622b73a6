declare const BATCHX_VERSION: string;

/** The version that was built; `dev` when the sources run as they are. */
export const version = typeof BATCHX_VERSION === 'string' ? BATCHX_VERSION : 'dev';
