/** What parts are wired from, as the environments of functions name it. */
export type HasControlTable = { CONTROL_TABLE_NAME: string };
export type HasObjects = { OBJECT_STORE_URL: string };
export type HasWorkflows = { STATE_MACHINE_ARN_PREFIX: string };
export type HasRetention = { RETENTION_DAYS: number };
