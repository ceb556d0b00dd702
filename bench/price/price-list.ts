import { FUNCTION_MEGABYTES } from '../../contract/functions.ts';

/**
 * List prices in US dollars, of the region and the day named, without free tiers and discounts. **Written down from memory of
 * AWS's public price pages, which this machine can not read: check them before you rely on a sum.**
 */
export const PRICE_LIST = {
  region: 'us-east-1',
  asOf: '2026-11-21',
  prices: {
    /** aws.amazon.com/step-functions/pricing: Standard Workflows, state transitions. */
    transition: 25 / 1e6,
    /** aws.amazon.com/lambda/pricing: requests. */
    functionCall: 0.2 / 1e6,
    /** aws.amazon.com/lambda/pricing: duration on Arm, first tier. */
    gigabyteSecond: 0.000_013_333_4,
    /** aws.amazon.com/dynamodb/pricing/on-demand: read request units, Standard table class. */
    readUnit: 0.125 / 1e6,
    /** aws.amazon.com/dynamodb/pricing/on-demand: write request units, Standard table class. */
    writeUnit: 0.625 / 1e6,
    /** aws.amazon.com/api-gateway/pricing: REST API calls, first tier. */
    apiCall: 3.5 / 1e6,
    /** aws.amazon.com/waf/pricing: requests inspected by a web ACL. */
    inspectedCall: 0.6 / 1e6,
    /** aws.amazon.com/s3/pricing, Standard: PUT, COPY, POST, LIST. */
    objectWrite: 5 / 1e6,
    /** aws.amazon.com/s3/pricing, Standard: GET and all others. */
    objectRead: 0.4 / 1e6,
    /** aws.amazon.com/cloudwatch/pricing: log data taken in, Standard. */
    logGigabyte: 0.5,
    /** aws.amazon.com/xray/pricing: traces recorded. */
    trace: 5 / 1e6,
  },
} as const;

/** What can not be counted here, and is assumed. */
export const ASSUMPTIONS = {
  functionMegabytes: FUNCTION_MEGABYTES,
  /** START, END and REPORT of a call and what the function itself writes. */
  logBytesOfFunctionCall: 900,
  /** A line of the access log. */
  logBytesOfApiCall: 500,
  /** X-Ray's own rule: one of twenty. */
  traced: 0.05,
  /** AWS counts the start and the end of an execution as transitions in its example of a price. */
  transitionsOfExecution: 2,
} as const;

export type Prices = { readonly [Unit in keyof typeof PRICE_LIST.prices]: number };
