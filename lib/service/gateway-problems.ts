import { ResponseType, type RestApi } from 'aws-cdk-lib/aws-apigateway';
import { GATEWAY_RESPONSES, PROBLEM_CONTENT_TYPE, saysWhenToRetry } from '../../contract/gateway-responses.ts';

/** Makes API Gateway's own refusals the same problem bodies as everywhere else. */
export const answerProblems = (api: RestApi): void => {
  for (const [type, problem] of Object.entries(GATEWAY_RESPONSES)) {
    api.addGatewayResponse(`Problem-${type}`, {
      type: ResponseType.of(type),
      statusCode: String(problem.status),
      responseHeaders: {
        'Content-Type': `'${PROBLEM_CONTENT_TYPE}'`,
        'Cache-Control': "'no-store'",
        ...(saysWhenToRetry(problem) && { 'Retry-After': "'1'" }),
      },
      templates: { 'application/json': literalTemplate(problem) },
    });
  }
};

/** API Gateway puts variables in place of `$name` in the body; JSON has another way to write a dollar sign. */
export const literalTemplate = (content: object): string => JSON.stringify(content).replaceAll('$', '\\u0024');
