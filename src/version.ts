/** Version of datamesh; the same as in package.json (a test holds them together). Nothing else is read at start-up. */
export const VERSION = '0.1.0';
